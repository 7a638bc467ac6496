// Reads how many tasks a job has and what differs between them. Items of the file itself are given as rows; a file of items is
// only named here, and its first line read for the names of its fields.

import { taskCountOf } from '../../domain/array.ts';
import { DistributoError } from '../../domain/errors.ts';
import { joinPath } from '../../domain/interpolate.ts';
import { type ArraySpec, TASKS_PER_RUN_MAX } from '../../domain/job.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import type { JobFileContext } from './job-scope.ts';
import type { FieldPath } from './problem.ts';
import type { Report } from './read-fields.ts';
import { type ItemFormat, readItemFields } from './read-items.ts';
import type { JobFields } from './schema.ts';

/** Where the items of a job come from; they are uploaded before the run is submitted. */
export type ItemSource =
  | { readonly kind: 'rows'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'file'; readonly path: string; readonly format: ItemFormat };

export type BuiltArray = { readonly array: ArraySpec; readonly source: ItemSource | null };

const KINDS = ['count', 'range', 'items', 'matrix', 'file'] as const;
const AXIS_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** True where exactly one kind of array is asked for, or where what is there is no mapping, which is told elsewhere. */
export function checkKinds(raw: unknown, path: FieldPath, report: Report): boolean {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return true;
  const kinds = KINDS.filter((kind) => Object.hasOwn(raw, kind));
  const [first, second] = kinds;
  if (first !== undefined && second === undefined) return true;
  if (first === undefined && Object.keys(raw).some((key) => !key.startsWith('x-'))) return false;
  const got = first === undefined ? 'none' : kinds.join(' and ');
  const where = second === undefined ? path : [...path, second];
  report(where, `expected exactly one of ${KINDS.join(', ')}, got ${got}`, { key: true });
  return false;
}

/** null: it is wrong, and that is reported. */
export async function buildArray(
  fields: NonNullable<JobFields['array']>,
  path: FieldPath,
  context: JobFileContext,
  report: Report,
): Promise<BuiltArray | null> {
  const kind = KINDS.find((one) => fields[one] !== undefined);
  if (kind === undefined) return null;
  const built = await build(kind, fields, path, context, report);
  if (built === null) return null;
  const count = taskCountOf(built.array);
  if (count <= TASKS_PER_RUN_MAX) return built;
  report([...path, kind], `expected at most ${said(TASKS_PER_RUN_MAX)} tasks, got ${said(count)}`);
  return null;
}

async function build(
  kind: (typeof KINDS)[number],
  fields: NonNullable<JobFields['array']>,
  path: FieldPath,
  context: JobFileContext,
  report: Report,
): Promise<BuiltArray | null> {
  if (kind === 'count') return { array: { kind, count: fields.count as number }, source: null };
  if (kind === 'range') {
    const { from = 0, to, step = 1 } = fields.range as NonNullable<typeof fields.range>;
    if (to > from) return { array: { kind, from, to, step }, source: null };
    report([...path, kind, 'to'], `expected a whole number above from (${from}), got ${to}: the array would be empty`);
    return null;
  }
  if (kind === 'matrix') {
    const axes = Object.entries(fields.matrix as NonNullable<typeof fields.matrix>);
    if (axes.length === 0) report([...path, kind], 'expected at least one axis: the array would be empty');
    for (const [name] of axes) {
      if (!AXIS_NAME.test(name))
        report([...path, kind, name], 'expected the name of an axis of A-Z, a-z, 0-9, _ and -', { key: true });
    }
    return axes.length === 0
      ? null
      : { array: { kind, axes: axes.map(([name, values]) => ({ name, values })) }, source: null };
  }
  if (kind === 'items') return buildItems(fields.items as NonNullable<typeof fields.items>, [...path, kind], report);
  return nameFile(fields.file as string, [...path, kind], context, report);
}

function buildItems(
  items: NonNullable<NonNullable<JobFields['array']>['items']>,
  path: FieldPath,
  report: Report,
): BuiltArray | null {
  const [first] = items;
  const names = typeof first === 'object' ? Object.keys(first) : [];
  if (typeof first === 'object' && names.length === 0) {
    report([...path, 0], 'expected a mapping of at least one field');
    return null;
  }
  let isRight = true;
  const refuse: Report = (at, message, options) => {
    report(at, message, options);
    isRight = false;
  };
  const rows = items.map((item, position) => {
    if (typeof item === 'string') {
      if (names.length > 0)
        refuse([...path, position], `expected a mapping of ${names.join(', ')}, as the first item is`);
      return [item];
    }
    if (names.length === 0) refuse([...path, position], 'expected a plain value, as the first item is');
    const extra = Object.keys(item).find((name) => !names.includes(name));
    const missing = names.find((name) => !Object.hasOwn(item, name));
    if (names.length > 0 && extra !== undefined) {
      const nearest = missing === undefined ? undefined : nearestName(extra, [missing]);
      const hint = nearest === undefined ? '' : `; nearest: ${nearest}`;
      refuse([...path, position, extra], `expected the fields of the first item: ${names.join(', ')}${hint}`, {
        key: true,
        nearest,
      });
      // Which of the two is mistyped cannot be known: both are told.
      if (nearest !== undefined)
        refuse([...path, 0, nearest], `named ${nearest} here, but ${extra} in a later item`, {
          key: true,
          nearest: extra,
        });
    } else if (missing !== undefined)
      refuse([...path, position], `expected the fields of the first item; ${missing} is missing`);
    return names.map((name) => item[name] ?? '');
  });
  if (!isRight) return null;
  const array: ArraySpec = { kind: 'items', itemSetId: '', count: rows.length, fields: names };
  return { array, source: { kind: 'rows', rows } };
}

/** The number of items is known when they have been read; until then it is 0. */
async function nameFile(
  file: string,
  path: FieldPath,
  context: JobFileContext,
  report: Report,
): Promise<BuiltArray | null> {
  const absolute = joinPath(context.directory, file);
  const format: ItemFormat = /\.csv$/i.test(file) ? 'csv' : 'json-lines';
  try {
    const fields = await readItemFields(context.openFile(absolute), format, file);
    return {
      array: { kind: 'items', itemSetId: '', count: 0, fields },
      source: { kind: 'file', path: absolute, format },
    };
  } catch (error) {
    report(path, error instanceof DistributoError ? error.message : describeFileError(error, absolute));
    return null;
  }
}

/** What went wrong with a file, in words. */
export function describeFileError(error: unknown, path: string): string {
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOENT') return `there is no file ${path}`;
  if (code === 'EISDIR') return `expected a file, but ${path} is a folder`;
  if (code === 'EACCES') return `you may not read ${path}`;
  return `${path} could not be read: ${error instanceof Error ? error.message : String(error)}`;
}

const said = (count: number): string => count.toLocaleString('en-US');

// Fills ${name} in the strings of a job. A template is compiled once into parts and checked against the names that are known;
// `$${` is a literal `${`, and a `$` before anything but `{` is itself. Which values a task has is decided in array.ts.

import { arrayNames, itemOf } from './array.ts';
import { assert } from './errors.ts';
import type { ContainerOptions, Executor, Job, Transfer } from './job.ts';
import { nearestName } from './nearest-name.ts';

/** Text as it stands, or a name to be filled in. */
export type Template = readonly (string | { readonly name: string })[];

export type Values = ReadonlyMap<string, string>;

/** Splits a text into its parts; refuses a `${` without its `}`. */
export function compileTemplate(text: string): { readonly template: Template } | { readonly refusal: string } {
  if (!text.includes('${')) return { template: text === '' ? [] : [text] };
  const template: (string | { name: string })[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('$', at);
    if (next < 0) break;
    literal += text.slice(at, next);
    if (text.startsWith('$${', next)) {
      literal += '${';
      at = next + 3;
    } else if (text.startsWith('${', next)) {
      const close = text.indexOf('}', next);
      if (close < 0) return { refusal: `"\${" without its "}"; a literal "\${" is written "$\${"` };
      if (literal !== '') template.push(literal);
      literal = '';
      template.push({ name: text.slice(next + 2, close).trim() });
      at = close + 1;
    } else {
      literal += '$';
      at = next + 1;
    }
  }
  literal += text.slice(at);
  if (literal !== '') template.push(literal);
  return { template };
}

/** One sentence for each name that is not known. */
export function refuseUnknownNames(template: Template, known: readonly string[]): readonly UnknownName[] {
  return namesIn(template)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      const hint =
        nearest === undefined
          ? `known here: ${known.slice(0, 20).map(written).join(' ')}`
          : `nearest: ${written(nearest)}`;
      return {
        name,
        nearest,
        refusal: `unknown name ${written(name)}; ${hint}; for the text itself write $${written(name)}`,
      };
    });
}

export type UnknownName = { readonly name: string; readonly nearest: string | undefined; readonly refusal: string };

export const namesIn = (template: Template): readonly string[] => [
  ...new Set(template.flatMap((part) => (typeof part === 'string' ? [] : [part.name]))),
];

const written = (name: string): string => `\${${name}}`;

/** The text with every name replaced; `encode` is applied to the values alone. */
export function fillTemplate(template: Template, values: Values, encode?: (value: string) => string): string {
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') text += part;
    else {
      const value = values.get(part.name);
      assert(value !== undefined, `no value for ${written(part.name)}`);
      text += encode === undefined ? value : encode(value);
    }
  }
  return text;
}

/** A text that `compileTemplate` reads back as itself, without any name. */
export const escapeTemplate = (text: string): string => text.replaceAll('${', () => '$${');

/** Fills only what is given and leaves the rest a template: how parameters are put into URLs before they are made absolute. */
export const fillPartly = (template: Template, values: Values): Template =>
  template.map((part) => (typeof part === 'string' ? part : (values.get(part.name) ?? part)));

/** The template as a text again. */
export const printTemplate = (template: Template): string =>
  template.map((part) => (typeof part === 'string' ? escapeTemplate(part) : written(part.name))).join('');

/** The names that templates of a job may use. */
export const knownNames = (job: Pick<Job, 'array' | 'parameters'>): readonly string[] => [
  ...arrayNames(job.array),
  ...Object.keys(job.parameters),
];

export type ExpandedTask = {
  readonly executors: readonly Executor[];
  readonly container: ContainerOptions;
  readonly inputs: readonly Transfer[];
  readonly outputs: readonly Transfer[];
};

/**
 * A job as one of its tasks sees it: every template filled in. A local URL that is relative only now, because a value stood
 * first in it, is taken from `directory` (the submitting client's). Whether a path leaves the workspace is checked by staging.
 */
export function expandTask(
  job: Job,
  taskIndex: number,
  itemValues: readonly string[] | null,
  directory: string,
): ExpandedTask {
  const values = new Map([...Object.entries(job.parameters), ...itemOf(job.array, taskIndex, itemValues)]);
  const fill = (text: string): string => fillTemplate(compiled(text), values);
  const fillList = (list: readonly string[] | null): readonly string[] | null =>
    list === null ? null : list.map(fill);
  const fillOrNull = (text: string | null): string | null => (text === null ? null : fill(text));
  const transfer = (one: Transfer): Transfer => ({ url: fillUrl(one.url, values, directory), path: fill(one.path) });
  return {
    executors: job.executors.map((executor) => ({
      image: executor.image,
      entrypoint: fillList(executor.entrypoint),
      command: fillList(executor.command),
      env: Object.fromEntries(Object.entries(executor.env).map(([name, value]) => [name, fill(value)])),
      workdir: fillOrNull(executor.workdir),
      stdin: fillOrNull(executor.stdin),
      stdout: fillOrNull(executor.stdout),
      stderr: fillOrNull(executor.stderr),
      ignoreError: executor.ignoreError,
    })),
    container: {
      ...job.container,
      mounts: job.container.mounts.map((mount) => ({
        ...mount,
        source: fill(mount.source),
        target: fill(mount.target),
      })),
    },
    inputs: job.inputs.map(transfer),
    outputs: job.outputs.map(transfer),
  };
}

/** Values inside a file URL are names of files and are encoded as such; other URLs are filled as they stand. */
function fillUrl(text: string, values: Values, directory: string): string {
  const template = compiled(text);
  const [first] = template;
  if (typeof first === 'string' && first.startsWith('file:')) return fillTemplate(template, values, encodePath);
  return absoluteUrl(fillTemplate(template, values), directory);
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;

/** A URL as it is; a path, taken from `directory`, as a file URL. */
export function absoluteUrl(text: string, directory: string): string {
  if (SCHEME.test(text)) return text;
  return `file://${encodePath(joinPath(directory, text))}`;
}

/** Joins and removes `.` and `..`, as the shell's user means it. A trailing slash stays. */
export function joinPath(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}${path.endsWith('/') && parts.length > 0 ? '/' : ''}`;
}

/** A path as it stands in a file URL; half a surrogate pair, which no URL can hold, becomes U+FFFD. */
export const encodePath = (path: string): string =>
  encodeURI(path.replaceAll(/\p{Surrogate}/gu, '\ufffd')).replaceAll(/[?#]/g, encodeURIComponent);

/** Templates that were checked at submission: a refusal here is a fault of ours. */
function compiled(text: string): Template {
  const result = compileTemplate(text);
  assert('template' in result, `not a template: ${text}`);
  return result.template;
}

// Reads a job file into a run that can be submitted, or says everything that is wrong with it. Touches the world only through
// what its context passes: the files that it names are read, nothing else.

import { assert, DistributoError } from '../../domain/errors.ts';
import { compileTemplate, fillTemplate, refuseUnknownNames } from '../../domain/interpolate.ts';
import { type RunSpec, TASKS_PER_RUN_MAX } from '../../domain/job.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import { parseInstantMs } from '../../domain/units.ts';
import type { ItemSource } from './build-array.ts';
import { type BuiltJob, buildJob } from './build-job.ts';
import { checkDependencies } from './check-dependencies.ts';
import { IDLE_FIELDS } from './defaults.ts';
import { describe, isMissing } from './field-types.ts';
import type { JobFileContext } from './job-scope.ts';
import { type FieldPath, makeProblem, type Problem, printProblems, sortProblems } from './problem.ts';
import { readDocument } from './read-document.ts';
import { type Report, readFields } from './read-fields.ts';
import {
  JOB_AND_SHARED_FIELDS,
  JOB_FIELDS,
  type JobFields,
  nameField,
  RUN_FIELDS,
  type RunFields,
  SHARED_FIELDS,
} from './schema.ts';

/** A run whose items are not uploaded yet: see upload-items.ts, which gives the RunSpec. */
export type RunDraft = {
  readonly spec: RunSpec;
  /** By name of the job. */
  readonly itemSources: ReadonlyMap<string, ItemSource>;
  /** Variables of the client whose values must come with the submission. */
  readonly secretVariables: readonly string[];
  /** Worth saying, and no reason to stop. */
  readonly notes: readonly string[];
};

export type ParsedJobFile = { readonly draft: RunDraft } | { readonly problems: readonly Problem[] };

export async function parseJobFile(text: string, context: JobFileContext): Promise<ParsedJobFile> {
  const { document, problems: first } = readDocument(text);
  if (document === null) return { problems: first };
  const problems: Problem[] = [...first];
  const report: Report = (path, message, options = {}) => {
    const place = String(path[0]).startsWith(SET)
      ? null
      : document.placeOf(path, options.key === true ? 'key' : 'value');
    problems.push(makeProblem(place, path, message, options.nearest));
  };
  const root = document.value;
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    report([], `expected a mapping of fields such as name, image and command, got ${describe(root)}`);
    return { problems: sortProblems(problems) };
  }
  const draft = await readRun(root, context, report);
  return problems.length > 0 ? { problems: sortProblems(problems) } : { draft };
}

/** The error that shells print; `details.problems` is what `-o json` shows. */
export function jobFileError(problems: readonly Problem[], text: string, fileName: string): DistributoError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new DistributoError('JOB_FILE_INVALID', `${fileName} has ${count}`, {
    hint: 'distributo config schema > schema.json   gives your editor completion and these checks',
    details: { problems, lines: printProblems(problems, text) },
  });
}

/** Begins the path of a problem that is not in the file. */
const SET = '--set';

async function readRun(root: object, context: JobFileContext, report: Report): Promise<RunDraft> {
  const notes: string[] = [];
  const hasJobs = Object.hasOwn(root, 'jobs');
  const shape = hasJobs ? RUN_FIELDS : { ...RUN_FIELDS, ...JOB_AND_SHARED_FIELDS };
  const own = hasJobs ? splitJobs(root, report) : { top: root, jobs: [] };
  const fields: RunFields & JobFields = readFields(own.top, shape, [], report);
  if (isMissing('name', root, shape)) report(['name'], 'expected a name such as screening; it is missing');
  const name = fields.name ?? '';
  const shared = hasJobs ? readFields(own.shared ?? {}, SHARED_FIELDS, [], report).parameters : undefined;
  const used = new Set<string>();
  const sources = hasJobs ? own.jobs : [{ name, raw: root, path: [] as FieldPath }];
  const built: BuiltJob[] = [];
  for (const { name: jobName, raw, path } of sources) {
    const read = hasJobs ? readFields(raw, JOB_AND_SHARED_FIELDS, path, report) : fields;
    const pathOf = (parameter: string): FieldPath =>
      Object.hasOwn(read.parameters ?? {}, parameter) ? [...path, 'parameters', parameter] : ['parameters', parameter];
    const parameters = readParameters({ ...shared, ...read.parameters }, pathOf, context, report, used);
    built.push(await buildJob({ name: jobName, fields: read, raw, path, parameters, context, report, notes }));
  }
  refuseUnknownSettings(
    context,
    { ...shared, ...Object.assign({}, ...built.map((one) => one.job.parameters)) },
    used,
    report,
  );
  checkDependencies(
    built.map((one) => one.job),
    (job, other) => {
      const path: FieldPath = hasJobs ? ['jobs', job, 'depends_on'] : ['depends_on'];
      const raw = (sources.find((one) => one.name === job)?.raw as { depends_on?: unknown } | undefined)?.depends_on;
      if (Array.isArray(raw)) return [...path, raw.indexOf(other)];
      return typeof raw === 'object' ? [...path, other] : path;
    },
    report,
  );
  tellOtherEnds(built, shared ?? {}, report);
  checkSize(built, hasJobs, report);
  noteIdleFields(root, notes);
  return {
    spec: {
      name,
      target: context.target,
      jobs: built.map((one) => one.job),
      labels: fields.labels ?? {},
      deadlineAtMs: readDeadline(fields, context, report),
      budgetMicros: fields.budget ?? null,
      maxDurationMs: fields.max_duration ?? null,
      source: { file: context.fileName, directory: context.directory },
      owner: context.owner,
    },
    itemSources: new Map(built.flatMap((one) => (one.source === null ? [] : [[one.job.name, one.source] as const]))),
    secretVariables: secretVariablesOf(built),
    notes: [...new Set(notes)],
  };
}

/**
 * A name that no template uses, where a template has an unknown name near to it: which of the two is mistyped cannot be
 * known, so both are told.
 */
function tellOtherEnds(built: readonly BuiltJob[], shared: Readonly<Record<string, unknown>>, report: Report): void {
  const used = new Set(built.flatMap((one) => [...one.scope.used]));
  for (const { job, source, scope, raw } of built) {
    for (const [unknown, nearest] of scope.unknown) {
      if (nearest === undefined || used.has(nearest) || source?.kind === 'file') continue;
      const own = Object.hasOwn((raw as { parameters?: object }).parameters ?? {}, nearest);
      const path: FieldPath = own
        ? [...scope.path, 'parameters', nearest]
        : Object.hasOwn(shared, nearest)
          ? ['parameters', nearest]
          : [
              ...scope.path,
              'array',
              job.array.kind === 'matrix' ? 'matrix' : 'items',
              ...(job.array.kind === 'matrix' ? [] : [0]),
              nearest.replace(/^item\./, ''),
            ];
      report(path, `no template uses \${${nearest}}, but one has \${${unknown}}`, { key: true, nearest: unknown });
    }
  }
}

type JobSource = { readonly name: string; readonly raw: object; readonly path: FieldPath };

/** The fields of the run, the parameters for all jobs, and the jobs, of a file with `jobs`. */
function splitJobs(
  root: object,
  report: Report,
): { readonly top: object; readonly shared?: object; readonly jobs: readonly JobSource[] } {
  const { jobs, parameters, ...rest } = root as Record<string, unknown>;
  const top: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (Object.hasOwn(JOB_FIELDS, key)) report([key], 'belongs into each job, since there are jobs', { key: true });
    else top[key] = value;
  }
  const shared = parameters === undefined ? {} : { parameters };
  if (typeof jobs !== 'object' || jobs === null || Array.isArray(jobs)) {
    report(['jobs'], `expected a mapping of names to jobs, got ${describe(jobs)}`);
    return { top, shared, jobs: [] };
  }
  const entries = Object.entries(jobs).filter(([name]) => !name.startsWith('x-'));
  if (entries.length === 0) report(['jobs'], 'expected at least one job', { key: true });
  const sources = entries.flatMap(([name, raw]): JobSource[] => {
    const path = ['jobs', name];
    const checked = nameField().safeParse(name);
    if (!checked.success) report(path, checked.error.issues[0]?.message ?? '', { key: true });
    else if (/^\d+$/.test(name))
      report(path, 'expected a name with a letter: digits alone are the index of a task', { key: true });
    if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return [{ name, raw: raw as object, path }];
    report(path, `expected a mapping of fields such as image and command, got ${describe(raw)}`);
    return [];
  });
  return { top, shared, jobs: sources };
}

const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const RESERVED_NAMES = ['index', 'start', 'end', 'item'];

/** The values of a job's parameters, those of `--set` first. */
function readParameters(
  given: Readonly<Record<string, string | null>>,
  pathOf: (parameter: string) => FieldPath,
  context: JobFileContext,
  report: Report,
  used: Set<string>,
): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of Object.entries(given)) {
    const at = pathOf(name);
    if (RESERVED_NAMES.includes(name))
      report(at, `expected another name: \${${name}} has a meaning already`, { key: true });
    else if (!PARAMETER_NAME.test(name)) report(at, 'expected a name of A-Z, a-z, 0-9, _ and -', { key: true });
    const set = Object.hasOwn(context.set, name) ? context.set[name] : undefined;
    if (set !== undefined) used.add(name);
    if (set === undefined && value === null) {
      report(at, `${name} has no value; give it with --set ${name}=…`, { key: true });
    }
    parameters.set(name, set ?? readParameter(value ?? '', at, report));
  }
  return parameters;
}

/** A parameter is one text for all tasks: names are not filled in, so they are refused. */
function readParameter(value: string, path: FieldPath, report: Report): string {
  const compiled = compileTemplate(value);
  if ('refusal' in compiled) {
    report(path, compiled.refusal);
    return value;
  }
  const [unknown] = refuseUnknownNames(compiled.template, []);
  if (unknown === undefined) return fillTemplate(compiled.template, new Map());
  report(
    path,
    `expected a text without \${…}: a parameter is the same for all tasks; for the text itself write $\${${unknown.name}}`,
  );
  return value;
}

function refuseUnknownSettings(
  context: JobFileContext,
  parameters: Readonly<Record<string, unknown>>,
  used: ReadonlySet<string>,
  report: Report,
): void {
  const known = Object.keys(parameters);
  for (const name of Object.keys(context.set)) {
    if (used.has(name) || known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const none = known.length === 0 ? 'the file has no parameters' : `known: ${known.join(', ')}`;
    report([`${SET} ${name}`], `unknown parameter; ${nearest === undefined ? none : `nearest: ${nearest}`}`, {
      nearest,
    });
  }
}

function readDeadline(fields: RunFields, context: JobFileContext, report: Report): number | null {
  if (fields.deadline === undefined) return null;
  const reading = parseInstantMs(fields.deadline, context.nowMs);
  if ('refusal' in reading) report(['deadline'], reading.refusal);
  else if (reading.value <= context.nowMs) {
    const nowText = new Date(context.nowMs).toISOString().slice(0, 16);
    report(['deadline'], `expected an instant to come, got ${JSON.stringify(fields.deadline)}: it is ${nowText}Z`);
  }
  return 'value' in reading ? reading.value : null;
}

function checkSize(built: readonly BuiltJob[], hasJobs: boolean, report: Report): void {
  const total = built.reduce((sum, one) => sum + one.job.taskCount, 0);
  if (total <= TASKS_PER_RUN_MAX || built.length < 2) return;
  assert(hasJobs, 'several jobs without `jobs`');
  const said = (count: number) => count.toLocaleString('en-US');
  report(['jobs'], `expected at most ${said(TASKS_PER_RUN_MAX)} tasks in a run, got ${said(total)}`, { key: true });
}

function noteIdleFields(root: object, notes: string[]): void {
  const idle = IDLE_FIELDS.filter((field) => Object.hasOwn(root, field));
  if (idle.length > 0) notes.push(`no effect on backend local: ${idle.join(', ')}`);
}

const secretVariablesOf = (built: readonly BuiltJob[]): readonly string[] => [
  ...new Set(
    built.flatMap(({ job }) =>
      Object.values(job.secrets).flatMap((reference) => (reference.source === 'env' ? [reference.name] : [])),
    ),
  ),
];

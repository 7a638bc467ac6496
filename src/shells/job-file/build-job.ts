// Puts one job together from its fields: every default filled in, every template checked, what is not supported refused.

import { taskCountOf } from '../../domain/array.ts';
import type { Dependency, Job, RetryPolicy, Transfer } from '../../domain/job.ts';
import { type BuiltArray, buildArray, checkKinds, type ItemSource } from './build-array.ts';
import { buildContainer, buildResources, buildSecrets } from './build-container.ts';
import { buildExecutors, checkWorkspacePath } from './build-executors.ts';
import { DEFAULTS, UNSUPPORTED_FIELDS } from './defaults.ts';
import { isMissing } from './field-types.ts';
import { type JobFileContext, JobScope } from './job-scope.ts';
import { localizeUrl } from './local-url.ts';
import type { FieldPath } from './problem.ts';
import type { Report } from './read-fields.ts';
import { JOB_AND_SHARED_FIELDS, JOB_FIELDS, type JobFields } from './schema.ts';

export type BuiltJob = {
  readonly job: Job;
  readonly source: ItemSource | null;
  readonly scope: JobScope;
  readonly raw: object;
};

/** A job is always built, so that all of its problems are told; it is of use only where none was. */
export async function buildJob(options: {
  readonly name: string;
  readonly fields: JobFields;
  /** What stood in the file, right or wrong. */
  readonly raw: object;
  readonly path: FieldPath;
  readonly parameters: ReadonlyMap<string, string>;
  readonly context: JobFileContext;
  readonly report: Report;
  readonly notes: string[];
}): Promise<BuiltJob> {
  const { fields, raw, path, context, report } = options;
  const built = await readArray(fields, raw, [...path, 'array'], context, report);
  // Without its parameters or its array, every name of them would be unknown: one problem is enough.
  const areNamesKnown = Object.hasOwn(raw, 'parameters') || isMissing('parameters', raw, JOB_AND_SHARED_FIELDS);
  const scope = new JobScope({ ...options, array: areNamesKnown ? (built?.array ?? null) : null });
  refuseUnsupported(fields, raw, scope);
  const executors = await buildExecutors(fields, raw, scope);
  const array = built?.array ?? { kind: 'single' as const };
  const job: Job = {
    name: options.name,
    array,
    taskCount: taskCountOf(array),
    executors,
    resources: buildResources(fields),
    container: buildContainer(fields, scope),
    secrets: buildSecrets(fields, executors[0]?.env ?? {}, scope),
    inputs: buildTransfers('inputs', fields.inputs, scope),
    outputs: buildTransfers('outputs', fields.outputs, scope),
    parameters: Object.fromEntries(options.parameters),
    dependsOn: buildDependencies(fields),
    retry: buildRetry(fields),
    timeoutMs: fields.timeout ?? null,
    startTimeoutMs: fields.start_timeout ?? null,
    stopGracePeriodMs: fields.stop_grace_period ?? DEFAULTS.stopGracePeriodMs,
    estimateDurationMs: fields.estimate?.duration ?? null,
    priority: fields.priority ?? DEFAULTS.priority,
  };
  return { job, source: built?.source ?? null, scope, raw };
}

/** null: there is an array, and it is wrong. */
async function readArray(
  fields: JobFields,
  raw: object,
  path: FieldPath,
  context: JobFileContext,
  report: Report,
): Promise<BuiltArray | null> {
  if (isMissing('array', raw, JOB_FIELDS)) return { array: { kind: 'single' }, source: null };
  const isOneKind = checkKinds((raw as { array?: unknown }).array, path, report);
  return isOneKind && fields.array !== undefined ? buildArray(fields.array, path, context, report) : null;
}

function refuseUnsupported(fields: JobFields, raw: object, scope: JobScope): void {
  for (const [field, why] of Object.entries(UNSUPPORTED_FIELDS)) {
    if (Object.hasOwn(raw, field)) scope.refuse([field], `not supported yet by backend local: ${why}`, { key: true });
  }
  for (const [position, constraint] of (fields.constraints ?? []).entries()) {
    if (constraint.weight !== undefined) continue;
    const message = 'not supported yet by backend local without a weight: the rule would not be kept';
    scope.refuse(['constraints', position], message);
  }
}

function buildTransfers(
  field: 'inputs' | 'outputs',
  transfers: JobFields['inputs'],
  scope: JobScope,
): readonly Transfer[] {
  const built = (transfers ?? []).map((transfer, position) => ({
    url: localizeUrl(scope, transfer.url, [field, position, 'url']),
    path: checkWorkspacePath(transfer.path, [field, position, 'path'], scope),
  }));
  built.forEach((transfer, position) => {
    const first = built.findIndex((one) => one.path === transfer.path);
    if (field === 'inputs' && first < position) {
      scope.refuse(
        [field, position, 'path'],
        `duplicate: ${field}[${first}] has the path ${JSON.stringify(transfer.path)} too`,
      );
    }
  });
  return built;
}

function buildDependencies(fields: JobFields): readonly Dependency[] {
  const given = fields.depends_on ?? [];
  if (typeof given === 'string') return [{ job: given, condition: 'succeeded' }];
  if (Array.isArray(given)) return (given as readonly string[]).map((job) => ({ job, condition: 'succeeded' }));
  return Object.entries(given).map(([job, condition]) => ({
    job,
    condition: typeof condition === 'string' ? condition : condition.condition,
  }));
}

function buildRetry(fields: JobFields): RetryPolicy {
  const { retry } = fields;
  return {
    attempts: retry?.attempts ?? DEFAULTS.retryAttempts,
    on: retry?.on ?? DEFAULTS.retryOn,
    backoffMs: retry?.backoff ?? DEFAULTS.backoffMs,
    maxInterruptions: retry?.max_interruptions ?? null,
    oomMemoryFactor: retry?.oom_memory_factor ?? DEFAULTS.oomMemoryFactor,
  };
}

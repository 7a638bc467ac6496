// Forms of what comes in: a submission with its run and jobs, and the small orders. Strict: an unknown field is refused,
// since ignoring it would mislead. They say the same as the types of `domain/job.ts`; a type check below compares the two.

import { z } from 'zod';
import type { RunSpec } from '../../domain/job.ts';
import type { Submission } from '../../engine/engine-api.ts';
import type { Same } from './same-type.ts';

const whole = z.number().int();
const atLeastZero = whole.nonnegative();
const atMs = whole;
const texts = z.array(z.string());
const textMap = z.record(z.string(), z.string());

export const resources = z
  .strictObject({ cpuUnits: atLeastZero, memoryMib: atLeastZero, diskMib: atLeastZero, gpus: atLeastZero })
  .meta({ id: 'Resources', description: '1,024 cpuUnits = one vCPU' });

export const target = z
  .strictObject({
    backend: z.literal('local'),
    runtime: z.enum(['docker', 'process']),
    endpoint: z.string(),
    tlsDirectory: z.string().exactOptional(),
    path: z.string().exactOptional(),
    aws: z
      .strictObject({
        profile: z.string().exactOptional(),
        region: z.string().exactOptional(),
        endpoint: z.string().exactOptional(),
        configFile: z.string().exactOptional(),
        credentialsFile: z.string().exactOptional(),
        hasKeys: z.boolean().exactOptional(),
      })
      .exactOptional(),
    dockerConfigDirectory: z.string().exactOptional(),
  })
  .meta({ id: 'Target' });

const array = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('single') }),
  z.strictObject({ kind: z.literal('count'), count: atLeastZero }),
  z.strictObject({ kind: z.literal('range'), from: whole, to: whole, step: whole }),
  z.strictObject({ kind: z.literal('matrix'), axes: z.array(z.strictObject({ name: z.string(), values: texts })) }),
  z.strictObject({ kind: z.literal('items'), itemSetId: z.string(), count: atLeastZero, fields: texts }),
]);

export const executor = z
  .strictObject({
    image: z.string(),
    entrypoint: texts.nullable(),
    command: texts.nullable(),
    env: textMap,
    workdir: z.string().nullable(),
    stdin: z.string().nullable(),
    stdout: z.string().nullable(),
    stderr: z.string().nullable(),
    ignoreError: z.boolean(),
  })
  .meta({ id: 'Executor' });

export const transfer = z.strictObject({ url: z.string(), path: z.string() }).meta({ id: 'Transfer' });

const container = z.strictObject({
  user: z.string().nullable(),
  shmSizeMib: atLeastZero.nullable(),
  pidsLimit: whole.nullable(),
  ulimits: z.array(z.strictObject({ name: z.string(), soft: whole, hard: whole })),
  platform: z.string().nullable(),
  pull: z.enum(['missing', 'always', 'never']),
  network: z.string(),
  extraHosts: texts,
  init: z.boolean(),
  mounts: z.array(
    z.strictObject({
      type: z.enum(['bind', 'volume', 'tmpfs']),
      source: z.string(),
      target: z.string(),
      readOnly: z.boolean(),
    }),
  ),
  ports: z.array(atLeastZero.max(65_535)),
});

const job = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    array,
    taskCount: atLeastZero,
    executors: z.array(executor).min(1),
    resources,
    container,
    secrets: z.record(z.string(), z.strictObject({ source: z.enum(['env', 'file']), name: z.string() })),
    inputs: z.array(transfer),
    outputs: z.array(transfer),
    parameters: textMap,
    dependsOn: z.array(z.strictObject({ job: z.string(), condition: z.enum(['succeeded', 'any-end']) })),
    retry: z.strictObject({
      attempts: whole.positive(),
      on: texts,
      backoffMs: atLeastZero,
      maxInterruptions: atLeastZero.nullable(),
      oomMemoryFactor: z.number().min(1),
    }),
    timeoutMs: atLeastZero.nullable(),
    startTimeoutMs: atLeastZero.nullable(),
    stopGracePeriodMs: atLeastZero,
    estimateDurationMs: atLeastZero.nullable(),
    priority: whole,
  })
  .meta({ id: 'Job' });

const runSpec = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    target,
    jobs: z.array(job).min(1),
    labels: textMap,
    deadlineAtMs: atMs.nullable(),
    budgetMicros: atLeastZero.nullable(),
    maxDurationMs: atLeastZero.nullable(),
    source: z.strictObject({ file: z.string().nullable(), directory: z.string() }),
    owner: z.strictObject({ uid: atLeastZero, gid: atLeastZero }).nullable(),
  })
  .meta({ id: 'RunSpec' });

export const submission = z
  .strictObject({
    spec: runSpec,
    submissionKey: z.string().min(1).max(200).nullable(),
    trialTasks: whole.positive().nullable(),
    secretValues: textMap,
  })
  .meta({ id: 'Submission' });

/** One line of an item set: items, each the values of its fields in order. */
export const itemChunk = z.array(z.array(z.string())).meta({ id: 'ItemChunk' });

const by = z.string().min(1).max(100);
export const nothing = z.strictObject({}).meta({ id: 'Nothing' });
/** `task`: `job/index`, or `index` where the run has one job; null: the whole run. */
export const cancelOrder = z.strictObject({ task: z.string().nullable(), by }).meta({ id: 'CancelOrder' });
export const retryOrder = z.strictObject({ task: z.string().nullable() }).meta({ id: 'RetryOrder' });
export const pauseOrder = z.strictObject({ by }).meta({ id: 'PauseOrder' });
export const pruneOrder = z.strictObject({ all: z.boolean() }).meta({ id: 'PruneOrder' });
export const secretValues = z.strictObject({ values: textMap }).meta({ id: 'SecretValues' });
export const targetBody = z.strictObject({ target }).meta({ id: 'TargetBody' });

const _same: readonly [Same<RunSpec, z.infer<typeof runSpec>>, Same<Submission, z.infer<typeof submission>>] = [
  true,
  true,
];
void _same;

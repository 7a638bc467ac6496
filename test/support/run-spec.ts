// A run of one job on the process runtime; a test says only what matters to it.

import type { ArraySpec, Job, RunSpec, Target } from '../../src/domain/job.ts';
import type { Submission } from '../../src/engine/engine-api.ts';
import { DEFAULT_CONTAINER } from './an-order.ts';

export type SpecParts = {
  readonly name?: string;
  readonly target?: Target;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly array?: ArraySpec;
  readonly taskCount?: number;
  readonly directory?: string;
  readonly job?: Partial<Job>;
  /** Instead of the one job. */
  readonly jobs?: readonly Job[];
  readonly run?: Partial<RunSpec>;
};

export const PROCESS_TARGET: Target = { backend: 'local', runtime: 'process', endpoint: '', path: '/usr/bin:/bin' };

export function aJob(parts: Omit<SpecParts, 'name' | 'target' | 'jobs' | 'run'> = {}): Job {
  const { count = 1 } = (parts.array ?? {}) as { count?: number };
  return {
    name: 'main',
    array: parts.array ?? { kind: 'single' },
    taskCount: parts.taskCount ?? count,
    executors: [
      {
        image: parts.image ?? '',
        entrypoint: null,
        command: parts.command ?? ['sh', '-c', 'true'],
        env: parts.env ?? {},
        workdir: null,
        stdin: null,
        stdout: null,
        stderr: null,
        ignoreError: false,
      },
    ],
    resources: { cpuUnits: 64, memoryMib: 16, diskMib: 0, gpus: 0 },
    container: { ...DEFAULT_CONTAINER, pull: 'never' },
    secrets: {},
    inputs: [],
    outputs: [],
    parameters: {},
    dependsOn: [],
    retry: { attempts: 1, on: [], backoffMs: 0, maxInterruptions: null, oomMemoryFactor: 1 },
    timeoutMs: null,
    startTimeoutMs: null,
    stopGracePeriodMs: 1000,
    estimateDurationMs: null,
    priority: 0,
    ...parts.job,
  };
}

export function aRunSpec(parts: SpecParts = {}): RunSpec {
  return {
    name: parts.name ?? 'trial',
    target: parts.target ?? PROCESS_TARGET,
    jobs: parts.jobs ?? [aJob(parts)],
    labels: {},
    deadlineAtMs: null,
    budgetMicros: null,
    maxDurationMs: null,
    source: { file: null, directory: parts.directory ?? '/' },
    owner: null,
    ...parts.run,
  };
}

export const aSubmission = (spec: RunSpec, parts: Partial<Submission> = {}): Submission => ({
  spec,
  submissionKey: null,
  trialTasks: null,
  secretValues: {},
  ...parts,
});

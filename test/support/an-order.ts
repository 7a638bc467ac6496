// Builders of attempt orders: only what matters to a test is said.

import type { ContainerOptions, Executor, Target } from '../../src/domain/job.ts';
import type { AttemptOrder } from '../../src/ports/attempt-runtime.ts';

export const DEFAULT_CONTAINER: ContainerOptions = {
  user: null,
  shmSizeMib: null,
  pidsLimit: null,
  ulimits: [],
  platform: null,
  pull: 'missing',
  network: 'none',
  extraHosts: [],
  init: true,
  mounts: [],
  ports: [],
};

export const anExecutor = (image: string, command: readonly string[], more: Partial<Executor> = {}): Executor => ({
  image,
  entrypoint: null,
  command,
  env: {},
  workdir: null,
  stdin: null,
  stdout: null,
  stderr: null,
  ignoreError: false,
  ...more,
});

export type OrderParts = Partial<Omit<AttemptOrder, 'container' | 'resources'>> & {
  readonly attemptId: string;
  readonly target: Target;
  readonly executors: readonly Executor[];
  readonly container?: Partial<ContainerOptions>;
  readonly resources?: Partial<AttemptOrder['resources']>;
};

export const anOrder = (parts: OrderParts): AttemptOrder => ({
  name: `suite-1/work/0#1`,
  instanceId: 'local',
  inputs: [],
  outputs: [],
  timeoutMs: null,
  stopGracePeriodMs: 1_000,
  labels: {},
  owner: null,
  secrets: {},
  awsCredentials: null,
  ...parts,
  container: { ...DEFAULT_CONTAINER, ...parts.container },
  resources: { cpuUnits: 512, memoryMib: 64, diskMib: 0, gpus: 0, ...parts.resources },
});

// An engine of which a test says only what it needs; everything else fails loudly. For tests of the shells alone.

import type { Engine, RunAnswer, RunDetailAnswer } from '../../src/engine/engine-api.ts';

export type StubEngine = Engine & {
  /** Tells the listeners of `onChange`, as a recorded cycle does. */
  change(...runs: string[]): void;
  readonly listeners: number;
};

export function aStubEngine(parts: Partial<Engine> = {}): StubEngine {
  const listeners = new Set<Parameters<Engine['onChange']>[0]>();
  const refuse = (name: string) => () => {
    throw new Error(`the test did not say what ${name} does`);
  };
  const names = [
    'submit',
    'putItems',
    'cancel',
    'retry',
    'pause',
    'resume',
    'release',
    'remove',
    'supplySecrets',
    'listRuns',
    'getRun',
    'listTasks',
    'getTask',
    'explain',
    'listEvents',
    'readLogs',
    'inspectTarget',
    'measureDisk',
    'prune',
  ] as const;
  return {
    ...(Object.fromEntries(names.map((name) => [name, refuse(name)])) as unknown as Engine),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isIdle: () => true,
    counts: () => ({ runs: 0, liveAttempts: 0 }),
    close: async () => undefined,
    ...parts,
    change(...runs) {
      for (const listener of listeners) listener({ runs: new Set(runs), lastEventSequence: 0 });
    },
    get listeners() {
      return listeners.size;
    },
  };
}

export const aRunAnswer = (parts: Partial<RunAnswer> = {}): RunAnswer => ({
  id: 1,
  run: 'screening-7',
  state: 'running',
  stateReason: null,
  backend: 'local',
  runtimeLabel: 'process runtime',
  runtimeCaveats: [],
  submittedAtMs: 1_795_456_800_000,
  startedAtMs: 1_795_456_801_000,
  endedAtMs: null,
  deadlineAtMs: null,
  deadlineMissed: false,
  finishForecastAtMs: null,
  tasks: { total: 3, waiting: 1, running: 1, succeeded: 1, failed: 0, cancelled: 0 },
  jobs: [],
  concurrencyMax: 2,
  trialTasks: null,
  secretsMissing: [],
  labels: {},
  directory: '/data',
  ...parts,
});

export const aRunDetail = (parts: Partial<RunDetailAnswer> = {}): RunDetailAnswer => ({
  ...aRunAnswer(),
  instances: [],
  recentEvents: [],
  active: [],
  warnings: [],
  ...parts,
});

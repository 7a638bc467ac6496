// The states of everything that has one. The words are the same in code, store, API, terminal and page. Which state may
// follow which is decided in `lifecycle/`.

export const RUN_STATES = ['waiting', 'running', 'stopped', 'succeeded', 'failed', 'cancelled'] as const;
/** Of a run and of a job. `stopped` can be resumed. */
export type RunState = (typeof RUN_STATES)[number];

export const TASK_STATES = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type TaskState = (typeof TASK_STATES)[number];

export const ATTEMPT_STATES = [
  'reserved',
  'starting',
  'running',
  'unreachable',
  'succeeded',
  'failed',
  'interrupted',
  'preempted',
  'cancelled',
  'lost',
] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];

export const LIVE_ATTEMPT_STATES = ['reserved', 'starting', 'running', 'unreachable'] as const;
export type AttemptEndState = Exclude<AttemptState, (typeof LIVE_ATTEMPT_STATES)[number]>;

export const INSTANCE_STATES = [
  'requested',
  'booting',
  'ready',
  'unreachable',
  'draining',
  'released',
  'interrupted',
  'failed',
] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

export const isAttemptLive = (state: AttemptState): boolean =>
  state === 'reserved' || state === 'starting' || state === 'running' || state === 'unreachable';

export const isRunEnded = (state: RunState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled';

/** One byte a task, in memory and in the store: the position of its state in TASK_STATES. */
export const taskStateCode = (state: TaskState): number => TASK_STATES.indexOf(state);
export const taskStateOf = (code: number): TaskState => TASK_STATES[code] as TaskState;

// Which state may follow which. One table for each kind of thing that has states; whatever is not in it is refused.
//
//   attempt   reserved → starting → running ⇄ unreachable → succeeded | failed | interrupted | preempted | cancelled | lost
//   task      waiting → running → succeeded | failed | cancelled; running → waiting by retry or interruption;
//             failed | cancelled → waiting only by the user's `retry`
//   run, job  waiting → running → succeeded | failed | cancelled; stopped ⇄ waiting | running; ended → waiting by `retry`
//   instance  requested → booting → ready ⇄ unreachable → draining → released | interrupted | failed

import { DistributoError } from '../domain/errors.ts';
import type { AttemptState, InstanceState, RunState, TaskState } from '../domain/states.ts';

type Table<State extends string> = Readonly<Record<State, readonly State[]>>;

const ATTEMPT_ENDS = ['succeeded', 'failed', 'interrupted', 'preempted', 'cancelled', 'lost'] as const;

export const ATTEMPT_TRANSITIONS: Table<AttemptState> = {
  reserved: ['starting', ...ATTEMPT_ENDS],
  starting: ['running', 'unreachable', ...ATTEMPT_ENDS],
  running: ['unreachable', ...ATTEMPT_ENDS],
  unreachable: ['starting', 'running', ...ATTEMPT_ENDS],
  succeeded: [],
  failed: [],
  interrupted: [],
  preempted: [],
  cancelled: [],
  lost: [],
};

export const TASK_TRANSITIONS: Table<TaskState> = {
  waiting: ['running', 'cancelled', 'failed'],
  running: ['waiting', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: ['waiting'],
  cancelled: ['waiting'],
};

export const RUN_TRANSITIONS: Table<RunState> = {
  waiting: ['running', 'stopped', 'succeeded', 'failed', 'cancelled'],
  running: ['waiting', 'stopped', 'succeeded', 'failed', 'cancelled'],
  stopped: ['waiting', 'running', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: ['waiting'],
  cancelled: ['waiting'],
};

export const INSTANCE_TRANSITIONS: Table<InstanceState> = {
  requested: ['booting', 'ready', 'released', 'failed', 'interrupted'],
  booting: ['ready', 'draining', 'released', 'interrupted', 'failed'],
  ready: ['unreachable', 'draining', 'released', 'interrupted', 'failed'],
  unreachable: ['ready', 'draining', 'released', 'interrupted', 'failed'],
  draining: ['unreachable', 'released', 'interrupted', 'failed'],
  released: [],
  interrupted: [],
  failed: [],
};

/** The new state, or TRANSITION_INVALID naming both states and what the table allows. */
function change<State extends string>(kind: string, table: Table<State>, from: State, to: State): State {
  if (table[from].includes(to)) return to;
  const allowed = table[from].length === 0 ? `${from} is final` : `it may become ${table[from].join(', ')}`;
  throw new DistributoError('TRANSITION_INVALID', `${kind} cannot go from ${from} to ${to}: ${allowed}`, {
    details: { kind, from, to },
  });
}

export const changeAttempt = (from: AttemptState, to: AttemptState): AttemptState =>
  change('an attempt', ATTEMPT_TRANSITIONS, from, to);
export const changeTask = (from: TaskState, to: TaskState): TaskState => change('a task', TASK_TRANSITIONS, from, to);
export const changeRun = (from: RunState, to: RunState): RunState => change('a run', RUN_TRANSITIONS, from, to);
export const changeInstance = (from: InstanceState, to: InstanceState): InstanceState =>
  change('an instance', INSTANCE_TRANSITIONS, from, to);

export const isAllowed = <State extends string>(table: Table<State>, from: State, to: State): boolean =>
  table[from].includes(to);

// The numbers under which words are stored. They are on people's disks: a number is never changed or used again. Adding a
// word to the domain without a number here does not compile.

import type { EndCause } from '../../domain/attempt.ts';
import type { EventKind } from '../../domain/event.ts';
import type { AttemptState, RunState } from '../../domain/states.ts';

export const RUN_STATE_CODES = {
  waiting: 0,
  running: 1,
  stopped: 2,
  succeeded: 3,
  failed: 4,
  cancelled: 5,
} as const satisfies Record<RunState, number>;

export const ATTEMPT_STATE_CODES = {
  reserved: 0,
  starting: 1,
  running: 2,
  unreachable: 3,
  succeeded: 4,
  failed: 5,
  interrupted: 6,
  preempted: 7,
  cancelled: 8,
  lost: 9,
} as const satisfies Record<AttemptState, number>;

export const END_CAUSE_CODES = {
  exit: 0,
  oom: 1,
  'image-pull': 2,
  start: 3,
  timeout: 4,
  'start-timeout': 5,
  'max-duration': 6,
  input: 7,
  output: 8,
  'disk-full': 9,
  interruption: 10,
  engine: 11,
  lost: 12,
  preempted: 13,
  cancelled: 14,
  'no-capacity': 15,
} as const satisfies Record<EndCause, number>;

export const EVENT_KIND_CODES = {
  'run-submitted': 0,
  'run-state': 1,
  'job-state': 2,
  'attempt-state': 3,
  'task-ended': 4,
  'task-requeued': 5,
  'instance-state': 6,
  'controller-started': 7,
  'controller-stopped': 8,
  warning: 9,
} as const satisfies Record<EventKind, number>;

/** Words of `Event.state` that are common enough to have a number; others are stored as they are. */
export const EVENT_STATE_CODES: Readonly<Record<string, number>> = {
  waiting: 0,
  running: 1,
  stopped: 2,
  succeeded: 3,
  failed: 4,
  cancelled: 5,
  reserved: 6,
  starting: 7,
  unreachable: 8,
  interrupted: 9,
  preempted: 10,
  lost: 11,
  requested: 12,
  booting: 13,
  ready: 14,
  draining: 15,
  released: 16,
};

/** The word of each number. */
export function wordsOf<W extends string>(codes: Readonly<Record<W, number>>): readonly W[] {
  const words: W[] = [];
  for (const [word, code] of Object.entries(codes) as [W, number][]) words[code] = word;
  return words;
}

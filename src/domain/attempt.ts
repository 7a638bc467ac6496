// One try of one task on one instance: how it can end, and why.

import type { AttemptEndState, AttemptState } from './states.ts';

/**
 * Why an attempt ended. `exit` is the program's own end (with an exit code); the others name what befell it.
 * `engine` is an end caused by the container engine (stopped, restarted), which counts as an interruption.
 */
export const END_CAUSES = [
  'exit',
  'oom',
  'image-pull',
  'start',
  'timeout',
  'start-timeout',
  'max-duration',
  'input',
  'output',
  'disk-full',
  'interruption',
  'engine',
  'lost',
  'preempted',
  'cancelled',
  'no-capacity',
] as const;
export type EndCause = (typeof END_CAUSES)[number];

/** How an attempt ended, as observed or decided. */
export type AttemptEnd = {
  readonly state: AttemptEndState;
  readonly cause: EndCause;
  /** Of the executor that decided the end; null where there is none (never started, lost). */
  readonly exitCode: number | null;
  /** What people read: `exit 1: "frame file is empty"`. At most 1,000 characters. */
  readonly reason: string;
  /** When the (first) executor began to run; null where it never did. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly peakMemoryMib: number | null;
};

/** An attempt as stored: one row. `sequence` ascends in start order. */
export type Attempt = {
  readonly sequence: number;
  readonly runId: number;
  readonly jobId: number;
  readonly taskIndex: number;
  /** 1 for the first try of a task. */
  readonly number: number;
  readonly instanceId: string;
  /** Which container runtime has it: `docker:unix:///var/run/docker.sock`, `process`. */
  readonly runtimeKey: string;
  readonly state: AttemptState;
  readonly createdAtMs: number;
  /** When it was first seen running; null: not yet, as far as is known. Once it ended, what its end says. */
  readonly startedAtMs: number | null;
  readonly end: AttemptEnd | null;
};

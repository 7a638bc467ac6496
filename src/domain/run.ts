// Runs and jobs as they stand: what was asked, how far it is.

import type { Job, RunSpec } from './job.ts';
import type { RunState } from './states.ts';

export type TaskCounts = {
  readonly total: number;
  readonly waiting: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
};

/** What is kept of a run beside its jobs. `RunSpec` without the jobs, which have rows of their own. */
export type Run = {
  readonly id: number;
  /** Name and number are what people see: `screening-7`. */
  readonly name: string;
  readonly number: number;
  readonly spec: Omit<RunSpec, 'jobs'>;
  readonly state: RunState;
  /** Why it is in that state, where the state does not say all: `cancelled by you`, `paused by you`. */
  readonly stateReason: string | null;
  /** Who asked for its end; set while live attempts still get their grace. null: nobody. */
  readonly cancelledBy: string | null;
  readonly submittedAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** `--run-id` of scripts: the same key gives the same run. */
  readonly submissionKey: string | null;
  /** Tasks that may start now; the rest are held back (`run --first N`). null: all. */
  readonly trialTasks: number | null;
};

export type JobRecord = {
  readonly id: number;
  readonly runId: number;
  /** Its place in the job file, from 0. */
  readonly ordinal: number;
  readonly spec: Job;
  readonly state: RunState;
};

/** A task that was tried and waits to be tried again. */
export type RetryRecord = {
  readonly jobId: number;
  readonly taskIndex: number;
  /** Counted tries since its submission or its last `retry`. */
  readonly counted: number;
  readonly interruptions: number;
  /** Number of the next attempt. */
  readonly nextNumber: number;
  /** Memory to ask for now, where an out-of-memory end raised it. */
  readonly memoryMib: number | null;
  readonly readyAtMs: number;
  readonly lastReason: string;
};

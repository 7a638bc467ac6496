// What is kept for good. One process opens it; every change of a cycle is one transaction. Rows, not rules: the engine and
// `lifecycle/` decide what they mean. Methods are async though SQLite answers at once, since PostgreSQL does not.

import type { Attempt, AttemptEnd } from '../domain/attempt.ts';
import type { Event } from '../domain/event.ts';
import type { JobRecord, RetryRecord, Run } from '../domain/run.ts';
import type { AttemptState, RunState, TaskState } from '../domain/states.ts';

/** Task states are stored one byte a task (`taskStateCode`) in chunks of this many tasks of one job. A missing chunk: all waiting. */
export const TASKS_PER_CHUNK = 1024;

export type TaskChunk = { readonly jobId: number; readonly chunk: number; readonly states: Uint8Array };

/** All changes of one cycle. They are applied together or not at all. */
export type Batch = {
  readonly newRuns?: readonly { readonly run: Run; readonly jobs: readonly JobRecord[] }[];
  readonly runs?: readonly Run[];
  readonly jobs?: readonly { readonly id: number; readonly state: RunState }[];
  readonly newAttempts?: readonly Attempt[];
  /** Changes between live states. */
  readonly attempts?: readonly {
    readonly sequence: number;
    readonly state: AttemptState;
    readonly startedAtMs: number | null;
  }[];
  readonly endedAttempts?: readonly { readonly sequence: number; readonly end: AttemptEnd }[];
  /** The whole chunk as it now stands; only chunks in which a task ended or was revived. Live tasks count as waiting (0). */
  readonly taskChunks?: readonly TaskChunk[];
  /** A task is in at most one of `retries` and `endedRetries`. */
  readonly retries?: readonly RetryRecord[];
  readonly endedRetries?: readonly { readonly jobId: number; readonly taskIndex: number }[];
  readonly events?: readonly Event[];
};

/** What a controller needs to go on: unfinished runs (waiting, running, stopped) and what belongs to them. Never all tasks. */
export type StoredWorld = {
  readonly runs: readonly Run[];
  readonly jobs: readonly JobRecord[];
  readonly taskChunks: readonly TaskChunk[];
  readonly retries: readonly RetryRecord[];
  readonly liveAttempts: readonly Attempt[];
  readonly next: {
    readonly runId: number;
    readonly jobId: number;
    readonly attemptSequence: number;
    readonly eventSequence: number;
  };
};

export type TaskSummary = {
  readonly jobId: number;
  readonly taskIndex: number;
  /** Never `running`: the engine lays live attempts over it. */
  readonly state: TaskState;
  readonly attempts: number;
  readonly last: Attempt | null;
};

export type TaskQuery = {
  readonly jobId: number;
  readonly states?: readonly TaskState[];
  /** Only tasks with more than one attempt. */
  readonly repeated?: boolean;
  /** Ascending by index, from the one after this. */
  readonly afterIndex?: number;
  readonly limit: number;
};

export type EventQuery = {
  readonly runId?: number;
  readonly afterSequence?: number;
  readonly last?: number;
  readonly limit: number;
};

export type RunQuery = {
  readonly name?: string;
  readonly number?: number;
  readonly submissionKey?: string;
  readonly states?: readonly RunState[];
  readonly beforeId?: number;
  readonly limit: number;
};

export interface Store {
  /** The UUID of this state directory, made with the store. */
  readonly ownerId: string;
  load(): Promise<StoredWorld>;
  /** One run, ended or not, with what belongs to it: an ended run comes back to life by `retry`. */
  loadRun(runId: number): Promise<Omit<StoredWorld, 'next'> | undefined>;
  /** Durable when it resolves. STORE_FULL: nothing was written, the same batch may be tried again. STORE_FAILED: the process must end. */
  commit(batch: Batch): Promise<void>;
  /** The chunks of a set arrive in order; the set belongs to the job that names it, or is removed after an hour. */
  putItems(itemSetId: string, chunk: number, itemsJson: string): Promise<void>;
  getItems(itemSetId: string, chunk: number): Promise<string | undefined>;
  /** Removes a run with all that belongs to it; refuses a live one with STORE_CONFLICT. */
  removeRun(runId: number): Promise<void>;
  close(): Promise<void>;
}

/** Questions about what was. Lists are pages. */
export interface History {
  /** Newest first. */
  listRuns(query: RunQuery): Promise<readonly { readonly run: Run; readonly jobs: readonly JobRecord[] }[]>;
  /** Counts by job of an ended or live run, from the chunks: `total` and `waiting` include live tasks. */
  countTasks(jobIds: readonly number[]): Promise<ReadonlyMap<number, Readonly<Record<TaskState, number>>>>;
  listTasks(query: TaskQuery): Promise<readonly TaskSummary[]>;
  listAttempts(jobId: number, taskIndex: number): Promise<readonly Attempt[]>;
  /** Those of the given sequences that exist, in any order. */
  findAttempts(sequences: readonly number[]): Promise<readonly Attempt[]>;
  /** Over a job: repeats by kind, time a task, peak memory. */
  summariseJob(jobId: number): Promise<JobSummary>;
  listEvents(query: EventQuery): Promise<readonly Event[]>;
  sizeBytes(): Promise<number>;
}

export type JobSummary = {
  readonly attempts: number;
  /** Attempts beyond the first of their task, after an interruption and after a counted failure. */
  readonly interruptions: number;
  readonly retries: number;
  /** Mean of succeeded attempts; null where there is none. */
  readonly meanDurationMs: number | null;
  readonly peakMemoryMib: number | null;
  readonly firstStartedAtMs: number | null;
  readonly lastEndedAtMs: number | null;
};

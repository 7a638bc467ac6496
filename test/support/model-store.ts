// The plainest store there is: maps in memory. What a real store must answer is what this one answers.

import type { Attempt } from '../../src/domain/attempt.ts';
import type { Event } from '../../src/domain/event.ts';
import type { JobRecord, RetryRecord, Run } from '../../src/domain/run.ts';
import { isRunEnded } from '../../src/domain/states.ts';
import type { Batch, History, JobSummary, Store, StoredWorld, TaskChunk } from '../../src/ports/store.ts';
import { ended } from './store-records.ts';

/** Everything a store holds, in one order. */
export type StoreContent = {
  readonly world: StoredWorld;
  readonly runs: readonly { readonly run: Run; readonly jobs: readonly JobRecord[] }[];
  readonly summaries: readonly JobSummary[];
  readonly attempts: readonly Attempt[];
  readonly events: readonly Event[];
};

export class ModelStore {
  readonly runs = new Map<number, Run>();
  readonly jobs = new Map<number, JobRecord>();
  readonly attempts = new Map<number, Attempt>();
  readonly retries = new Map<string, RetryRecord>();
  readonly chunks = new Map<string, TaskChunk>();
  readonly events = new Map<number, Event>();
  readonly next = { runId: 1, jobId: 1, attemptSequence: 1, eventSequence: 1 };

  apply(batch: Batch): void {
    for (const { run, jobs } of batch.newRuns ?? []) {
      this.runs.set(run.id, run);
      for (const job of jobs) this.jobs.set(job.id, job);
    }
    for (const run of batch.runs ?? []) this.runs.set(run.id, run);
    for (const { id, state } of batch.jobs ?? []) this.jobs.set(id, { ...known(this.jobs, id), state });
    for (const attempt of batch.newAttempts ?? []) this.attempts.set(attempt.sequence, attempt);
    for (const change of batch.attempts ?? [])
      this.attempts.set(change.sequence, { ...known(this.attempts, change.sequence), ...change });
    for (const { sequence, end } of batch.endedAttempts ?? [])
      this.attempts.set(sequence, ended(known(this.attempts, sequence), end));
    for (const chunk of batch.taskChunks ?? []) this.chunks.set(`${chunk.jobId}/${chunk.chunk}`, chunk);
    for (const retry of batch.retries ?? []) this.retries.set(`${retry.jobId}/${retry.taskIndex}`, retry);
    for (const { jobId, taskIndex } of batch.endedRetries ?? []) this.retries.delete(`${jobId}/${taskIndex}`);
    for (const event of batch.events ?? []) this.events.set(event.sequence, event);
    this.next.runId = Math.max(this.next.runId, ...[...this.runs.keys()].map((id) => id + 1));
    this.next.jobId = Math.max(this.next.jobId, ...[...this.jobs.keys()].map((id) => id + 1));
    for (const { sequence } of batch.newAttempts ?? [])
      this.next.attemptSequence = Math.max(this.next.attemptSequence, sequence + 1);
    for (const { sequence } of batch.events ?? [])
      this.next.eventSequence = Math.max(this.next.eventSequence, sequence + 1);
  }

  removeRun(runId: number): void {
    this.runs.delete(runId);
    for (const job of [...this.jobs.values()].filter((each) => each.runId === runId)) {
      this.jobs.delete(job.id);
      for (const retry of this.retries.values())
        if (retry.jobId === job.id) this.retries.delete(`${job.id}/${retry.taskIndex}`);
      for (const chunk of this.chunks.values())
        if (chunk.jobId === job.id) this.chunks.delete(`${job.id}/${chunk.chunk}`);
    }
    for (const attempt of this.attempts.values()) if (attempt.runId === runId) this.attempts.delete(attempt.sequence);
    for (const event of this.events.values()) if (event.runId === runId) this.events.delete(event.sequence);
  }

  content(): StoreContent {
    const attempts = sorted(this.attempts.values(), (attempt) => attempt.sequence);
    const liveAttempts = attempts.filter(({ end }) => end === null);
    const living = new Set(liveAttempts.map(({ runId }) => runId));
    const all = sorted(this.runs.values(), (run) => run.id);
    const runs = all.filter((run) => !isRunEnded(run.state) || living.has(run.id));
    const jobsOf = (of: readonly Run[]) =>
      of.flatMap((run) =>
        sorted(
          [...this.jobs.values()].filter((job) => job.runId === run.id),
          (job) => job.ordinal,
        ),
      );
    const jobs = jobsOf(runs);
    return {
      world: {
        runs,
        jobs,
        taskChunks: jobs.flatMap(({ id }) =>
          sorted(
            [...this.chunks.values()].filter(({ jobId }) => jobId === id),
            ({ chunk }) => chunk,
          ),
        ),
        retries: jobs.flatMap(({ id }) =>
          sorted(
            [...this.retries.values()].filter(({ jobId }) => jobId === id),
            ({ taskIndex }) => taskIndex,
          ),
        ),
        liveAttempts,
        next: { ...this.next },
      },
      runs: all.map((run) => ({ run, jobs: jobsOf([run]) })).reverse(),
      summaries: jobsOf(all).map((job) => summaryOf(attempts.filter(({ jobId }) => jobId === job.id))),
      attempts,
      events: sorted(this.events.values(), ({ sequence }) => sequence),
    };
  }
}

/** The same of a real store, by its own questions. */
export async function contentOf(store: Store & History): Promise<StoreContent> {
  const world = await store.load();
  const sequences = Array.from({ length: world.next.attemptSequence }, (_, sequence) => sequence);
  const runs = await store.listRuns({ limit: 1_000_000 });
  const summaries: JobSummary[] = [];
  for (const job of runs.toReversed().flatMap((run) => run.jobs)) summaries.push(await store.summariseJob(job.id));
  return {
    world,
    runs,
    summaries,
    attempts: await store.findAttempts(sequences),
    events: await store.listEvents({ limit: 1_000_000 }),
  };
}

/** Counted from the attempts, one by one. */
function summaryOf(attempts: readonly Attempt[]): JobSummary {
  const before = (attempt: Attempt) =>
    attempts.find((other) => other.taskIndex === attempt.taskIndex && other.number === attempt.number - 1)?.end?.state;
  const repeatsAfter = (...states: readonly unknown[]): number =>
    attempts.filter((attempt) => states.includes(before(attempt) ?? 'none')).length;
  const ends = attempts.flatMap(({ end }) => (end === null ? [] : [end]));
  const durations = ends.flatMap(({ state, startedAtMs, endedAtMs }) =>
    state === 'succeeded' && startedAtMs !== null ? [endedAtMs - startedAtMs] : [],
  );
  const present = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
  const most = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));
  const starts = present(ends.map(({ startedAtMs }) => startedAtMs));
  return {
    attempts: attempts.length,
    interruptions: repeatsAfter('interrupted', 'preempted', 'lost'),
    retries: repeatsAfter('failed'),
    meanDurationMs:
      durations.length === 0 ? null : Math.round(durations.reduce((sum, each) => sum + each, 0) / durations.length),
    peakMemoryMib: most(present(ends.map(({ peakMemoryMib }) => peakMemoryMib))),
    firstStartedAtMs: starts.length === 0 ? null : Math.min(...starts),
    lastEndedAtMs: most(ends.map(({ endedAtMs }) => endedAtMs)),
  };
}

function known<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`not stored: ${String(key)}`);
  return value;
}

const sorted = <T>(values: Iterable<T>, by: (value: T) => number): T[] => [...values].sort((a, b) => by(a) - by(b));

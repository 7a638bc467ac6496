// A stream of batches as an engine writes them, the same for the same seed: runs are submitted, attempts start, change and
// end, tasks are tried again, runs end. Each batch has at least one event, so the number of events tells how many were stored.

import type { Attempt } from '../../src/domain/attempt.ts';
import { LIVE_ATTEMPT_STATES, taskStateCode } from '../../src/domain/states.ts';
import { type Batch, TASKS_PER_CHUNK } from '../../src/ports/store.ts';
import { ModelStore, type StoreContent } from './model-store.ts';
import { type Random, seededRandom } from './random.ts';
import { aJobRecord, anAttempt, anEnd, anEvent, aRetry, aRun, SOME_TIME_MS } from './store-records.ts';

const TASKS_A_JOB = 3000;

/** As `Batch`, but being put together. */
type Draft = { -readonly [K in keyof Batch]-?: NonNullable<Batch[K]>[number][] };

export class StoreWorkload {
  readonly model = new ModelStore();
  readonly #random: Random;
  readonly #rows: number;
  #batches = 0;
  #draft: Draft = emptyDraft();
  readonly #live = new Map<number, Attempt>();

  /** `rows`: about how many attempts a batch touches. */
  constructor(seed: number, rows = 8) {
    this.#random = seededRandom(seed);
    this.#rows = rows;
  }

  /** The next batch; the model holds it too. */
  next(): Batch {
    this.#draft = emptyDraft();
    this.#batches += 1;
    if (this.#openRuns().length === 0 || this.#random.below(12) === 0) this.#submit();
    for (let i = this.#random.below(this.#rows) + 1; i > 0; i -= 1) this.#random.pick(MOVES)(this);
    this.#event(null);
    const draft = this.#draft;
    const batch: Batch = { ...draft, taskChunks: this.#chunksOf(draft) };
    this.model.apply(batch);
    return batch;
  }

  #openRuns() {
    return [...this.model.runs.values()].filter(({ state }) => state === 'running' || state === 'waiting');
  }

  #submit(): void {
    const { runId, jobId } = this.model.next;
    const run = aRun({ id: runId, state: 'running', submissionKey: `key-${runId}` });
    const job = aJobRecord(
      { id: jobId, runId, state: 'running' },
      { array: { kind: 'count', count: TASKS_A_JOB }, env: { PADDING: 'x'.repeat(this.#random.below(2000)) } },
    );
    this.#draft.newRuns.push({ run, jobs: [job] });
    this.model.apply({ newRuns: [{ run, jobs: [job] }] });
  }

  #start(): void {
    const job = this.#random.pick([...this.model.jobs.values()].slice(-4));
    const sequence = this.model.next.attemptSequence;
    // Few tasks are drawn often, so that some are tried again.
    const taskIndex = this.#random.below(this.#random.below(2) === 0 ? 20 : TASKS_A_JOB);
    const isSame = (other: Attempt) => isSameTask(other, { jobId: job.id, taskIndex });
    if ([...this.#live.values()].some(isSame)) return;
    const attempt = anAttempt({
      sequence,
      runId: job.runId,
      jobId: job.id,
      taskIndex,
      number: 1 + [...this.model.attempts.values()].filter(isSame).length,
      instanceId: `i-${this.#random.below(40)}`,
      createdAtMs: SOME_TIME_MS + this.#batches,
    });
    this.#draft.newAttempts.push(attempt);
    this.#live.set(sequence, attempt);
    this.model.apply({ newAttempts: [attempt] });
    this.#event(attempt);
  }

  #change(): void {
    const attempt = this.#anyLive();
    if (attempt === undefined) {
      this.#start();
      return;
    }
    const change = {
      sequence: attempt.sequence,
      state: this.#random.pick(LIVE_ATTEMPT_STATES),
      startedAtMs: this.#random.below(2) === 0 ? null : SOME_TIME_MS + this.#batches,
    };
    this.#draft.attempts.push(change);
    this.model.apply({ attempts: [change] });
    this.#event({ ...attempt, ...change });
  }

  #end(): void {
    const attempt = this.#anyLive();
    if (attempt === undefined) {
      this.#start();
      return;
    }
    const failed = this.#random.below(4) === 0;
    const reason = failed ? `exit 1: "${'no good '.repeat(this.#random.below(20))}"` : 'exit 0';
    const state = failed ? this.#random.pick(['failed', 'failed', 'interrupted', 'lost'] as const) : 'succeeded';
    const startedAtMs = this.#random.below(5) === 0 ? null : SOME_TIME_MS + this.#random.below(1000);
    const end = anEnd({ state, exitCode: failed ? 1 : 0, reason, startedAtMs, peakMemoryMib: this.#random.below(500) });
    this.#draft.endedAttempts.push({ sequence: attempt.sequence, end });
    this.#live.delete(attempt.sequence);
    if (failed && this.#random.below(2) === 0) {
      const retry = aRetry({ jobId: attempt.jobId, taskIndex: attempt.taskIndex, lastReason: reason });
      this.#draft.retries = this.#draft.retries.filter((each) => !isSameTask(each, retry));
      this.#draft.endedRetries = this.#draft.endedRetries.filter((each) => !isSameTask(each, retry));
      this.#draft.retries.push(retry);
    } else this.#setTask(attempt, failed ? 'failed' : 'succeeded');
    this.#event(attempt);
  }

  #dropRetry(): void {
    const retries = [...this.model.retries.values()];
    if (retries.length === 0) return;
    const { jobId, taskIndex } = this.#random.pick(retries);
    this.#draft.retries = this.#draft.retries.filter((each) => !isSameTask(each, { jobId, taskIndex }));
    this.#draft.endedRetries.push({ jobId, taskIndex });
  }

  #changeRun(): void {
    const run = this.#random.pick([...this.model.runs.values()]);
    const isDraft = this.#draft.newRuns.some((each) => each.run.id === run.id);
    if (isDraft || this.#draft.runs.some(({ id }) => id === run.id)) return;
    const state = this.#random.pick(['running', 'stopped', 'succeeded', 'cancelled'] as const);
    const changed = {
      ...run,
      state,
      stateReason: state === 'stopped' ? 'paused by you' : null,
      endedAtMs: SOME_TIME_MS,
    };
    this.#draft.runs.push(changed);
    for (const job of this.model.jobs.values()) if (job.runId === run.id) this.#draft.jobs.push({ id: job.id, state });
  }

  #setTask({ jobId, taskIndex }: Attempt, state: 'failed' | 'succeeded'): void {
    const chunk = Math.floor(taskIndex / TASKS_PER_CHUNK);
    const found = this.model.chunks.get(`${jobId}/${chunk}`);
    const states =
      found?.states.slice() ?? new Uint8Array(Math.min(TASKS_PER_CHUNK, TASKS_A_JOB - chunk * TASKS_PER_CHUNK));
    states[taskIndex % TASKS_PER_CHUNK] = taskStateCode(state);
    this.model.chunks.set(`${jobId}/${chunk}`, { jobId, chunk, states });
    this.#draft.taskChunks.push({ jobId, chunk, states });
  }

  /** Each chunk once, as it stands at the end of the batch. */
  #chunksOf(draft: Draft): Draft['taskChunks'] {
    return [...new Map(draft.taskChunks.map((chunk) => [`${chunk.jobId}/${chunk.chunk}`, chunk])).values()];
  }

  #anyLive(): Attempt | undefined {
    return this.#live.size === 0 ? undefined : this.#random.pick([...this.#live.values()]);
  }

  #event(attempt: Attempt | null): void {
    const sequence = this.model.next.eventSequence + this.#draft.events.length;
    this.#draft.events.push(
      attempt === null
        ? anEvent({
            sequence,
            kind: 'warning',
            runId: null,
            jobId: null,
            taskIndex: null,
            attemptSequence: null,
            state: null,
          })
        : anEvent({
            sequence,
            runId: attempt.runId,
            jobId: attempt.jobId,
            taskIndex: attempt.taskIndex,
            attemptSequence: attempt.sequence,
            state: attempt.state,
          }),
    );
  }

  static readonly moves = {
    start: (workload: StoreWorkload) => workload.#start(),
    change: (workload: StoreWorkload) => workload.#change(),
    end: (workload: StoreWorkload) => workload.#end(),
    dropRetry: (workload: StoreWorkload) => workload.#dropRetry(),
    changeRun: (workload: StoreWorkload) => workload.#changeRun(),
  };
}

/** What a store must hold after each batch of a seed. */
export class WorkloadHistory {
  readonly #workload: StoreWorkload;
  readonly #contents: StoreContent[];
  readonly #batchesAt: Map<number, number>;

  constructor(seed: number, rows?: number) {
    this.#workload = new StoreWorkload(seed, rows);
    this.#contents = [this.#workload.model.content()];
    this.#batchesAt = new Map([[1, 0]]);
  }

  contentAfter(batches: number): StoreContent {
    while (this.#contents.length <= batches) {
      this.#workload.next();
      this.#batchesAt.set(this.#workload.model.next.eventSequence, this.#contents.length);
      this.#contents.push(this.#workload.model.content());
    }
    return this.#contents[batches] as StoreContent;
  }

  /** How many batches a store holds that gives this event sequence next, if at most so many; undefined: a torn one. */
  batchesAt(eventSequence: number, atMost: number): number | undefined {
    this.contentAfter(atMost);
    return this.#batchesAt.get(eventSequence);
  }
}

const { start, change, end, dropRetry, changeRun } = StoreWorkload.moves;
const MOVES = [start, start, start, change, change, end, end, dropRetry, changeRun];

const isSameTask = (a: { jobId: number; taskIndex: number }, b: { jobId: number; taskIndex: number }): boolean =>
  a.jobId === b.jobId && a.taskIndex === b.taskIndex;

const emptyDraft = (): Draft => ({
  newRuns: [],
  runs: [],
  jobs: [],
  newAttempts: [],
  attempts: [],
  endedAttempts: [],
  taskChunks: [],
  retries: [],
  endedRetries: [],
  events: [],
});

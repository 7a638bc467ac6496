// Gathers what one cycle changes: the rows of its transaction, the orders that go out once it is durable, and the runs it
// touched. Every state change of the engine goes through here, so that nothing changes without its event.

import type { AttemptEnd } from '../domain/attempt.ts';
import type { Event, EventKind } from '../domain/event.ts';
import { runName } from '../domain/ids.ts';
import type { JobRecord, RetryRecord, Run } from '../domain/run.ts';
import type { AttemptState, RunState, TaskState } from '../domain/states.ts';
import { changeAttempt, changeRun, changeTask } from '../lifecycle/transitions.ts';
import { type Batch, TASKS_PER_CHUNK } from '../ports/store.ts';
import type { LiveAttempt, LiveJob, LiveRun, World } from './world.ts';

/** What goes out after the record. Each is safe to repeat. */
export type Action =
  | { readonly kind: 'open-runtime'; readonly runtimeKey: string }
  | { readonly kind: 'list-runtime'; readonly runtimeKey: string }
  | { readonly kind: 'start'; readonly attempt: LiveAttempt }
  | { readonly kind: 'adopt'; readonly attempt: LiveAttempt }
  | { readonly kind: 'stop'; readonly attempt: LiveAttempt }
  | {
      readonly kind: 'forget';
      readonly runtimeKey: string;
      readonly attemptId: string;
      readonly keepWorkspace: boolean;
    };

type EventSubject = {
  readonly run?: LiveRun;
  readonly job?: LiveJob;
  readonly taskIndex?: number;
  readonly attempt?: LiveAttempt;
};

export class Changes {
  readonly actions: Action[] = [];
  readonly touchedRuns = new Set<string>();
  /** Runs whose jobs' states are to be worked out anew at the end of the cycle. */
  readonly dirtyRuns = new Set<LiveRun>();
  readonly #world: World;
  readonly nowMs: number;
  readonly #newRuns: { run: Run; jobs: readonly JobRecord[] }[] = [];
  readonly #runs = new Map<number, LiveRun>();
  readonly #jobs = new Map<number, LiveJob>();
  readonly #newAttempts: LiveAttempt[] = [];
  readonly #changedAttempts = new Set<LiveAttempt>();
  readonly #ends: { sequence: number; end: AttemptEnd }[] = [];
  readonly #chunks = new Map<LiveJob, Set<number>>();
  readonly #retries = new Map<string, RetryRecord>();
  readonly #endedRetries = new Map<string, { jobId: number; taskIndex: number }>();
  readonly #events: Event[] = [];

  constructor(world: World, nowMs: number) {
    this.#world = world;
    this.nowMs = nowMs;
  }

  event(kind: EventKind, subject: EventSubject, state: string | null, reason: string | null): void {
    const attempt = subject.attempt;
    const run = subject.run ?? attempt?.run;
    this.#events.push({
      sequence: this.#world.next.eventSequence++,
      atMs: this.nowMs,
      kind,
      runId: run?.run.id ?? null,
      jobId: (subject.job ?? attempt?.job)?.record.id ?? null,
      taskIndex: subject.taskIndex ?? attempt?.taskIndex ?? null,
      attemptSequence: attempt?.sequence ?? null,
      state,
      reason,
    });
    if (run !== undefined) this.touch(run);
  }

  touch(run: LiveRun): void {
    this.touchedRuns.add(runName(run.run.name, run.run.number));
  }

  addRun(run: LiveRun): void {
    this.#newRuns.push({ run: run.run, jobs: run.jobs.map((job) => job.record) });
    this.event('run-submitted', { run }, run.run.state, null);
    this.dirtyRuns.add(run);
  }

  /** Replaces fields of a run that are no state. */
  updateRun(run: LiveRun, fields: Partial<Run>): void {
    run.run = { ...run.run, ...fields };
    this.#runs.set(run.run.id, run);
    this.touch(run);
  }

  setRunState(run: LiveRun, state: RunState, reason: string | null): void {
    this.updateRun(run, { state: changeRun(run.run.state, state), stateReason: reason });
    this.event('run-state', { run }, state, reason);
  }

  setJobState(run: LiveRun, job: LiveJob, state: RunState, reason: string | null): void {
    job.state = changeRun(job.state, state);
    this.#jobs.set(job.record.id, job);
    this.event('job-state', { run, job }, state, reason);
  }

  addAttempt(attempt: LiveAttempt): void {
    attempt.job.tasks.setState(attempt.taskIndex, changeTask(attempt.job.tasks.state(attempt.taskIndex), 'running'));
    this.#world.addAttempt(attempt);
    this.#newAttempts.push(attempt);
    this.dirtyRuns.add(attempt.run);
    this.event('attempt-state', { attempt }, attempt.state, null);
  }

  setAttemptState(attempt: LiveAttempt, state: AttemptState, reason: string | null): void {
    attempt.state = changeAttempt(attempt.state, state);
    this.#changedAttempts.add(attempt);
    this.event('attempt-state', { attempt }, state, reason);
  }

  setAttemptRunning(attempt: LiveAttempt, startedAtMs: number): void {
    attempt.activity = null;
    attempt.startedAtMs = startedAtMs;
    if (attempt.state !== 'running') this.setAttemptState(attempt, 'running', null);
  }

  endAttempt(attempt: LiveAttempt, end: AttemptEnd): void {
    attempt.state = changeAttempt(attempt.state, end.state);
    this.#world.removeAttempt(attempt);
    this.#changedAttempts.delete(attempt);
    this.#ends.push({ sequence: attempt.sequence, end });
    this.dirtyRuns.add(attempt.run);
    this.event('attempt-state', { attempt }, end.state, end.reason);
  }

  /** A task changes to a state that is kept (ended, or waiting again after `retry`). */
  setTaskState(run: LiveRun, job: LiveJob, taskIndex: number, state: TaskState): void {
    job.tasks.setState(taskIndex, changeTask(job.tasks.state(taskIndex), state));
    this.markChunk(job, taskIndex);
    this.dirtyRuns.add(run);
  }

  markChunk(job: LiveJob, taskIndex: number): void {
    const chunks = this.#chunks.get(job) ?? new Set<number>();
    chunks.add(Math.floor(taskIndex / TASKS_PER_CHUNK));
    this.#chunks.set(job, chunks);
  }

  setRetry(job: LiveJob, record: RetryRecord): void {
    job.tasks.retries.set(record.taskIndex, record);
    this.#retries.set(`${record.jobId}/${record.taskIndex}`, record);
    this.#endedRetries.delete(`${record.jobId}/${record.taskIndex}`);
  }

  endRetry(job: LiveJob, taskIndex: number): void {
    if (!job.tasks.retries.delete(taskIndex)) return;
    const key = `${job.record.id}/${taskIndex}`;
    this.#retries.delete(key);
    this.#endedRetries.set(key, { jobId: job.record.id, taskIndex });
  }

  isEmpty(): boolean {
    return this.#events.length === 0 && this.#runs.size === 0 && this.#chunks.size === 0;
  }

  /** The rows as they now stand. A run added in this cycle is written once, with its last state. */
  toBatch(): Batch {
    const newIds = new Set(this.#newRuns.map(({ run }) => run.id));
    const newAttempts = new Set(this.#newAttempts.map((attempt) => attempt.sequence));
    return {
      newRuns: this.#newRuns.map(({ run, jobs }) => ({
        run: this.#runs.get(run.id)?.run ?? run,
        jobs: jobs.map((job) => this.#withState(job)),
      })),
      runs: [...this.#runs.values()].filter(({ run }) => !newIds.has(run.id)).map(({ run }) => run),
      jobs: [...this.#jobs.values()]
        .filter((job) => !newIds.has(job.record.runId))
        .map((job) => ({ id: job.record.id, state: job.state })),
      newAttempts: this.#newAttempts.map((attempt) => ({
        sequence: attempt.sequence,
        runId: attempt.run.run.id,
        jobId: attempt.job.record.id,
        taskIndex: attempt.taskIndex,
        number: attempt.number,
        instanceId: attempt.instanceId,
        runtimeKey: attempt.runtimeKey,
        state: attempt.state,
        createdAtMs: attempt.createdAtMs,
        startedAtMs: attempt.startedAtMs,
        end: null,
      })),
      attempts: [...this.#changedAttempts]
        .filter(({ sequence }) => !newAttempts.has(sequence))
        .map(({ sequence, state, startedAtMs }) => ({ sequence, state, startedAtMs })),
      endedAttempts: this.#ends,
      taskChunks: [...this.#chunks].flatMap(([job, chunks]) =>
        [...chunks].map((chunk) => ({ jobId: job.record.id, chunk, states: job.tasks.chunkStates(chunk) })),
      ),
      retries: [...this.#retries.values()],
      endedRetries: [...this.#endedRetries.values()],
      events: this.#events,
    };
  }

  #withState(record: JobRecord): JobRecord {
    const job = this.#jobs.get(record.id);
    return job === undefined ? record : { ...record, state: job.state };
  }
}

// Answers questions about runs, tasks, attempts and events. Live ones are answered from the world, which is newer than the
// store by at most the cycle under way; ended ones from the history.

import { DistributoError } from '../../domain/errors.ts';
import type { Event } from '../../domain/event.ts';
import { attemptName, runName, taskName } from '../../domain/ids.ts';
import { expandTask } from '../../domain/interpolate.ts';
import type { JobRecord, Run } from '../../domain/run.ts';
import type { TaskState } from '../../domain/states.ts';
import type { History, TaskSummary } from '../../ports/store.ts';
import type { OrderBuilder } from '../build-order.ts';
import type { DecideLimits } from '../decide.ts';
import type {
  EventAnswer,
  ExplainAnswer,
  JobAnswer,
  RunAnswer,
  RunDetailAnswer,
  TaskAnswer,
  TaskDetailAnswer,
  TasksAnswer,
  TasksQuery,
} from '../engine-api.ts';
import { findJob, readSubject } from '../orders.ts';
import type { LiveRun, World } from '../world.ts';
import { explainRun, FAILURES_LOOKED_AT, whyNeverStarted } from './explain-run.ts';
import { describeAttempts, explainTried, explainWaiting } from './explain-task.ts';
import { describeEndedRun, describeInstance, describeLiveRun } from './run-answer.ts';

const ACTIVE_SHOWN = 50;
const EVENTS_SHOWN = 8;
const EVENTS_LOOKED_AT = 64;

/** Of a run with many tasks nearly every event is an attempt that begins or ends well: the counts tell those. */
const isNotable = ({ kind, state }: Event): boolean =>
  kind !== 'attempt-state' || (state !== 'starting' && state !== 'running' && state !== 'succeeded');

export type FoundRun = {
  readonly run: Run;
  readonly jobs: readonly { readonly record: JobRecord }[];
  readonly live: LiveRun | null;
};

export class Questions {
  readonly #world: World;
  readonly #history: History;
  readonly #orders: OrderBuilder;
  readonly #limits: DecideLimits;
  readonly #nowMs: () => number;

  constructor(parts: {
    world: World;
    history: History;
    orders: OrderBuilder;
    limits: DecideLimits;
    nowMs: () => number;
  }) {
    this.#world = parts.world;
    this.#history = parts.history;
    this.#orders = parts.orders;
    this.#limits = parts.limits;
    this.#nowMs = parts.nowMs;
  }

  /** Throws NOT_FOUND, naming the runs there are. */
  async findRun(name: string): Promise<FoundRun> {
    const live = this.#world.findRun(name);
    if (live !== undefined) return { run: live.run, jobs: live.jobs, live };
    const match = /^(.+)-(\d{1,9})$/.exec(name);
    const [found] =
      match === null
        ? []
        : await this.#history.listRuns({ name: match[1] as string, number: Number(match[2]), limit: 1 });
    if (found !== undefined) return { run: found.run, jobs: found.jobs.map((record) => ({ record })), live: null };
    const recent = await this.#history.listRuns({ limit: 3 });
    const names = recent.map(({ run }) => runName(run.name, run.number)).join(', ');
    throw new DistributoError('NOT_FOUND', `there is no run ${name}`, {
      hint: names === '' ? 'distributo run FILE starts one' : `distributo ps -a lists all; the last are ${names}`,
    });
  }

  async listRuns(query: {
    readonly all: boolean;
    readonly limit: number;
    readonly beforeId?: number;
  }): Promise<readonly RunAnswer[]> {
    const states = query.all ? {} : { states: ['waiting', 'running', 'stopped'] as const };
    const before = query.beforeId === undefined ? {} : { beforeId: query.beforeId };
    const found = await this.#history.listRuns({ ...states, ...before, limit: query.limit });
    return Promise.all(found.map(({ run, jobs }) => this.#describe(run, jobs)));
  }

  async #describe(stored: Run, jobs: readonly JobRecord[]): Promise<RunAnswer> {
    const live = this.#world.runs.get(stored.id);
    if (live !== undefined) return describeLiveRun(this.#world, live, this.#nowMs());
    const ids = jobs.map((job) => job.id);
    const counts = await this.#history.countTasks(ids);
    const summaries = new Map(
      await Promise.all(ids.map(async (id) => [id, await this.#history.summariseJob(id)] as const)),
    );
    return describeEndedRun(stored, jobs, counts, summaries, this.#nowMs());
  }

  async getRun(name: string): Promise<RunDetailAnswer> {
    const found = await this.findRun(name);
    const answer = await this.#describe(
      found.run,
      found.jobs.map((job) => job.record),
    );
    const events = await this.#history.listEvents({
      runId: found.run.id,
      last: EVENTS_LOOKED_AT,
      limit: EVENTS_LOOKED_AT,
    });
    const slot = found.live === null ? undefined : this.#world.slotOf(found.run);
    const instanceId = slot?.description?.instanceId;
    const instances = [...this.#world.instances.values()].filter((instance) => instance.instanceId === instanceId);
    return {
      ...answer,
      instances: instances.map((instance) => describeInstance(this.#world, instance)),
      recentEvents: await this.nameEvents(events.filter(isNotable).slice(-EVENTS_SHOWN)),
      active: this.#activeOf(found),
      warnings: warningsOf(answer, slot?.status === 'unreachable' ? slot.reason : null),
    };
  }

  #activeOf({ live }: FoundRun): RunDetailAnswer['active'] {
    if (live === null) return [];
    const active: { task: string; activity: string; sinceMs: number }[] = [];
    for (const job of live.jobs) {
      for (const attempt of this.#world.byTask.get(job)?.values() ?? []) {
        if (active.length >= ACTIVE_SHOWN) return active;
        const activity = attempt.stop === null ? (attempt.activity ?? attempt.state) : 'stopping';
        const task = taskName(runName(live.run.name, live.run.number), job.record.spec.name, attempt.taskIndex);
        active.push({ task, activity, sinceMs: attempt.startedAtMs ?? attempt.createdAtMs });
      }
    }
    return active;
  }

  async listTasks(name: string, query: TasksQuery): Promise<TasksAnswer> {
    const found = await this.findRun(name);
    const subject = readSubject(query.job === undefined ? name : `${name}/${query.job}`);
    const { job: only } = findJob({ run: found.run, jobs: found.jobs }, subject);
    const jobs = only === null ? found.jobs : [only];
    const [afterJob, afterIndex] = (query.after ?? '').split('/').map(Number);
    const tasks: TaskAnswer[] = [];
    for (const { record } of jobs) {
      if (query.after !== undefined && record.ordinal < (afterJob as number)) continue;
      const after =
        query.after !== undefined && record.ordinal === afterJob ? { afterIndex: afterIndex as number } : {};
      const left = query.limit - tasks.length;
      const page = await this.#pageOf(found, record, query, after, left);
      tasks.push(...page);
      if (tasks.length >= query.limit) return { tasks, next: `${record.ordinal}/${tasks.at(-1)?.index}` };
    }
    return { tasks, next: null };
  }

  /** The store knows no live attempts: tasks that run are laid over its answer, and asked for among the waiting ones. */
  async #pageOf(
    found: FoundRun,
    record: JobRecord,
    query: TasksQuery,
    after: { afterIndex?: number },
    limit: number,
  ): Promise<TaskAnswer[]> {
    const wanted = query.states === undefined ? undefined : new Set<TaskState>(query.states);
    const asked = wanted?.has('running')
      ? [...new Set<TaskState>([...wanted, 'waiting'])].filter((state) => state !== 'running')
      : query.states;
    const answers: TaskAnswer[] = [];
    let afterIndex = after.afterIndex;
    for (;;) {
      const page = await this.#history.listTasks({
        jobId: record.id,
        ...(asked === undefined ? {} : { states: asked }),
        ...(query.repeated === undefined ? {} : { repeated: query.repeated }),
        ...(afterIndex === undefined ? {} : { afterIndex }),
        limit,
      });
      for (const summary of page) {
        const answer = this.#describeTask(found, record, summary);
        if (wanted === undefined || wanted.has(answer.state)) answers.push(answer);
        if (answers.length >= limit) return answers;
      }
      const last = page.at(-1);
      if (page.length < limit || last === undefined) return answers;
      afterIndex = last.taskIndex;
    }
  }

  #describeTask(found: FoundRun, record: JobRecord, summary: TaskSummary): TaskAnswer {
    const liveJob = found.live?.jobs.find((job) => job.record.id === record.id);
    const live = liveJob === undefined ? undefined : this.#world.attemptOf(liveJob, summary.taskIndex);
    const end = summary.last?.end ?? null;
    const state = live !== undefined ? 'running' : (liveJob?.tasks.state(summary.taskIndex) ?? summary.state);
    return {
      task: taskName(runName(found.run.name, found.run.number), record.spec.name, summary.taskIndex),
      job: record.spec.name,
      index: summary.taskIndex,
      state,
      attempts: summary.attempts,
      startedAtMs: live !== undefined ? live.startedAtMs : (end?.startedAtMs ?? null),
      endedAtMs: live !== undefined ? null : (end?.endedAtMs ?? null),
      exitCode: live !== undefined ? null : (end?.exitCode ?? null),
      peakMemoryMib: live !== undefined ? null : (end?.peakMemoryMib ?? null),
      reason: live !== undefined ? live.activity : (end?.reason ?? this.#reasonWithoutEnd(found, record, state)),
    };
  }

  /** Of a task that no attempt has ended: what it waits for, or why it was cancelled. */
  #reasonWithoutEnd(found: FoundRun, record: JobRecord, state: TaskState): string | null {
    if (state === 'cancelled') return this.#whyNeverStarted(found, record);
    if (state !== 'waiting') return null;
    return found.live?.jobs.find((job) => job.record.id === record.id)?.waitsFor?.text ?? null;
  }

  async findTask(text: string): Promise<FoundRun & { job: JobRecord; taskIndex: number; attempt: number | null }> {
    const subject = readSubject(text);
    const found = await this.findRun(subject.run);
    const { job, taskIndex } = findJob({ run: found.run, jobs: found.jobs }, subject);
    if (job === null || taskIndex === null) {
      throw new DistributoError('NOT_FOUND', `${text} is a run, a task is asked for`, {
        hint: `write ${text}/INDEX; distributo status ${subject.run} --tasks`,
      });
    }
    return { ...found, job: job.record, taskIndex, attempt: subject.attempt ?? null };
  }

  async getTask(text: string): Promise<TaskDetailAnswer> {
    const found = await this.findTask(text);
    const { job, taskIndex } = found;
    const [summary] = await this.#history.listTasks({ jobId: job.id, afterIndex: taskIndex - 1, limit: 1 });
    const attempts = await this.#history.listAttempts(job.id, taskIndex);
    const item = await this.#orders.itemOf(job.spec, taskIndex);
    const filled = expandTask(job.spec, taskIndex, item, found.run.spec.source.directory);
    const fallback: TaskSummary = { jobId: job.id, taskIndex, state: 'waiting', attempts: 0, last: null };
    return {
      ...this.#describeTask(found, job, summary ?? fallback),
      attemptList: describeAttempts(this.#world, found.run, job, attempts),
      filled: {
        executors: filled.executors,
        inputs: filled.inputs,
        outputs: filled.outputs,
        resources: job.spec.resources,
      },
    };
  }

  async explain(text: string): Promise<ExplainAnswer> {
    const subject = readSubject(text);
    const found = await this.findRun(subject.run);
    if (subject.index === undefined) return this.#explainRun(found, subject.job);
    const { job, taskIndex } = await this.findTask(text);
    const task = await this.getTask(text);
    const about = {
      run: found.run,
      job,
      taskIndex,
      state: task.state,
      reason: task.reason,
      attempts: task.attemptList,
    };
    const liveJob = found.live?.jobs.find((one) => one.record.id === job.id);
    if (task.state !== 'waiting' || found.live === null || liveJob === undefined) return explainTried(about);
    return explainWaiting(this.#world, { run: found.live, job: liveJob }, about, this.#limits, this.#nowMs());
  }

  async #explainRun(found: FoundRun, jobName: string | undefined): Promise<ExplainAnswer> {
    const answer = await this.#describe(
      found.run,
      found.jobs.map((job) => job.record),
    );
    const jobs = answer.jobs.filter((job) => jobName === undefined || job.name === jobName);
    if (jobs.length === 0) findJob({ run: found.run, jobs: found.jobs }, { run: answer.run, job: jobName as string });
    const failures = await Promise.all(jobs.map(async (job) => ({ job, failed: await this.#failedOf(found, job) })));
    return explainRun(answer, failures, this.#world.instances.size);
  }

  async #failedOf(found: FoundRun, job: JobAnswer): Promise<readonly TaskSummary[]> {
    const record = found.jobs.find((one) => one.record.spec.name === job.name)?.record;
    if (record === undefined || job.tasks.failed === 0) return [];
    return this.#history.listTasks({ jobId: record.id, states: ['failed'], limit: FAILURES_LOOKED_AT });
  }

  #whyNeverStarted(found: FoundRun, job: JobRecord): string {
    const states = new Map(
      found.live === null
        ? found.jobs.map(({ record }) => [record.spec.name, record.state])
        : found.live.jobs.map((one) => [one.record.spec.name, one.state]),
    );
    return whyNeverStarted(found.run, job, (name) => states.get(name) ?? 'waiting');
  }

  async listEvents(query: {
    readonly run?: string;
    readonly afterSequence?: number;
    readonly last?: number;
    readonly limit: number;
  }): Promise<readonly EventAnswer[]> {
    const { run, ...rest } = query;
    const runId = run === undefined ? {} : { runId: (await this.findRun(run)).run.id };
    return this.nameEvents(await this.#history.listEvents({ ...rest, ...runId }));
  }

  async nameEvents(events: readonly Event[]): Promise<EventAnswer[]> {
    const runs = new Map<number, { name: string; jobs: Map<number, string> } | null>();
    for (const event of events)
      if (event.runId !== null && !runs.has(event.runId)) runs.set(event.runId, await this.#namesOf(event.runId));
    const sequences = events.map((event) => event.attemptSequence).filter((sequence) => sequence !== null);
    const attempts = sequences.length === 0 ? [] : await this.#history.findAttempts([...new Set(sequences)]);
    const numbers = new Map(attempts.map((attempt) => [attempt.sequence, attempt.number]));
    return events.map((event) => {
      const run = event.runId === null ? null : runs.get(event.runId);
      if (run == null) return { ...event, subject: null };
      const job = event.jobId === null ? undefined : run.jobs.get(event.jobId);
      if (job === undefined) return { ...event, subject: run.name };
      if (event.taskIndex === null) return { ...event, subject: `${run.name}/${job}` };
      const number = event.attemptSequence === null ? undefined : numbers.get(event.attemptSequence);
      const subject =
        number === undefined
          ? taskName(run.name, job, event.taskIndex)
          : attemptName(run.name, job, event.taskIndex, number);
      return { ...event, subject };
    });
  }

  async #namesOf(runId: number): Promise<{ name: string; jobs: Map<number, string> } | null> {
    const live = this.#world.runs.get(runId);
    const [stored] = live === undefined ? await this.#history.listRuns({ beforeId: runId + 1, limit: 1 }) : [];
    const run = live?.run ?? (stored?.run.id === runId ? stored.run : undefined);
    if (run === undefined) return null;
    const jobs = live?.jobs.map((job) => job.record) ?? stored?.jobs ?? [];
    return { name: runName(run.name, run.number), jobs: new Map(jobs.map((job) => [job.id, job.spec.name])) };
  }
}

function warningsOf(answer: RunAnswer, unreachable: string | null): string[] {
  const warnings: string[] = [];
  if (unreachable !== null) warnings.push(`the container engine does not answer: ${unreachable}`);
  if (answer.deadlineMissed) warnings.push('the deadline is past');
  if (answer.tasks.failed > 0) {
    const { failed } = answer.tasks;
    warnings.push(failed === 1 ? '1 task failed' : `${failed.toLocaleString('en-US')} tasks failed`);
  }
  return warnings;
}

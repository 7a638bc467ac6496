// Puts the engine together from its parts, rebuilds the world from the store, and answers what shells ask and order.

import { DistributoError } from '../domain/errors.ts';
import { attemptId, attemptSequence, runName } from '../domain/ids.ts';
import { runtimeKeyOf, type Target } from '../domain/job.ts';
import type { DiskUse, LogLine, LogQuery } from '../ports/attempt-runtime.ts';
import { openLater } from './answers/open-later.ts';
import { Questions } from './answers/questions.ts';
import { describeInstance, describeLiveRun } from './answers/run-answer.ts';
import { OrderBuilder } from './build-order.ts';
import { Cycle, type Recorded } from './cycle.ts';
import type { Engine, ExplainAnswer, InstanceAnswer, RunAnswer, Submission, TasksQuery } from './engine-api.ts';
import type { EngineParts } from './engine-parts.ts';
import * as orders from './orders.ts';
import { Outbox } from './outbox.ts';
import type { LiveRun } from './world.ts';
import { World } from './world.ts';

/** Loads what the store holds, opens the runtimes of unfinished runs, and goes on where an earlier engine stopped. */
export async function createEngine(parts: EngineParts): Promise<Engine> {
  const stored = await parts.store.load();
  const world = new World(parts.store.ownerId);
  Object.assign(world.next, stored.next);
  const engine = new LoopEngine(parts, world);
  await engine.restore(stored);
  return engine;
}

/** How long a machine may take to describe itself when somebody waits for it. */
const INSPECT_MS_MAX = 10_000;
const INSPECT_POLL_MS = 25;
const SILENT_MS_MAX = 2000;
const PAGE = 1000;
const RECENT_RUNS = 20;

class LoopEngine implements Engine {
  readonly #parts: EngineParts;
  readonly #world: World;
  readonly #builder: OrderBuilder;
  readonly #outbox: Outbox;
  readonly #cycle: Cycle;
  readonly #questions: Questions;
  readonly #listeners = new Set<(recorded: Recorded) => void>();
  /** The highest number given to a name, once it was looked up. */
  readonly #numbers = new Map<string, number>();
  #submitting: Promise<unknown> = Promise.resolve();

  constructor(parts: EngineParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.#builder = new OrderBuilder(parts.store, parts.readSecretFile);
    this.#outbox = new Outbox({
      world,
      orders: this.#builder,
      openRuntime: parts.openRuntime,
      history: parts.store,
      clock: parts.clock,
      report: (observation) => this.#cycle.observe(observation),
    });
    this.#cycle = new Cycle(world, parts, this.#outbox, (recorded) => {
      for (const listener of this.#listeners) listener(recorded);
    });
    this.#questions = new Questions({
      world,
      history: parts.store,
      orders: this.#builder,
      limits: parts.settings,
      nowMs: () => parts.clock.nowMs(),
    });
  }

  async restore(stored: Parameters<typeof orders.restoreRuns>[2]): Promise<void> {
    // A crash after the last record of a run may have left its containers: the places of recent runs are looked at too.
    const recent = await this.#parts.store.listRuns({ limit: RECENT_RUNS });
    const runs = await this.#cycle.order((changes) => {
      changes.event('controller-started', {}, null, null);
      for (const { run } of recent) orders.ensureRuntime(this.#world, changes, run.spec.target);
      return orders.restoreRuns(this.#world, changes, stored);
    });
    for (const run of runs) await this.#restoreStats(run);
  }

  async #restoreStats(run: LiveRun): Promise<void> {
    for (const job of run.jobs) {
      const summary = await this.#parts.store.summariseJob(job.record.id);
      const succeeded = job.tasks.counts().succeeded;
      job.stats.interruptions += summary.interruptions;
      job.stats.retries += summary.retries;
      job.stats.durations += succeeded;
      job.stats.durationMsSum += (summary.meanDurationMs ?? 0) * succeeded;
      job.stats.peakMemoryMib = Math.max(job.stats.peakMemoryMib ?? 0, summary.peakMemoryMib ?? 0) || null;
    }
  }

  // One at a time: the number of a name and the check of the submission key must not race.
  submit(submission: Submission): Promise<RunAnswer> {
    const submitted = this.#submitting.then(() => this.#submit(submission));
    this.#submitting = submitted.catch(() => undefined);
    return submitted;
  }

  async #submit(submission: Submission): Promise<RunAnswer> {
    if (submission.submissionKey !== null) {
      const [known] = await this.#parts.store.listRuns({ submissionKey: submission.submissionKey, limit: 1 });
      if (known !== undefined) return this.getRun(runName(known.run.name, known.run.number));
    }
    const { name } = submission.spec;
    const [newest] = this.#numbers.has(name) ? [] : await this.#parts.store.listRuns({ name, limit: 1 });
    const number = (this.#numbers.get(name) ?? newest?.run.number ?? 0) + 1;
    const run = await this.#cycle.order((changes) => orders.submitRun(this.#world, changes, submission, number));
    this.#numbers.set(name, number);
    return describeLiveRun(this.#world, run, this.#parts.clock.nowMs());
  }

  putItems(itemSetId: string, chunk: number, itemsJson: string): Promise<void> {
    return this.#parts.store.putItems(itemSetId, chunk, itemsJson);
  }

  async cancel(subject: string, by: string): Promise<{ readonly tasks: number }> {
    const tasks = await this.#cycle.order((changes) => {
      const found = orders.findLive(this.#world, subject);
      return found === undefined ? null : orders.cancel(this.#world, changes, found, by);
    });
    if (tasks !== null) return { tasks };
    const { run } = await this.#questions.findRun(orders.readSubject(subject).run);
    throw new DistributoError('CONFLICT', `${runName(run.name, run.number)} has ended already: ${run.state}`, {
      hint: `distributo status ${runName(run.name, run.number)}`,
    });
  }

  async retry(subject: string): Promise<{ readonly tasks: number }> {
    const found = await this.#questions.findRun(orders.readSubject(subject).run);
    const attempts = new Map<number, Map<number, number>>();
    for (const { record } of found.jobs) attempts.set(record.id, await this.#attemptsOfEnded(record.id));
    const stored = found.live === null ? await this.#parts.store.loadRun(found.run.id) : undefined;
    const tasks = await this.#cycle.order((changes) => {
      const name = runName(found.run.name, found.run.number);
      const revived = this.#world.findRun(name) === undefined && stored !== undefined;
      if (revived) orders.restoreRuns(this.#world, changes, stored);
      const live = orders.findLive(this.#world, subject);
      const count =
        live === undefined
          ? 0
          : orders.retryTasks(changes, live, (job, index) => attempts.get(job.record.id)?.get(index) ?? 0);
      if (count === 0 && revived) this.#world.runs.delete(found.run.id);
      return count;
    });
    if (tasks > 0) return { tasks };
    throw new DistributoError('CONFLICT', `nothing to retry: no task of ${subject} failed or was cancelled`, {
      hint: `distributo status ${runName(found.run.name, found.run.number)}`,
    });
  }

  async #attemptsOfEnded(jobId: number): Promise<Map<number, number>> {
    const attempts = new Map<number, number>();
    for (let afterIndex = -1; ; ) {
      const page = await this.#parts.store.listTasks({
        jobId,
        states: ['failed', 'cancelled'],
        afterIndex,
        limit: PAGE,
      });
      for (const task of page) if (task.attempts > 0) attempts.set(task.taskIndex, task.last?.number ?? task.attempts);
      const last = page.at(-1);
      if (page.length < PAGE || last === undefined) return attempts;
      afterIndex = last.taskIndex;
    }
  }

  pause(run: string, by: string): Promise<void> {
    return this.#orderRun(run, (changes, live) => orders.pause(changes, live, by));
  }

  resume(run: string): Promise<void> {
    return this.#orderRun(run, orders.resume);
  }

  release(run: string): Promise<void> {
    return this.#orderRun(run, orders.release);
  }

  supplySecrets(run: string, values: Readonly<Record<string, string>>): Promise<void> {
    return this.#orderRun(run, (changes, live) => {
      live.secretValues = { ...live.secretValues, ...values };
      changes.touch(live);
    });
  }

  async #orderRun(
    name: string,
    apply: (changes: Parameters<typeof orders.resume>[0], run: LiveRun) => void,
  ): Promise<void> {
    const isLive = await this.#cycle.order((changes) => {
      const found = this.#world.findRun(name);
      if (found !== undefined) apply(changes, found);
      return found !== undefined;
    });
    if (isLive) return;
    const { run } = await this.#questions.findRun(name);
    throw new DistributoError('CONFLICT', `${name} has ended already: ${run.state}`, {
      hint: `distributo retry ${name}`,
    });
  }

  async remove(name: string): Promise<void> {
    const found = await this.#questions.findRun(name);
    if (found.live !== null) {
      throw new DistributoError('CONFLICT', `${name} is ${found.run.state}; only ended runs can be removed`, {
        hint: `distributo cancel ${name}`,
      });
    }
    for (const { record } of found.jobs) await this.#removeFiles(record.id);
    await this.#parts.store.removeRun(found.run.id);
  }

  /** Logs and kept workspaces of a job's attempts, while its rows still tell which they are. */
  async #removeFiles(jobId: number): Promise<void> {
    for (let afterIndex = -1; ; ) {
      const page = await this.#parts.store.listTasks({ jobId, afterIndex, limit: PAGE });
      for (const { taskIndex, attempts, last } of page) {
        const all = attempts > 1 ? await this.#parts.store.listAttempts(jobId, taskIndex) : last === null ? [] : [last];
        for (const { sequence } of all) await this.#parts.disk.remove(attemptId(this.#world.ownerId, sequence));
      }
      const end = page.at(-1);
      if (page.length < PAGE || end === undefined) return;
      afterIndex = end.taskIndex;
    }
  }

  listRuns(query: Parameters<Engine['listRuns']>[0]): ReturnType<Engine['listRuns']> {
    return this.#questions.listRuns(query);
  }

  getRun(run: string): ReturnType<Engine['getRun']> {
    return this.#questions.getRun(run);
  }

  listTasks(run: string, query: TasksQuery): ReturnType<Engine['listTasks']> {
    return this.#questions.listTasks(run, query);
  }

  getTask(subject: string): ReturnType<Engine['getTask']> {
    return this.#questions.getTask(subject);
  }

  explain(subject: string): Promise<ExplainAnswer> {
    return this.#questions.explain(subject);
  }

  listEvents(query: Parameters<Engine['listEvents']>[0]): ReturnType<Engine['listEvents']> {
    return this.#questions.listEvents(query);
  }

  readLogs(subject: string, query: LogQuery): AsyncIterable<LogLine> {
    return openLater(() => this.#openLog(subject, query));
  }

  async #openLog(subject: string, query: LogQuery): Promise<AsyncIterable<LogLine>> {
    const { run, job, taskIndex, attempt: number } = await this.#questions.findTask(subject);
    const attempts = await this.#parts.store.listAttempts(job.id, taskIndex);
    const attempt = number === null ? attempts.at(-1) : attempts.find((one) => one.number === number);
    if (attempt === undefined) {
      const message =
        number === null
          ? `${subject} has not started yet`
          : `${subject} does not exist; there are ${attempts.length} attempts`;
      throw new DistributoError('NOT_FOUND', message, { hint: `distributo explain ${subject.split('#')[0]}` });
    }
    const runtime =
      this.#world.runtimes.get(attempt.runtimeKey)?.runtime ?? (await this.#parts.openRuntime(run.spec.target));
    return runtime.readLogs(attemptId(this.#world.ownerId, attempt.sequence), query);
  }

  /** An engine that was silent is asked anew, so that starting Docker helps at once. */
  async inspectTarget(target: Target): Promise<InstanceAnswer> {
    await this.#cycle.order((changes) => orders.askRuntime(this.#world, changes, target));
    const key = runtimeKeyOf(target);
    const untilMs = this.#parts.clock.monotonicMs() + INSPECT_MS_MAX;
    let silentSinceMs: number | undefined;
    for (;;) {
      const slot = this.#world.runtimes.get(key);
      const instance = slot?.description == null ? undefined : this.#world.instances.get(slot.description.instanceId);
      if (instance !== undefined && slot?.status !== 'unreachable') return describeInstance(this.#world, instance);
      const nowMs = this.#parts.clock.monotonicMs();
      // One that is being asked again gets a moment, not the whole time that an opening may take.
      if (slot?.status === 'unreachable') silentSinceMs ??= nowMs;
      const isSilent = silentSinceMs !== undefined && nowMs - silentSinceMs > SILENT_MS_MAX;
      if (nowMs > untilMs || isSilent || (slot?.status === 'unreachable' && slot.runtime === null)) {
        const reason = slot?.reason ?? `no answer within ${INSPECT_MS_MAX / 1000} s`;
        throw new DistributoError('CONTAINERS_UNREACHABLE', reason, { hint: 'distributo check', retryable: true });
      }
      await new Promise<void>((resolve) => this.#parts.clock.wakeAfter(INSPECT_POLL_MS, resolve));
    }
  }

  async measureDisk(): Promise<readonly DiskUse[]> {
    const uses = await this.#parts.disk.measure((id) => this.#isLive(id));
    return [...uses, { what: 'store', bytes: await this.#parts.store.sizeBytes(), freeable: 0 }];
  }

  prune(options: { readonly all: boolean }): Promise<{ readonly freedBytes: number }> {
    return this.#parts.disk.prune({ ...options, isLive: (id) => this.#isLive(id) });
  }

  #isLive(id: string): boolean {
    const sequence = attemptSequence(this.#world.ownerId, id);
    return sequence !== undefined && this.#world.attempts.has(sequence);
  }

  onChange(listener: (change: Recorded) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A run whose tasks wait only for its user needs nobody here. */
  isIdle(): boolean {
    if (this.#cycle.hasWork() || this.#world.attempts.size > 0) return false;
    const needsUser = new Set(['paused', 'trial', 'secret', 'never-fits']);
    return [...this.#world.runs.values()].every((run) =>
      run.jobs.every(
        (job) => job.tasks.counts().waiting === 0 || (job.waitsFor !== null && needsUser.has(job.waitsFor.kind)),
      ),
    );
  }

  counts(): { readonly runs: number; readonly liveAttempts: number } {
    return { runs: this.#world.runs.size, liveAttempts: this.#world.attempts.size };
  }

  async close(): Promise<void> {
    this.#outbox.close();
    await this.#cycle.close();
    await Promise.all([...this.#world.runtimes.values()].map((slot) => slot.runtime?.close()));
  }
}

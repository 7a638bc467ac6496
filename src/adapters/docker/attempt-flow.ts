// One attempt's way through the engine: container, start, follow, next executor, files out, end. Every step finds what an
// earlier controller did of it and goes on from there, so the same code starts an attempt and adopts one. Holds its stop and
// its time limit. How a container is made is in container-maker.ts, how it is followed in follow-container.ts.

import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import type { AttemptEnd } from '../../domain/attempt.ts';
import { DistributoError } from '../../domain/errors.ts';
import type { Executor } from '../../domain/job.ts';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import { logDirectory } from '../../workspace/attempt-directory.ts';
import { stageOut } from '../../workspace/staging.ts';
import { type ContainerEnd, instantOf } from './container-end.ts';
import { createContainerFiles } from './container-files.ts';
import { type Container, ContainerMaker, FoundFurther } from './container-maker.ts';
import { hasWorkspace } from './container-spec.ts';
import { refusedWith } from './docker-client.ts';
import type { ContainerDetails } from './engine-types.ts';
import { type FlowWorld, inspectContainer, wordsOf } from './flow-world.ts';
import { type FollowedEnd, followContainer, goneContainer } from './follow-container.ts';
import { AttemptLog } from './follow-log.ts';
import { failureOf } from './start-failure.ts';

export type StopRequest = {
  readonly gracePeriodMs: number;
  readonly end: Pick<AttemptEnd, 'state' | 'cause' | 'reason'>;
};

const REASON_LENGTH_MAX = 1_000;

export class AttemptFlow {
  readonly order: AttemptOrder;
  readonly done: Promise<void>;
  readonly #world: FlowWorld;
  readonly #log: AttemptLog;
  readonly #maker: ContainerMaker;
  /** Ends what is done before and after the containers run. */
  readonly #giveUp = new AbortController();
  readonly #hasLog: boolean;
  #isAdopted: boolean;
  #stop: StopRequest | undefined;
  #runningId: string | undefined;
  #startedAtMs: number | null = null;
  #hasSaidRunning = false;
  #peakMemoryMib: number | null = null;
  #cancelTimeout: () => void = () => undefined;
  #phase: 'input' | 'run' | 'output' = 'input';
  #isClosed = false;
  #isEnded = false;

  constructor(order: AttemptOrder, world: FlowWorld, isAdopted: boolean) {
    this.order = order;
    this.#world = world;
    this.#isAdopted = isAdopted;
    const directory = logDirectory(world.stateDirectory, order.attemptId);
    this.#hasLog = existsSync(directory);
    this.#log = new AttemptLog(directory, world.logLimitBytes);
    setMaxListeners(0, this.#giveUp.signal);
    this.#maker = new ContainerMaker(order, world, directory, this.#giveUp.signal);
    this.done = this.#run();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get hasVolume(): boolean {
    return hasWorkspace(this.order);
  }

  get containers(): readonly string[] {
    return this.#maker.ids.filter(Boolean);
  }

  stop(request: StopRequest): void {
    if (this.#isEnded) return;
    this.#stop ??= request;
    if (this.#runningId !== undefined) void this.#stopContainer(this.#runningId, request.gracePeriodMs);
    else this.#giveUp.abort();
  }

  /** Lets go of the attempt: it goes on by itself, and is adopted by whoever comes next. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#giveUp.abort();
    this.#cancelTimeout();
    await this.done;
  }

  async #run(): Promise<void> {
    let end: AttemptEnd | undefined;
    try {
      end = await this.#carryOut().catch((error: unknown) => {
        if (!(error instanceof FoundFurther)) throw error;
        this.#isAdopted = true;
        return this.#carryOut();
      });
    } catch (error) {
      if (!this.#isClosed && !this.#world.contact.isClosed) end = await this.#endOfTrouble(error);
    }
    this.#cancelTimeout();
    await this.#log.log.close();
    if (end === undefined || this.#isClosed) return;
    this.#isEnded = true;
    this.#world.gpus.release(this.order.attemptId);
    this.#world.emit({ kind: 'ended', attemptId: this.order.attemptId, end });
  }

  async #carryOut(): Promise<AttemptEnd> {
    const { order } = this;
    const found = this.#isAdopted ? await this.#maker.find() : [];
    if (this.#isAdopted && found.length === 0 && this.#hasLog) {
      const gone = goneContainer(this.#world);
      return this.#endAs(gone.end, gone.endedAtMs);
    }
    let ended: FollowedEnd | undefined;
    for (let index = Math.max(found.length - 1, 0); index < order.executors.length; index += 1) {
      const container = found[index] ?? (await this.#maker.create(index));
      ended = await this.#runExecutor(index, container);
      this.#runningId = undefined;
      if (this.#stop) return this.#endAs({ exitCode: ended.end.exitCode, ...this.#stop.end }, ended.endedAtMs);
      const isIgnored = (order.executors[index] as Executor).ignoreError && ended.end.cause === 'exit';
      const isLast = index === order.executors.length - 1;
      if (ended.end.state !== 'succeeded' && !(isIgnored && ended.end.state === 'failed')) break;
      if (isIgnored && isLast)
        ended = { ...ended, end: { ...ended.end, state: 'succeeded', reason: `${ended.end.reason}, ignored` } };
    }
    this.#cancelTimeout();
    const { end, endedAtMs } = ended as FollowedEnd;
    return await this.#publish(end, endedAtMs);
  }

  // ── one executor ──

  async #runExecutor(index: number, container: Container): Promise<FollowedEnd> {
    const details = container.isFresh ? undefined : await inspectContainer(this.#world, container.id);
    if (!container.isFresh && !details) return goneContainer(this.#world);
    const isFoundStarted = details !== undefined && details.State.Status !== 'created';
    if (!container.isFresh) await this.#learnStart(index, details);
    if (!isFoundStarted) {
      await this.#maker.prepare(index, container.id);
      await this.#maker.start(index, container.id);
    }
    const id = this.#maker.ids[index] as string;
    this.#runningId = id;
    this.#phase = 'run';
    this.#sayRunning();
    if (this.#stop) void this.#stopContainer(id, this.#stop.gracePeriodMs);
    const isStopped = () => this.#stop !== undefined;
    const ended = await followContainer(this.#world, this.#log, {
      order: this.order,
      index,
      id,
      isFoundStarted,
      isStopped,
    });
    if (index === 0 && ended.startedAtMs !== null) this.#startedAtMs = ended.startedAtMs;
    if (ended.peakMemoryMib !== null) this.#peakMemoryMib = Math.max(this.#peakMemoryMib ?? 0, ended.peakMemoryMib);
    return ended;
  }

  // ── time and stopping ──

  /** Of an adopted attempt: when its first executor began, from the container of that executor. */
  async #learnStart(index: number, details: ContainerDetails | undefined): Promise<void> {
    const [firstId] = this.#maker.ids;
    const isOther = index > 0 && firstId !== undefined;
    const first = isOther ? await inspectContainer(this.#world, firstId) : details;
    this.#startedAtMs = first === undefined ? null : instantOf(first.State.StartedAt);
  }

  #sayRunning(): void {
    const { clock, contact, emit } = this.#world;
    if (this.#hasSaidRunning) return;
    this.#hasSaidRunning = true;
    const elapsedMs = this.#startedAtMs === null ? 0 : Math.max(contact.engineNowMs() - this.#startedAtMs, 0);
    this.#startedAtMs ??= clock.nowMs();
    emit({ kind: 'running', attemptId: this.order.attemptId, atMs: this.#startedAtMs });
    const { timeoutMs } = this.order;
    if (timeoutMs === null) return;
    this.#cancelTimeout = clock.wakeAfter(Math.max(timeoutMs - elapsedMs, 0), () => this.#timeOut(timeoutMs));
  }

  #timeOut(timeoutMs: number): void {
    const reason = `still running after its timeout of ${sayDuration(timeoutMs)}`;
    this.stop({ gracePeriodMs: this.order.stopGracePeriodMs, end: { state: 'failed', cause: 'timeout', reason } });
  }

  async #stopContainer(id: string, gracePeriodMs: number): Promise<void> {
    const query = { t: Math.ceil(gracePeriodMs / 1000) };
    try {
      await this.#world.contact.call((signal) =>
        this.#world.client.plain('POST', `/containers/${id}/stop`, { query, signal, timeoutMs: 0 }),
      );
    } catch (error) {
      if (this.#isClosed || this.#world.contact.isClosed || refusedWith(error) === 404) return;
      this.#log.log.note(
        this.#world.clock.nowMs(),
        `the engine could not stop the container: ${String(error)}; killing it`,
      );
      await this.#kill(id);
    }
  }

  async #kill(id: string): Promise<void> {
    await this.#world.contact
      .call((signal) => this.#world.client.plain('POST', `/containers/${id}/kill`, { signal }))
      .catch((error: unknown) => {
        // 409: it has ended; 404: it is gone.
        if (refusedWith(error) === undefined && !this.#world.contact.isClosed) throw error;
      });
  }

  // ── the end ──

  async #publish(end: ContainerEnd, endedAtMs: number): Promise<AttemptEnd> {
    const { outputs, owner } = this.order;
    const isFailedProgram = end.state === 'failed' && end.cause === 'exit';
    if (outputs.length === 0 || (end.state !== 'succeeded' && !isFailedProgram)) return this.#endAs(end, endedAtMs);
    this.#phase = 'output';
    this.#world.emit({ kind: 'progress', attemptId: this.order.attemptId, activity: 'taking outputs out' });
    const containers = [...this.containers].reverse();
    try {
      const { client, contact, objects } = this.#world;
      await contact.call(
        (signal) =>
          stageOut(outputs, createContainerFiles(client, containers, signal), objects, owner, signal, {
            skipMissing: isFailedProgram,
          }),
        this.#giveUp.signal,
      );
      return this.#endAs(end, endedAtMs);
    } catch (error) {
      if (this.#isClosed || this.#world.contact.isClosed) throw error;
      if (this.#stop) return this.#endAs({ ...this.#stop.end, exitCode: end.exitCode }, endedAtMs);
      if (isFailedProgram) {
        this.#log.log.note(this.#world.clock.nowMs(), `outputs of the failed attempt: ${wordsOf(error)}`);
        return this.#endAs(end, endedAtMs);
      }
      return this.#endAs({ ...this.#failure(error), state: 'failed', exitCode: end.exitCode }, endedAtMs);
    }
  }

  async #endOfTrouble(error: unknown): Promise<AttemptEnd> {
    const nowMs = this.#world.clock.nowMs();
    if (this.#runningId !== undefined) await this.#kill(this.#runningId);
    if (this.#stop) return this.#endAs({ exitCode: null, ...this.#stop.end }, nowMs);
    return this.#endAs({ ...this.#failure(error), state: 'failed', exitCode: null }, nowMs);
  }

  #failure(error: unknown): Pick<AttemptEnd, 'cause' | 'reason'> {
    if (error instanceof DistributoError && error.code === 'PATH_ESCAPES') {
      return { cause: this.#phase === 'output' ? 'output' : 'input', reason: wordsOf(error) };
    }
    const image = this.order.executors[Math.max(this.containers.length - 1, 0)]?.image ?? '';
    const known = failureOf(error, image, this.order);
    return (
      known ?? {
        cause: this.#phase === 'output' ? 'output' : 'start',
        reason: `Distributo failed on it: ${wordsOf(error)}`,
      }
    );
  }

  #endAs(end: Pick<AttemptEnd, 'state' | 'cause' | 'exitCode' | 'reason'>, endedAtMs: number): AttemptEnd {
    const reason =
      end.reason.length > REASON_LENGTH_MAX ? `${end.reason.slice(0, REASON_LENGTH_MAX - 1)}…` : end.reason;
    return {
      state: end.state,
      cause: end.cause,
      exitCode: end.exitCode,
      reason,
      startedAtMs: this.#startedAtMs,
      endedAtMs: Math.max(endedAtMs, this.#startedAtMs ?? 0),
      peakMemoryMib:
        end.cause === 'oom' ? Math.max(this.order.resources.memoryMib, this.#peakMemoryMib ?? 0) : this.#peakMemoryMib,
    };
  }
}

function sayDuration(ms: number): string {
  const seconds = Math.round(ms / 100) / 10;
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

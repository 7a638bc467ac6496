// One attempt's way through the engine: image, container, files in, start, follow, next executor, files out, end. Every step
// finds what an earlier controller did of it and goes on from there, so the same code starts an attempt and adopts one.
// What an end means is decided in container-end.ts and start-failure.ts.

import { setMaxListeners } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { posix } from 'node:path';
import type { AttemptEnd } from '../../domain/attempt.ts';
import { DistributoError } from '../../domain/errors.ts';
import type { Executor } from '../../domain/job.ts';
import type { AttemptOrder, RuntimeObservation } from '../../ports/attempt-runtime.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Objects } from '../../ports/objects.ts';
import { logDirectory } from '../../workspace/attempt-directory.ts';
import { readCappedLog } from '../../workspace/capped-log.ts';
import { stageIn, stageOut } from '../../workspace/staging.ts';
import { type ContainerEnd, instantOf, judgeEnd } from './container-end.ts';
import { createContainerFiles, openFolders } from './container-files.ts';
import { containerSpec, hasWorkspace, inWorkspace, userOf } from './container-spec.ts';
import type { EngineFacts } from './describe-engine.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';
import type { EngineContact } from './engine-contact.ts';
import type { ContainerDetails, ContainerState, ContainerSummary, ImageDetails } from './engine-types.ts';
import { AttemptLog, copyLog, type LoggedContainer } from './follow-log.ts';
import type { GpuAssignment } from './gpu-assignment.ts';
import type { Images } from './images.ts';
import { containerName, LABEL, labelFilter, type Ownership } from './labels.ts';
import type { MemoryWatch } from './memory-watch.ts';
import { isShellComplaint, programPlatform } from './program-format.ts';
import { putSecretFiles } from './secret-files.ts';
import { freeDisk } from './see-machine.ts';
import type { Signals } from './signals.ts';
import { failureOf } from './start-failure.ts';

export type FlowWorld = {
  readonly client: DockerClient;
  readonly contact: EngineContact;
  readonly images: Images;
  readonly gpus: GpuAssignment;
  readonly memory: MemoryWatch;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly objects: Objects;
  readonly ownership: Ownership;
  readonly stateDirectory: string;
  readonly logLimitBytes: number | undefined;
  readonly path: string | undefined;
  /** Known once there was contact. */
  readonly engine: () => EngineFacts;
  readonly emit: (observation: RuntimeObservation) => void;
};

export type StopRequest = {
  readonly gracePeriodMs: number;
  readonly end: Pick<AttemptEnd, 'state' | 'cause' | 'reason'>;
};

type Container = { readonly id: string; readonly isFresh: boolean };
type Ended = { readonly end: ContainerEnd; readonly endedAtMs: number };

/** Of no-op containers the log is read once, at their end: that is all a bare client does. */
const FOLLOW_AFTER_MS = 300;
/** After the end of a container its log may be silent this long and is then taken as ended: some engines forget to close it. */
const LOG_SILENCE_MS = 10_000;
const REASON_LENGTH_MAX = 1_000;
const FULL_DISK_BYTES = 64 * 1024 * 1024;

export class AttemptFlow {
  readonly order: AttemptOrder;
  readonly done: Promise<void>;
  readonly containers: string[] = [];
  readonly #world: FlowWorld;
  readonly #log: AttemptLog;
  /** Ends what is done before and after the containers run. */
  readonly #giveUp = new AbortController();
  #isAdopted: boolean;
  #hasLog: boolean;
  #stop: StopRequest | undefined;
  #runningId: string | undefined;
  #startedAtMs: number | null = null;
  #peakMemoryMib: number | null = null;
  #cancelTimeout: () => void = () => {};
  #hasInit = true;
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
    this.done = this.#run();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get hasVolume(): boolean {
    return hasWorkspace(this.order);
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
        if (error instanceof FoundFurther) return this.#carryOut();
        throw error;
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
    const found = this.#isAdopted ? await this.#findContainers() : [];
    if (this.#isAdopted && found.length === 0 && this.#hasLog) return this.#goneEnd();
    let ended: Ended | undefined;
    for (let index = Math.max(found.length - 1, 0); index < order.executors.length; index += 1) {
      const container = found[index] ?? (await this.#create(index));
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
    const { end, endedAtMs } = ended as Ended;
    return await this.#publish(end, endedAtMs);
  }

  // ── containers ──

  /** Of an earlier controller, by executor; the last may not have been started. */
  async #findContainers(): Promise<Container[]> {
    const filters = labelFilter({
      [LABEL.owner]: this.#world.ownership.ownerId,
      [LABEL.attempt]: this.order.attemptId,
    });
    const found = await this.#ask((client, signal) =>
      client.json<ContainerSummary[]>('GET', '/containers/json', { query: { all: true, filters }, signal }),
    );
    const containers: Container[] = [];
    for (const { Id, Labels } of found) {
      const index = Number(Labels?.[LABEL.executor] ?? 0);
      containers[index] = { id: Id, isFresh: false };
      this.containers[index] = Id;
      const gpus = Labels?.[LABEL.gpus];
      if (gpus) this.#world.gpus.learn(this.order.attemptId, gpus.split(','));
    }
    return containers;
  }

  async #create(index: number): Promise<Container> {
    for (let isSecondTry = false; ; isSecondTry = true) {
      const image = await this.#ensureImage(index);
      const gpuIds =
        this.order.resources.gpus > 0 ? this.#world.gpus.take(this.order.attemptId, this.order.resources.gpus) : [];
      const engine = this.#world.engine();
      const spec = containerSpec(this.order, index, {
        ownership: this.#world.ownership,
        engine,
        image,
        gpuIds,
        hasInit: this.#hasInit,
      });
      const query = {
        name: containerName(this.order.attemptId, index),
        platform: this.order.container.platform ?? undefined,
      };
      try {
        // Not given up in its midst: a container that nobody knows of would be left.
        const { Id } = await this.#world.contact.call((signal) =>
          this.#world.client.json<{ Id: string }>('POST', '/containers/create', { query, json: spec, signal }),
        );
        this.containers[index] = Id;
        this.#giveUp.signal.throwIfAborted();
        return { id: Id, isFresh: true };
      } catch (error) {
        if (refusedWith(error) === 409) return await this.#takeExisting(index, error);
        const isImageGone = refusedWith(error) === 404 && /no such image/i.test((error as Error).message);
        if (!isImageGone || isSecondTry) throw error;
        this.#world.images.forget(this.#executor(index).image);
      }
    }
  }

  /** The name is taken: by this very attempt where an answer was lost or it was started before, else by a stranger. */
  async #takeExisting(index: number, refusal: unknown): Promise<Container> {
    const name = containerName(this.order.attemptId, index);
    const details = await this.#inspect(name);
    const labels = details?.Config.Labels ?? {};
    const isOurs =
      labels[LABEL.owner] === this.#world.ownership.ownerId && labels[LABEL.attempt] === this.order.attemptId;
    if (!details || !isOurs) {
      throw new DistributoError('START_FAILED', `a container named ${name} is there that is not ours`, {
        hint: `remove or rename it: docker rename ${name} other`,
        cause: refusal,
      });
    }
    this.#isAdopted = true;
    const later = await this.#findContainers();
    if (later.length - 1 > index) throw new FoundFurther();
    return { id: details.Id, isFresh: false };
  }

  #ensureImage(index: number): Promise<ImageDetails> {
    const { container, target } = this.order;
    const wish = {
      image: this.#executor(index).image,
      pull: container.pull,
      platform: container.platform,
      dockerConfigDirectory: target.dockerConfigDirectory,
      path: target.path ?? this.#world.path,
    };
    return this.#untilReady().then(() =>
      this.#world.images.ensure(
        wish,
        this.#world.engine().platform,
        (activity) => this.#progress(activity),
        this.#giveUp.signal,
      ),
    );
  }

  /** Facts of the engine are known from the first contact on. */
  #untilReady(): Promise<void> {
    return this.#world.contact.call(async () => {}, this.#giveUp.signal);
  }

  // ── one executor ──

  async #runExecutor(index: number, container: Container): Promise<Ended> {
    const details = container.isFresh ? undefined : await this.#inspect(container.id);
    if (!container.isFresh && !details) return this.#goneContainer();
    const hasRun = details !== undefined && details.State.Status !== 'created';
    if (this.#isAdopted) await this.#learnStart(index, details);
    if (!hasRun) {
      await this.#prepare(index, container.id);
      this.#giveUp.signal.throwIfAborted();
      await this.#start(index, container.id);
    }
    this.#runningId = this.containers[index];
    this.#phase = 'run';
    this.#sayRunning();
    if (this.#stop) void this.#stopContainer(this.#runningId as string, this.#stop.gracePeriodMs);
    return await this.#follow(index, this.#runningId as string, hasRun);
  }

  async #prepare(index: number, id: string): Promise<void> {
    const { order } = this;
    const { client, objects } = this.#world;
    const executor = this.#executor(index);
    const inputs = index === 0 ? order.inputs : order.inputs.filter((input) => input.path.startsWith('/'));
    const folders = [executor.stdout, executor.stderr].flatMap((path) =>
      path === null ? [] : foldersTo(inWorkspace(path)),
    );
    if (hasWorkspace(order) && (index === 0 || folders.length > 0)) {
      await this.#ask((_, signal) => openFolders(client, id, folders, signal));
    }
    if (inputs.length > 0) {
      this.#progress('bringing inputs');
      await this.#ask((_, signal) => stageIn(inputs, createContainerFiles(client, [id], signal), objects, signal));
    }
    if (Object.keys(order.secrets).length > 0) {
      const user = userOf(order, this.#world.engine().isRootless) ?? (await this.#imageUser(index));
      await this.#ask((_, signal) => putSecretFiles(client, id, order, user, signal));
    }
  }

  async #imageUser(index: number): Promise<string> {
    return (await this.#ensureImage(index)).Config?.User ?? '';
  }

  /** Starting one that is started is no fault, so a lost answer is no trouble. */
  async #start(index: number, id: string): Promise<void> {
    // The mark that it may have run: without it, an attempt whose container is gone would be started again.
    mkdirSync(this.#log.directory, { recursive: true, mode: 0o700 });
    try {
      await this.#world.contact.call((signal) =>
        this.#world.client.plain('POST', `/containers/${id}/start`, { signal }),
      );
    } catch (error) {
      const isInitMissing =
        this.#hasInit && /docker-init|catatonit|init binary/i.test(String(error)) && refusedWith(error) !== undefined;
      if (!isInitMissing) throw error;
      // The engine has no init program: the container is made again without one.
      this.#hasInit = false;
      await this.#world.contact.call((signal) => this.#remove(id, signal));
      const again = await this.#create(index);
      await this.#prepare(index, again.id);
      await this.#start(index, again.id);
    }
  }

  #remove(id: string, signal: AbortSignal): Promise<void> {
    return this.#world.client
      .plain('DELETE', `/containers/${id}`, { query: { force: true }, signal })
      .catch((error: unknown) => {
        if (refusedWith(error) !== 404) throw error;
      });
  }

  async #follow(index: number, id: string, isFoundStarted: boolean): Promise<Ended> {
    const { contact, memory, engine } = this.#world;
    const lossesBefore = contact.losses;
    const { appended } = this.#log.log;
    const before = !isFoundStarted ? appended : index === 0 ? { stdout: 0, stderr: 0 } : null;
    const logged = { id, mendsLineEnds: engine().logDriver === 'local', before };
    this.#log.forgetWords();
    memory.begin(id);
    await this.#logUntilEnd(logged);
    const peak = memory.end(id);
    if (peak !== null) this.#peakMemoryMib = Math.max(this.#peakMemoryMib ?? 0, peak);
    const details = await this.#inspect(id);
    if (!details) return this.#goneContainer();
    const startedAtMs = instantOf(details.State.StartedAt);
    if (index === 0 && startedAtMs !== null) this.#startedAtMs = startedAtMs;
    const end = await this.#judge(index, id, details.State, isFoundStarted, contact.losses !== lossesBefore);
    return { end, endedAtMs: instantOf(details.State.FinishedAt) ?? this.#world.clock.nowMs() };
  }

  /** Waits for the container's end with its output in the log. One that ends soon is not followed, only read. */
  async #logUntilEnd(logged: LoggedContainer): Promise<void> {
    const { client, contact, clock } = this.#world;
    const logEnd = new AbortController();
    let following: Promise<void> | undefined;
    const cancelFollow = clock.wakeAfter(FOLLOW_AFTER_MS, () => {
      following = copyLog(client, contact, logged, this.#log, true, logEnd.signal).catch((error: unknown) => {
        if (!logEnd.signal.aborted && !this.#isClosed)
          this.#log.log.note(clock.nowMs(), `log cut off: ${wordsOf(error)}`);
      });
    });
    try {
      await this.#untilEnd(logged.id);
    } catch (error) {
      logEnd.abort();
      await following;
      throw error;
    } finally {
      cancelFollow();
    }
    if (following) await this.#untilLogEnd(following, logEnd);
    await copyLog(client, contact, logged, this.#log, false);
  }

  /** Much output may be on its way still. */
  async #untilLogEnd(following: Promise<void>, logEnd: AbortController): Promise<void> {
    let cancel = () => {};
    let seen = -1;
    const look = () => {
      if (seen === this.#log.messages) return logEnd.abort();
      seen = this.#log.messages;
      cancel = this.#world.clock.wakeAfter(LOG_SILENCE_MS, look);
    };
    look();
    await following;
    cancel();
  }

  /** Waits for the container's end, however long the engine is away meanwhile. Nothing but our own closing ends it sooner. */
  async #untilEnd(id: string): Promise<void> {
    for (let pauseMs = 500; ; pauseMs = Math.min(pauseMs * 2, 30_000)) {
      try {
        await this.#world.contact.call((signal) =>
          this.#world.client.json('POST', `/containers/${id}/wait`, {
            query: { condition: 'not-running' },
            signal,
            timeoutMs: 0,
          }),
        );
        return;
      } catch (error) {
        if (refusedWith(error) === 404) return;
        // An attempt is not called ended while its container may run.
        if (refusedWith(error) === undefined) throw error;
        await this.#world.contact.pause(pauseMs);
      }
    }
  }

  async #judge(
    index: number,
    id: string,
    state: ContainerState,
    isFoundStarted: boolean,
    hadLoss: boolean,
  ): Promise<ContainerEnd> {
    const { signals, contact } = this.#world;
    const isDoubtful = !state.OOMKilled && [137, 143, 255].includes(state.ExitCode) && !this.#stop;
    const history = isDoubtful ? await signals.lookBack(id, contact) : undefined;
    const lastWords =
      this.#log.lastWords() ?? (isFoundStarted && state.ExitCode !== 0 ? await this.#keptWords(state) : null);
    return judgeEnd(this.order, {
      state,
      image: this.#executor(index).image,
      lastWords,
      peakMemoryMib: this.#peakMemoryMib,
      wasSignalled: !this.#stop && (signals.wasSignalled(id) || history?.wasSignalled === true),
      engineWasGone: hadLoss || (isFoundStarted && history?.sawEnd === false),
      isWrongFormat: await this.#isWrongFormat(index, id, state.ExitCode, lastWords),
      isDockerDiskFull: await this.#isDiskFull(lastWords),
    });
  }

  /** The last line on stderr that an earlier controller kept. */
  async #keptWords(state: ContainerState): Promise<string | null> {
    this.#log.log.flush();
    const sinceMs = instantOf(state.StartedAt) ?? 0;
    let words: string | null = null;
    for await (const line of readCappedLog(this.#log.directory, { follow: false, tail: 1_000 }, () => true)) {
      if (line.stream === 'stderr' && line.atMs >= sinceMs && line.text.trim() !== '') words = line.text.trim();
    }
    return words;
  }

  async #isWrongFormat(index: number, id: string, exitCode: number, lastWords: string | null): Promise<boolean> {
    const { entrypoint, command } = this.#executor(index);
    const program = (entrypoint ?? [])[0] ?? command?.[0];
    if (program === undefined || !isShellComplaint(exitCode, lastWords, program)) return false;
    try {
      const { client, contact, engine } = this.#world;
      const platform = await contact.call((signal) => programPlatform(client, id, program, signal));
      return platform !== undefined && platform !== engine().platform;
    } catch {
      // What the program said stays the reason.
      return false;
    }
  }

  async #isDiskFull(lastWords: string | null): Promise<boolean> {
    const { isLocal, rootDirectory } = this.#world.engine();
    if (!isLocal || rootDirectory === null || !/no space left on device/i.test(lastWords ?? '')) return false;
    const disk = await freeDisk(rootDirectory);
    return disk !== null && disk.freeBytes < FULL_DISK_BYTES;
  }

  // ── time and stopping ──

  /** Of an adopted attempt: when its first executor began, from the container of that executor. */
  async #learnStart(index: number, details: ContainerDetails | undefined): Promise<void> {
    const first =
      index === 0 ? details : this.containers[0] === undefined ? undefined : await this.#inspect(this.containers[0]);
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
  #hasSaidRunning = false;

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
    this.#progress('taking outputs out');
    const containers = this.containers.filter(Boolean).reverse();
    try {
      await this.#ask((client, signal) =>
        stageOut(outputs, createContainerFiles(client, containers, signal), this.#world.objects, owner, signal, {
          skipMissing: isFailedProgram,
        }),
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

  #goneEnd(): AttemptEnd {
    const { end, endedAtMs } = this.#goneContainer();
    return this.#endAs(end, endedAtMs);
  }

  #goneContainer(): Ended {
    const reason = 'its container is gone: it was removed from outside, as by docker rm or docker system prune';
    return { end: { state: 'lost', cause: 'lost', exitCode: null, reason }, endedAtMs: this.#world.clock.nowMs() };
  }

  // ── small things ──

  #executor(index: number): Executor {
    return this.order.executors[index] as Executor;
  }

  /** Work at the engine that may be given up by a stop before the start. */
  #ask<T>(work: (client: DockerClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#world.contact.call((signal) => work(this.#world.client, signal), this.#giveUp.signal);
  }

  async #inspect(nameOrId: string): Promise<ContainerDetails | undefined> {
    try {
      return await this.#world.contact.call((signal) =>
        this.#world.client.json<ContainerDetails>('GET', `/containers/${nameOrId}/json`, { signal }),
      );
    } catch (error) {
      if (refusedWith(error) === 404) return undefined;
      throw error;
    }
  }

  #progress(activity: string): void {
    this.#world.emit({ kind: 'progress', attemptId: this.order.attemptId, activity });
  }
}

/** An attempt that was to be started is there already, and further than its first container. */
class FoundFurther extends Error {}

/** Folders between the workspace and a file in it, outermost first. */
function foldersTo(path: string): string[] {
  const folders: string[] = [];
  for (let at = posix.dirname(path); at.startsWith('/workspace/'); at = posix.dirname(at)) folders.unshift(at);
  return folders;
}

function sayDuration(ms: number): string {
  const seconds = Math.round(ms / 100) / 10;
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof DistributoError && error.hint !== undefined
    ? `${error.message}; ${error.hint}`
    : error.message;
}

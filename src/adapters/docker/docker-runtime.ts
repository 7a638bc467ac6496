// Runs attempts as containers of one Docker engine. Holds which attempts are under way here; how one goes is in
// attempt-flow.ts, whether the engine is there in engine-contact.ts.

import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';
import { runtimeKeyOf, type Target } from '../../domain/job.ts';
import type { AttemptOrder, AttemptRuntime, AttemptSighting, RuntimeObservation } from '../../ports/attempt-runtime.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Objects } from '../../ports/objects.ts';
import { keptVolumeMark, logDirectory } from '../../workspace/attempt-directory.ts';
import { readCappedLog } from '../../workspace/capped-log.ts';
import { AttemptFlow, type StopRequest } from './attempt-flow.ts';
import { describeEngine, type EngineFacts } from './describe-engine.ts';
import { DockerClient, refusedWith } from './docker-client.ts';
import { EngineContact } from './engine-contact.ts';
import type { ContainerSummary, EngineInfo, VolumeSummary } from './engine-types.ts';
import type { FlowWorld } from './flow-world.ts';
import { GpuAssignment } from './gpu-assignment.ts';
import { Images } from './images.ts';
import { LABEL, labelFilter, volumeName } from './labels.ts';
import { MemoryWatch } from './memory-watch.ts';
import { findGpus, seeMachine } from './see-machine.ts';
import { Signals } from './signals.ts';

export type DockerRuntimeOptions = {
  readonly target: Target;
  readonly stateDirectory: string;
  /** Only what carries it is adopted, listed or removed. */
  readonly ownerId: string;
  readonly clusterName: string;
  /** Files as the client of a run reaches them: clients that share an engine may have different AWS profiles. */
  readonly objectsOf: (client: Pick<AttemptOrder, 'target' | 'awsCredentials'>) => Objects;
  readonly clock: Clock;
  /** How the endpoint was chosen, for messages: `DOCKER_HOST`. */
  readonly chosenBy?: string | undefined;
  /** Of the log of one attempt; 64 MiB where it is not given. */
  readonly logLimitBytes?: number | undefined;
  /** Where ssh and credential helpers find what they need. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
};

const SWEEP_EVERY_MS = 3_600_000;

export async function createDockerRuntime(options: DockerRuntimeOptions): Promise<AttemptRuntime> {
  const env = options.env ?? process.env;
  const { endpoint, tlsDirectory } = options.target;
  const client = await DockerClient.create({ endpoint, tlsDirectory, chosenBy: options.chosenBy, env });
  return new DockerRuntime(client, { ...options, env });
}

class DockerRuntime implements AttemptRuntime {
  readonly runtimeKey: string;
  readonly #options: DockerRuntimeOptions;
  readonly #client: DockerClient;
  readonly #contact: EngineContact;
  readonly #flows = new Map<string, AttemptFlow>();
  readonly #gpus = new GpuAssignment();
  readonly #memory: MemoryWatch;
  readonly #signals: Signals;
  readonly #images: Images;
  #listener: ((observation: RuntimeObservation) => void) | undefined;
  #engine: EngineFacts | undefined;
  #cancelSweep: () => void = () => undefined;

  constructor(client: DockerClient, options: DockerRuntimeOptions) {
    const { clock, ownerId } = options;
    this.#options = options;
    this.#client = client;
    this.runtimeKey = runtimeKeyOf(options.target);
    this.#signals = new Signals(client);
    this.#memory = new MemoryWatch(client, clock);
    this.#contact = new EngineContact(client, clock, ownerId, {
      ready: (info) => this.#begin(info),
      lost: (reason) => this.#emit({ kind: 'unreachable', runtimeKey: this.runtimeKey, reason }),
      signalled: (containerId, signal) => this.#signals.note(containerId, signal),
    });
    this.#images = new Images(client, this.#contact, clock);
  }

  open(listener: (observation: RuntimeObservation) => void): void {
    this.#listener = listener;
    this.#contact.open();
  }

  start(order: AttemptOrder): void {
    this.#take(order, false);
  }

  adopt(order: AttemptOrder): void {
    this.#take(order, true);
  }

  stop(attemptId: string, stop: StopRequest): void {
    const flow = this.#flows.get(attemptId);
    if (flow) flow.stop(stop);
    else void this.#stopUnknown(attemptId, stop);
  }

  async list(): Promise<readonly AttemptSighting[]> {
    const containers = await this.#contact.once((signal) => this.#listContainers({}, signal));
    const running = new Map<string, boolean>();
    for (const { Labels, State } of containers) {
      const attemptId = Labels?.[LABEL.attempt];
      if (attemptId === undefined) continue;
      const isRunning = State === 'running' || State === 'paused' || State === 'restarting';
      running.set(attemptId, isRunning || running.get(attemptId) === true);
    }
    return [...running].map(([attemptId, isRunning]) => ({ attemptId, isRunning }));
  }

  async forget(attemptId: string, keepWorkspace: boolean): Promise<void> {
    const flow = this.#flows.get(attemptId);
    if (flow && !flow.isEnded) {
      throw new DistributoError('CONFLICT', `attempt ${attemptId} has not ended`, { hint: 'stop it first' });
    }
    if (keepWorkspace) await this.#markKept(attemptId);
    await this.#contact.call(async (signal) => {
      const known = flow?.containers;
      const ids = known?.length
        ? known
        : (await this.#listContainers({ [LABEL.attempt]: attemptId }, signal)).map(({ Id }) => Id);
      for (const id of ids) await this.#removeContainer(id, signal);
      if (!keepWorkspace && (flow === undefined || flow.hasVolume)) await this.#removeVolumes(attemptId, signal);
    });
    this.#flows.delete(attemptId);
    if (!keepWorkspace && (flow === undefined || flow.hasVolume)) {
      await rm(keptVolumeMark(this.#options.stateDirectory, attemptId), { force: true });
    }
  }

  readLogs(
    attemptId: string,
    query: Parameters<AttemptRuntime['readLogs']>[1],
  ): ReturnType<AttemptRuntime['readLogs']> {
    const isEnded = () => this.#flows.get(attemptId)?.isEnded ?? true;
    return readCappedLog(logDirectory(this.#options.stateDirectory, attemptId), query, isEnded);
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    this.#contact.close();
    this.#memory.close();
    this.#cancelSweep();
    await Promise.all([...this.#flows.values()].map((flow) => flow.close()));
    await this.#client.close();
  }

  #take(order: AttemptOrder, isAdopted: boolean): void {
    if (this.#flows.has(order.attemptId) || this.#contact.isClosed) return;
    this.#flows.set(order.attemptId, new AttemptFlow(order, this.#flowWorld(order), isAdopted));
  }

  #flowWorld(order: AttemptOrder): FlowWorld {
    const { stateDirectory, clusterName, ownerId, objectsOf, clock, env } = this.#options;
    return {
      client: this.#client,
      contact: this.#contact,
      images: this.#images,
      gpus: this.#gpus,
      memory: this.#memory,
      signals: this.#signals,
      clock,
      objects: objectsOf(order),
      ownership: { ownerId, clusterName },
      stateDirectory,
      logLimitBytes: this.#options.logLimitBytes,
      path: env?.PATH,
      engine: () => this.#engine as EngineFacts,
      emit: (observation) => this.#emit(observation),
    };
  }

  #emit(observation: RuntimeObservation): void {
    this.#listener?.(observation);
  }

  /** At each contact: what the engine is, who has its GPUs, and away with volumes that a crash left. */
  async #begin(info: EngineInfo): Promise<void> {
    const { target } = this.#options;
    const local = await seeMachine(info, target.endpoint);
    const gpuIds = await findGpus(info, local !== null);
    const engine = describeEngine(info, { endpoint: target.endpoint, runtimeKey: this.runtimeKey }, local, gpuIds);
    this.#memory.setLocal(engine.isLocal);
    if (gpuIds.length > 0) await this.#learnGpus(gpuIds);
    await this.#sweepVolumes();
    this.#engine = engine;
    this.#emit({ kind: 'ready', description: engine.description });
    this.#sweepAgain();
  }

  /** Those of other owners count as well: a device is there once. */
  async #learnGpus(gpuIds: readonly string[]): Promise<void> {
    this.#gpus.setIds(gpuIds);
    const query = { filters: JSON.stringify({ label: [LABEL.gpus] }) };
    for (const { Labels } of await this.#client.json<ContainerSummary[]>('GET', '/containers/json', { query })) {
      this.#gpus.learn(Labels?.[LABEL.attempt] ?? '', (Labels?.[LABEL.gpus] ?? '').split(','));
    }
  }

  /** The mark of a kept volume goes when its time is over; the volume follows within the hour. */
  #sweepAgain(): void {
    this.#cancelSweep();
    this.#cancelSweep = this.#options.clock.wakeAfter(SWEEP_EVERY_MS, () => {
      this.#contact
        .call(() => this.#sweepVolumes())
        .then(
          () => this.#sweepAgain(),
          // Closed, or refused by the engine: the next contact sweeps.
          () => undefined,
        );
    });
  }

  /** Volumes of ours whose containers are gone, and which nobody wanted kept. Nothing is started before this is done. */
  async #sweepVolumes(): Promise<void> {
    const query = { filters: labelFilter({ [LABEL.owner]: this.#options.ownerId }) };
    const { Volumes } = await this.#client.json<{ Volumes: VolumeSummary[] | null }>('GET', '/volumes', { query });
    if (!Volumes || Volumes.length === 0) return;
    const containers = await this.#listContainers({}, undefined);
    const inUse = new Set(containers.map(({ Labels }) => Labels?.[LABEL.attempt]));
    for (const { Name, Labels } of Volumes) {
      const attemptId = Labels?.[LABEL.attempt];
      if (attemptId === undefined || inUse.has(attemptId) || this.#flows.has(attemptId)) continue;
      if (!existsSync(keptVolumeMark(this.#options.stateDirectory, attemptId)))
        await this.#removeVolume(Name, undefined);
    }
  }

  async #markKept(attemptId: string): Promise<void> {
    const mark = keptVolumeMark(this.#options.stateDirectory, attemptId);
    await mkdir(dirname(mark), { recursive: true, mode: 0o700 });
    await writeFile(mark, '');
  }

  /** An attempt that was neither started nor adopted here. */
  async #stopUnknown(attemptId: string, stop: StopRequest): Promise<void> {
    const query = { t: Math.ceil(stop.gracePeriodMs / 1000) };
    try {
      await this.#contact.call(async (signal) => {
        for (const { Id } of await this.#listContainers({ [LABEL.attempt]: attemptId }, signal)) {
          await this.#client.plain('POST', `/containers/${Id}/stop`, { query, signal, timeoutMs: 0 }).catch(unlessGone);
        }
      });
    } catch (error) {
      if (this.#contact.isClosed) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#emit({ kind: 'progress', attemptId, activity: `could not be stopped: ${reason}` });
      return;
    }
    const endedAtMs = this.#options.clock.nowMs();
    const end = { ...stop.end, exitCode: null, startedAtMs: null, endedAtMs, peakMemoryMib: null };
    this.#emit({ kind: 'ended', attemptId, end });
  }

  #listContainers(labels: Record<string, string>, signal: AbortSignal | undefined): Promise<ContainerSummary[]> {
    const filters = labelFilter({ ...labels, [LABEL.owner]: this.#options.ownerId });
    const query = { all: true, filters };
    return this.#client.json('GET', '/containers/json', signal ? { query, signal } : { query });
  }

  async #removeContainer(id: string, signal: AbortSignal): Promise<void> {
    await this.#client
      .plain('DELETE', `/containers/${id}`, { query: { v: true, force: true }, signal })
      .catch(unlessGone);
  }

  async #removeVolumes(attemptId: string, signal: AbortSignal): Promise<void> {
    const filters = labelFilter({ [LABEL.owner]: this.#options.ownerId, [LABEL.attempt]: attemptId });
    type Volumes = { Volumes: VolumeSummary[] | null };
    const { Volumes } = await this.#client.json<Volumes>('GET', '/volumes', { query: { filters }, signal });
    for (const { Name } of Volumes ?? []) if (Name === volumeName(attemptId)) await this.#removeVolume(Name, signal);
  }

  async #removeVolume(name: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#client.plain('DELETE', `/volumes/${name}`, signal ? { signal } : {}).catch(unlessGone);
  }
}

/** 404: it is gone. 409: it is being removed already, or in use by what we do not own. */
function unlessGone(error: unknown): void {
  const status = refusedWith(error);
  if (status !== 404 && status !== 409 && status !== 304) throw error;
}

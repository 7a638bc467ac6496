// Runs attempts as plain processes of this machine: for machines without a container engine. Holds which attempts are under
// way here and looks at them once a second; how one goes is in process-flow.ts.

import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import type { AttemptEnd } from '../../domain/attempt.ts';
import { DistributoError } from '../../domain/errors.ts';
import { runtimeKeyOf, type Target } from '../../domain/job.ts';
import type {
  AttemptOrder,
  AttemptRuntime,
  AttemptSighting,
  LogLine,
  LogQuery,
  RuntimeObservation,
} from '../../ports/attempt-runtime.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Objects } from '../../ports/objects.ts';
import { attemptDirectory, logDirectory, workspaceDirectory } from '../../workspace/attempt-directory.ts';
import { readCappedLog } from '../../workspace/capped-log.ts';
import { describeMachine, findGpus } from './describe-machine.ts';
import { takeGpus } from './gpus.ts';
import { ProcessFlow, type ProcessWorld, runDirectoryOf, runsRoot, type StopRequest } from './process-flow.ts';
import { type ProcessEntry, ProcessTable } from './process-table.ts';

export type ProcessRuntimeOptions = {
  readonly target: Target;
  readonly stateDirectory: string;
  readonly ownerId: string;
  /** Files as the client of a run reaches them. */
  readonly objectsOf: (client: Pick<AttemptOrder, 'target' | 'awsCredentials'>) => Objects;
  readonly clock: Clock;
  /** Of the log of one attempt; 64 MiB where it is not given. */
  readonly logLimitBytes?: number | undefined;
};

const WATCH_MS = 1000;
const DRAIN_MS = 250;
/** Where one drain was not enough. */
const DRAIN_ON_MS = 1;

export async function createProcessRuntime(options: ProcessRuntimeOptions): Promise<AttemptRuntime> {
  await mkdir(runsRoot(options.stateDirectory), { recursive: true, mode: 0o700 });
  return new ProcessRuntime(options);
}

class ProcessRuntime implements AttemptRuntime {
  readonly runtimeKey: string;
  readonly #options: ProcessRuntimeOptions;
  readonly #table: ProcessTable;
  readonly #flows = new Map<string, ProcessFlow>();
  readonly #allGpus = findGpus();
  #listener: ((observation: RuntimeObservation) => void) | undefined;
  #cancelWatch: (() => void) | null = null;
  #cancelDrain: (() => void) | null = null;
  #isClosed = false;

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    this.#table = new ProcessTable(options.ownerId);
    this.runtimeKey = runtimeKeyOf(options.target);
  }

  open(listener: (observation: RuntimeObservation) => void): void {
    this.#listener = listener;
    void this.#describe();
  }

  async #describe(): Promise<void> {
    try {
      const description = await describeMachine(this.runtimeKey, this.#options.stateDirectory);
      this.#endStrays(this.#table.scan(new Map(), this.#options.clock.nowMs()));
      this.#emit({ kind: 'ready', description });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#emit({
        kind: 'unreachable',
        runtimeKey: this.runtimeKey,
        reason: `this machine could not be looked at: ${reason}`,
      });
      this.#options.clock.wakeAfter(WATCH_MS, () => void this.#describe());
    }
  }

  start(order: AttemptOrder): void {
    this.#take(order);
  }

  adopt(order: AttemptOrder): void {
    const { attemptId } = order;
    if (this.#isClosed || this.#flows.has(attemptId)) return;
    if (existsSync(runDirectoryOf(this.#options.stateDirectory, attemptId))) this.#take(order);
    // It ran once: with nothing left of it here it must not run again.
    else
      this.#endUnstarted(attemptId, { state: 'lost', cause: 'lost', reason: 'nothing of it is left on this machine' });
  }

  #take(order: AttemptOrder): void {
    const { attemptId } = order;
    if (this.#isClosed || this.#flows.has(attemptId)) return;
    try {
      this.#flows.set(attemptId, new ProcessFlow(order, this.#worldOf(order)));
    } catch (error) {
      const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
      const reason = isFull
        ? 'the disk of the state directory is full'
        : `start failed: ${error instanceof Error ? error.message : String(error)}`;
      this.#endUnstarted(attemptId, { state: 'failed', cause: isFull ? 'disk-full' : 'start', reason });
      return;
    }
    this.#schedule();
  }

  #endUnstarted(attemptId: string, why: Pick<AttemptEnd, 'state' | 'cause' | 'reason'>): void {
    const endedAtMs = this.#options.clock.nowMs();
    const end = { ...why, exitCode: null, startedAtMs: null, endedAtMs, peakMemoryMib: null };
    this.#emit({ kind: 'ended', attemptId, end });
  }

  #worldOf(order: AttemptOrder): ProcessWorld {
    const { stateDirectory, ownerId, clock, objectsOf, logLimitBytes } = this.#options;
    return {
      stateDirectory,
      ownerId,
      clock,
      table: this.#table,
      objects: objectsOf(order),
      logLimitBytes,
      takeGpus: () =>
        takeGpus(runsRoot(stateDirectory), order, this.#allGpus, (id) => this.#flows.get(id)?.isEnded === true),
      emit: (observation) => this.#emit(observation),
    };
  }

  #emit(observation: RuntimeObservation): void {
    if (this.#isClosed) return;
    this.#listener?.(observation);
  }

  stop(attemptId: string, stop: StopRequest): void {
    this.#flows.get(attemptId)?.stop(stop);
  }

  async list(): Promise<readonly AttemptSighting[]> {
    const ids = await readdir(runsRoot(this.#options.stateDirectory));
    return ids.map((attemptId) => ({ attemptId, isRunning: this.#flows.get(attemptId)?.isEnded === false }));
  }

  async forget(attemptId: string, keepWorkspace: boolean): Promise<void> {
    const flow = this.#flows.get(attemptId);
    if (flow !== undefined && !flow.isEnded) {
      throw new DistributoError('CONFLICT', `attempt ${attemptId} has not ended`, { hint: 'stop it first' });
    }
    const { stateDirectory, clock } = this.#options;
    if (flow === undefined) {
      // Unknown to us and perhaps alive: nothing of it may be left running.
      for (const one of this.#table.scan(new Map(), clock.nowMs()).get(attemptId) ?? [])
        this.#table.signal(one, 'SIGKILL');
    }
    this.#flows.delete(attemptId);
    const remove = { recursive: true, force: true } as const;
    if (!keepWorkspace) await rm(workspaceDirectory(stateDirectory, attemptId), remove);
    await rm(runDirectoryOf(stateDirectory, attemptId), remove);
    // Gone where nothing is kept in it.
    await rmdir(attemptDirectory(stateDirectory, attemptId)).catch(() => undefined);
  }

  readLogs(attemptId: string, query: LogQuery): AsyncIterable<LogLine> {
    const isLive = (): boolean => this.#flows.get(attemptId)?.isEnded === false;
    if (isLive()) this.#flows.get(attemptId)?.drain();
    return readCappedLog(logDirectory(this.#options.stateDirectory, attemptId), query, () => !isLive());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelWatch?.();
    this.#cancelDrain?.();
    await Promise.all([...this.#flows.values()].map((flow) => flow.close()));
  }

  /** Looks only while something runs. */
  #schedule(drainMs = DRAIN_MS): void {
    const { clock } = this.#options;
    this.#cancelWatch ??= clock.wakeAfter(WATCH_MS, () => {
      this.#cancelWatch = null;
      this.#watch();
    });
    this.#cancelDrain ??= clock.wakeAfter(drainMs, () => {
      this.#cancelDrain = null;
      let hasMore = false;
      for (const flow of this.#live()) hasMore = flow.drain() || hasMore;
      if (this.#live().length > 0 && !this.#isClosed) this.#schedule(hasMore ? DRAIN_ON_MS : DRAIN_MS);
    });
  }

  #live(): ProcessFlow[] {
    return [...this.#flows.values()].filter((flow) => !flow.isEnded);
  }

  #watch(): void {
    const live = this.#live();
    if (this.#isClosed) return;
    const sessions = new Map<number, string>();
    for (const flow of live) if (flow.session !== undefined) sessions.set(flow.session, flow.order.attemptId);
    const processes = this.#table.scan(sessions, this.#options.clock.nowMs());
    for (const flow of live) flow.watch(processes.get(flow.order.attemptId) ?? []);
    this.#endStrays(processes);
    // The watch that finds nobody alive is the last, and has looked for what they left.
    if (live.length > 0) this.#schedule();
  }

  /** Processes with our mark whose attempt is over: sessions of their own kept them from its end. */
  #endStrays(found: ReadonlyMap<string, readonly ProcessEntry[]>): void {
    for (const [attemptId, processes] of found) {
      const flow = this.#flows.get(attemptId);
      const isOver = flow?.isEnded ?? !existsSync(runDirectoryOf(this.#options.stateDirectory, attemptId));
      if (isOver) for (const one of processes) this.#table.signal(one, 'SIGKILL');
    }
  }
}

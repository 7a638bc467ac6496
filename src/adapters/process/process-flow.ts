// One attempt as plain processes: inputs, executors in order, outputs, end. Every step looks at what an earlier controller
// left on disk and goes on from there, so the same code starts an attempt and takes one up. How an executor is started at
// most once stands in wrapper.ts; why we end one is on disk before the first signal (verdict.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AttemptEnd } from '../../domain/attempt.ts';
import { DistributoError } from '../../domain/errors.ts';
import type { Executor } from '../../domain/job.ts';
import type { AttemptOrder, RuntimeObservation } from '../../ports/attempt-runtime.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Objects } from '../../ports/objects.ts';
import { logDirectory, workspaceDirectory } from '../../workspace/attempt-directory.ts';
import { createDirectoryFiles } from '../../workspace/directory-files.ts';
import { exitReason, readLastLine, readLastWords } from '../../workspace/exit-reason.ts';
import { workspacePath } from '../../workspace/safe-path.ts';
import { stageIn, stageOut } from '../../workspace/staging.ts';
import { environmentOf, splitEnvironment } from './environment.ts';
import { commandOf } from './find-process-refusals.ts';
import { type ProcessEntry, type ProcessTable, readUptimeMs, TICK_MS } from './process-table.ts';
import { RawOutput } from './raw-output.ts';
import { blockExecutor, type ExecutorSight, lookAtExecutor } from './records.ts';
import { resolveCommand } from './resolve-command.ts';
import { interruptedStart, spawnTrouble, type Trouble, troubleOf, wordsOf } from './trouble.ts';
import { readVerdict, type Verdict, writeVerdict } from './verdict.ts';
import { claimPath, exitPath, startComplaint, WRAPPER, WRAPPER_NAME } from './wrapper.ts';

export type ProcessWorld = {
  readonly stateDirectory: string;
  readonly ownerId: string;
  readonly clock: Clock;
  readonly objects: Objects;
  readonly table: ProcessTable;
  readonly logLimitBytes: number | undefined;
  /** Numbers of the attempt's GPUs, the same at each call; null: this machine has none. Throws where too few are free. */
  readonly takeGpus: () => readonly number[] | null;
  readonly emit: (observation: RuntimeObservation) => void;
};

export type StopRequest = { readonly gracePeriodMs: number; readonly end: Verdict['end'] };

/** Where the records and raw output of live attempts lie: one folder each, removed when the attempt is forgotten. */
export const runsRoot = (stateDirectory: string): string => join(stateDirectory, 'processes');
export const runDirectoryOf = (stateDirectory: string, attemptId: string): string =>
  join(runsRoot(stateDirectory), attemptId);

type Ran = Extract<ExecutorSight, { kind: 'exited' | 'gone' }>;

/** How often records are looked at where no event tells of a change: an executor of an earlier controller. */
const LOOK_MS = 200;
/** A claim without words for so long belongs to a wrapper that died between opening and writing it. */
const CLAIMING_MS_MAX = 30_000;
/** What a shorter program left behind in sessions of its own is found by the runtime's next watch, not by a look of its own. */
const LEFTOVER_LOOK_MS = 1000;
/** So long after SIGKILL to all others the wrapper is spared, to write down the exit code. */
const WRAPPER_SPARED_MS = 3000;
const REASON_LENGTH_MAX = 1000;

export class ProcessFlow {
  readonly order: AttemptOrder;
  readonly done: Promise<void>;
  readonly #world: ProcessWorld;
  readonly #runDirectory: string;
  readonly #workspace: string;
  readonly #output: RawOutput;
  readonly #giveUp = new AbortController();
  #verdict: Verdict | undefined;
  /** By the monotonic clock: the wall clock may be set while a grace period runs. */
  #killAtMonotonicMs = Number.POSITIVE_INFINITY;
  #claimingSinceMs: number | undefined;
  #wake: () => void = () => undefined;
  #wrapper: ProcessEntry | undefined;
  /** A wrapper that we saw alive or spawned: its session was its own a moment ago. Of one found dead it may be anybody's by now. */
  #seenWrapperPid: number | undefined;
  #firstStartTicks: number | undefined;
  #startedAtMs: number | null = null;
  #peakMemoryMib: number | null = null;
  #isClosed = false;
  #isEnded = false;

  constructor(order: AttemptOrder, world: ProcessWorld) {
    this.order = order;
    this.#world = world;
    this.#runDirectory = runDirectoryOf(world.stateDirectory, order.attemptId);
    this.#workspace = workspaceDirectory(world.stateDirectory, order.attemptId);
    mkdirSync(join(this.#runDirectory, 'tmp'), { recursive: true, mode: 0o700 });
    this.#verdict = readVerdict(this.#runDirectory);
    this.#peakMemoryMib = this.#verdict?.peakMemoryMib ?? null;
    if (this.#verdict !== undefined) this.#killIn(this.#verdict.killAtMs - world.clock.nowMs());
    this.#output = new RawOutput(
      this.#runDirectory,
      logDirectory(world.stateDirectory, order.attemptId),
      world.logLimitBytes,
    );
    this.done = this.#run();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Session of the running wrapper; undefined while none runs. */
  get session(): number | undefined {
    return this.#wrapper?.pid;
  }

  stop({ gracePeriodMs, end }: StopRequest): void {
    if (this.#isEnded) return;
    if (this.#verdict === undefined) this.#judge(end, gracePeriodMs);
    else this.#hurry(gracePeriodMs);
  }

  /** Takes over what was printed. True: there is more. */
  drain(): boolean {
    const hasMore = this.#output.drain(this.#world.clock.nowMs());
    this.#output.flush();
    return hasMore;
  }

  /** Once a second: the attempt's processes, for its memory and for what is to be killed. */
  watch(processes: readonly ProcessEntry[]): void {
    this.#watchMemory(processes);
    const { timeoutMs, stopGracePeriodMs } = this.order;
    if (timeoutMs !== null && this.#wrapper !== undefined && this.#verdict === undefined && this.#ranMs() > timeoutMs) {
      const reason = `ran longer than its timeout of ${(timeoutMs / 1000).toLocaleString('en-US')} s`;
      this.#judge({ state: 'failed', cause: 'timeout', reason }, stopGracePeriodMs);
    }
    const lateMs = this.#world.clock.monotonicMs() - this.#killAtMonotonicMs;
    if (lateMs >= 0) this.#kill(processes);
    if (lateMs >= WRAPPER_SPARED_MS && this.#wrapper !== undefined) this.#world.table.signal(this.#wrapper, 'SIGKILL');
    this.#wake();
  }

  /** Lets go: processes go on, and are taken up by whoever comes next. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#giveUp.abort();
    this.#wake();
    await this.done;
  }

  async #run(): Promise<void> {
    let end: AttemptEnd | undefined;
    try {
      end = await this.#carryOut();
    } catch (error) {
      if (!this.#isClosed)
        end = this.#endAs(this.#verdict === undefined ? troubleOf(error) : { ...this.#verdict.end, exitCode: null });
    }
    this.#output.drainRest(this.#world.clock.nowMs());
    await this.#output.close();
    if (end === undefined || this.#isClosed) return;
    this.#isEnded = true;
    this.#world.emit({ kind: 'ended', attemptId: this.order.attemptId, end });
  }

  async #carryOut(): Promise<AttemptEnd | undefined> {
    await this.#bringInputs();
    const { executors } = this.order;
    let last: Trouble = { state: 'succeeded', cause: 'exit', exitCode: 0, reason: 'exit 0' };
    for (const [index, executor] of executors.entries()) {
      const ran = await this.#runExecutor(executor, index);
      if (ran === undefined) return undefined;
      this.#killLeftovers(ran);
      if (this.#verdict !== undefined)
        return this.#endAs(
          { ...this.#verdict.end, exitCode: ran.kind === 'exited' ? ran.exitCode : null },
          this.#endedAt(ran),
        );
      last = await this.#judgeExit(ran, executor);
      if (last.state === 'succeeded' || last.state !== 'failed' || !executor.ignoreError) {
        if (last.state === 'succeeded') continue;
        return this.#publish(last, this.#endedAt(ran));
      }
      last = { state: 'succeeded', cause: 'exit', exitCode: last.exitCode, reason: `${last.reason}, ignored` };
    }
    return this.#publish(last, this.#world.clock.nowMs());
  }

  // ── files ──

  async #bringInputs(): Promise<void> {
    const marker = join(this.#runDirectory, 'staged');
    if (existsSync(marker) || this.#look(0).kind !== 'unclaimed') return;
    mkdirSync(this.#workspace, { recursive: true, mode: 0o755 });
    if (this.order.inputs.length === 0) return;
    this.#progress('bringing inputs');
    await stageIn(this.order.inputs, createDirectoryFiles(this.#workspace), this.#world.objects, this.#giveUp.signal);
    writeFileSync(marker, '');
  }

  /** Outputs of a failed program are brought out too, as far as they are there. */
  async #publish(end: Trouble, endedAtMs: number): Promise<AttemptEnd> {
    const { outputs, owner } = this.order;
    if (outputs.length === 0) return this.#endAs(end, endedAtMs);
    const isFailed = end.state !== 'succeeded';
    this.#progress('publishing outputs');
    try {
      const files = createDirectoryFiles(this.#workspace);
      await stageOut(outputs, files, this.#world.objects, owner, this.#giveUp.signal, { skipMissing: isFailed });
      return this.#endAs(end, endedAtMs);
    } catch (error) {
      if (this.#isClosed) throw error;
      if (this.#verdict !== undefined) return this.#endAs({ ...this.#verdict.end, exitCode: end.exitCode });
      if (!isFailed) return this.#endAs({ ...troubleOf(error), cause: 'output', exitCode: end.exitCode });
      this.#output.note(this.#world.clock.nowMs(), `outputs of the failed attempt: ${wordsOf(error)}`);
      return this.#endAs(end, endedAtMs);
    }
  }

  // ── executors ──

  /** A disk that cannot be read now, or too many open files, says nothing of the executor: `unreadable`, look again. */
  #look(executor: number): ExecutorSight | { readonly kind: 'unreadable' } {
    try {
      return lookAtExecutor(this.#runDirectory, executor, this.#world.table);
    } catch {
      return { kind: 'unreadable' };
    }
  }

  /** Until it has ended; undefined where we let go of it. */
  async #runExecutor(executor: Executor, index: number): Promise<Ran | undefined> {
    let child: ChildProcess | undefined;
    for (;;) {
      if (this.#isClosed) return undefined;
      const sight = this.#look(index);
      const hasChildEnded = child !== undefined && (child.exitCode !== null || child.signalCode !== null);
      if (sight.kind === 'exited' || sight.kind === 'gone') {
        if (child?.pid === sight.wrapper.pid) this.#seenWrapperPid = child.pid;
        this.#tellRunning(sight);
        this.#wrapper = undefined;
        return sight;
      }
      if (sight.kind === 'blocked')
        throw new DistributoError('START_FAILED', this.#verdict?.end.reason ?? 'stopped before it began');
      if (sight.kind === 'running') {
        this.#seenWrapperPid = sight.wrapper.pid;
        this.#tellRunning(sight);
      }
      if (sight.kind === 'claiming') this.#waitForClaim(hasChildEnded);
      if (sight.kind === 'unclaimed') {
        if (this.#verdict !== undefined && blockExecutor(this.#runDirectory, index))
          throw new DistributoError('START_FAILED', this.#verdict.end.reason);
        if (child !== undefined && hasChildEnded) {
          // The claim is ours before we say so: a shell of an earlier controller may be about to take it.
          if (!blockExecutor(this.#runDirectory, index)) continue;
          const code = child.exitCode === null ? `by ${child.signalCode}` : `with code ${child.exitCode}`;
          throw new DistributoError('START_FAILED', `its shell ended at once ${code}`);
        }
        child ??= this.#spawn(executor, index);
      }
      await this.#nextChange();
    }
  }

  #spawn(executor: Executor, index: number): ChildProcess {
    const { order } = this;
    const workingDirectory = this.#inWorkspace(executor.workdir ?? '');
    const environment = environmentOf(order, executor, {
      ownerId: this.#world.ownerId,
      temporaryDirectory: join(this.#runDirectory, 'tmp'),
      gpus: this.#world.takeGpus(),
    });
    const [word = '', ...rest] = commandOf(executor);
    mkdirSync(workingDirectory, { recursive: true });
    const resolved = resolveCommand(word, environment.PATH ?? '', workingDirectory);
    if ('refusal' in resolved) throw new DistributoError('START_FAILED', resolved.refusal);
    const { shell, words } = splitEnvironment(environment);
    const stdio = this.#openStreams(executor);
    try {
      const emptied = [executor.stdout, executor.stderr].map((path) => (path === null ? '' : this.#inWorkspace(path)));
      const command = [...words, resolved.path, ...rest];
      const child = spawn(
        '/bin/sh',
        [
          '-c',
          WRAPPER,
          WRAPPER_NAME,
          claimPath(this.#runDirectory, index),
          exitPath(this.#runDirectory, index),
          ...emptied,
          ...command,
        ],
        {
          cwd: workingDirectory,
          env: shell,
          detached: true,
          stdio,
        },
      );
      child.on('error', (error) => {
        this.#spawnError = error;
        this.#wake();
      });
      child.on('exit', () => this.#wake());
      // The claim is written within milliseconds of the start.
      child.on('spawn', () => void this.#world.clock.wakeAfter(FIRST_LOOK_MS, () => this.#wake()));
      child.unref();
      return child;
    } finally {
      for (const file of stdio) closeSync(file);
    }
  }

  #spawnError: Error | undefined;

  #inWorkspace(path: string): string {
    try {
      return join(this.#workspace, workspacePath(path));
    } catch (error) {
      throw new DistributoError('START_FAILED', wordsOf(error), { cause: error });
    }
  }

  #openStreams(executor: Executor): [number, number, number] {
    const open = (path: string, flags: number): number => {
      const whole = this.#inWorkspace(path);
      mkdirSync(dirname(whole), { recursive: true });
      return openSync(whole, flags, 0o644);
    };
    const append = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
    return [
      executor.stdin === null ? openSync('/dev/null', 'r') : open(executor.stdin, constants.O_RDONLY),
      executor.stdout === null ? this.#output.openForProgram('stdout') : open(executor.stdout, append),
      executor.stderr === null ? this.#output.openForProgram('stderr') : open(executor.stderr, append),
    ];
  }

  #nextChange(): Promise<void> {
    if (this.#spawnError !== undefined) throw spawnTrouble(this.#spawnError);
    return new Promise((resolve) => {
      const cancel = this.#world.clock.wakeAfter(LOOK_MS, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #tellRunning({ wrapper, startedAtMs }: { readonly wrapper: ProcessEntry; readonly startedAtMs: number }): void {
    this.#wrapper = wrapper;
    this.#firstStartTicks ??= wrapper.startTicks;
    if (this.#startedAtMs !== null) return;
    this.#startedAtMs = startedAtMs;
    this.#world.emit({ kind: 'running', attemptId: this.order.attemptId, atMs: startedAtMs });
  }

  // ── watching and ending ──

  #watchMemory(processes: readonly ProcessEntry[]): void {
    const bytes = processes.reduce((sum, one) => sum + one.residentBytes, 0);
    const limitMib = this.order.resources.memoryMib;
    let mib = Math.ceil(bytes / 1_048_576);
    // Shared pages are counted once for each process above; only where that looks too much is it worth asking exactly.
    if (limitMib > 0 && mib > limitMib) {
      const exact = this.#world.table.proportionalBytes(processes);
      if (exact !== undefined) mib = Math.ceil(exact / 1_048_576);
    }
    this.#peakMemoryMib = processes.length === 0 ? this.#peakMemoryMib : Math.max(this.#peakMemoryMib ?? 0, mib);
    if (limitMib === 0 || mib <= limitMib || this.#verdict !== undefined) return;
    const reason = `out of memory: it used ${mib.toLocaleString('en-US')} MiB and asked for ${limitMib.toLocaleString('en-US')} MiB`;
    this.#judge({ state: 'failed', cause: 'oom', reason }, 0);
  }

  #waitForClaim(hasChildEnded: boolean): void {
    const nowMs = this.#world.clock.monotonicMs();
    this.#claimingSinceMs ??= nowMs;
    if (nowMs - this.#claimingSinceMs <= CLAIMING_MS_MAX && !hasChildEnded) return;
    // A wrapper that is merely slow would still run the command.
    if (this.#processes().length === 0) throw interruptedStart();
  }

  /** How long the first executor that ran, and all after it, have taken: by the machine's own clock of its uptime, which no one sets. */
  #ranMs(): number {
    return this.#firstStartTicks === undefined ? 0 : readUptimeMs() - this.#firstStartTicks * TICK_MS;
  }

  /** What is left of a grace period that an earlier controller began; at most the whole of it, however the clock was set. */
  #killIn(leftMs: number): void {
    const most = this.order.stopGracePeriodMs;
    this.#killAtMonotonicMs = this.#world.clock.monotonicMs() + Math.min(Math.max(leftMs, 0), most);
  }

  #judge(end: Verdict['end'], gracePeriodMs: number): void {
    this.#killAtMonotonicMs = this.#world.clock.monotonicMs() + gracePeriodMs;
    this.#verdict = { end, killAtMs: this.#world.clock.nowMs() + gracePeriodMs, peakMemoryMib: this.#peakMemoryMib };
    writeVerdict(this.#runDirectory, this.#verdict);
    this.#giveUp.abort();
    if (gracePeriodMs === 0) this.#kill(this.#processes());
    else this.#signal(this.#processes(), 'SIGTERM');
    this.#wake();
  }

  /** A second stop may shorten the grace of the first. */
  #hurry(gracePeriodMs: number): void {
    const killAtMs = this.#world.clock.monotonicMs() + gracePeriodMs;
    if (killAtMs >= this.#killAtMonotonicMs) return;
    this.#killAtMonotonicMs = killAtMs;
    if (gracePeriodMs === 0) this.#kill(this.#processes());
  }

  /** A wrapper that its program has stopped goes on, for its last record. */
  #kill(processes: readonly ProcessEntry[]): void {
    this.#signal(processes, 'SIGKILL');
    if (this.#wrapper !== undefined) this.#world.table.signal(this.#wrapper, 'SIGCONT');
  }

  /** The wrapper itself is spared: it writes down the exit code. */
  #signal(processes: readonly ProcessEntry[], signal: NodeJS.Signals): void {
    for (const one of processes) if (one.pid !== this.#wrapper?.pid) this.#world.table.signal(one, signal);
  }

  #processes(): readonly ProcessEntry[] {
    const sessions = new Map(this.#wrapper === undefined ? [] : [[this.#wrapper.pid, this.order.attemptId]]);
    return this.#world.table.scan(sessions, this.#world.clock.nowMs()).get(this.order.attemptId) ?? [];
  }

  /** What a program left running when it ended goes with it. Only marked processes where the session may be another's by now. */
  #killLeftovers(ran: Ran): void {
    const wasSeen = this.#seenWrapperPid === ran.wrapper.pid;
    if (ran.kind === 'exited' && ran.endedAtMs - ran.startedAtMs < LEFTOVER_LOOK_MS) {
      if (wasSeen) killGroup(ran.wrapper.pid);
      return;
    }
    const sessions = new Map(wasSeen ? [[ran.wrapper.pid, this.order.attemptId]] : []);
    for (const one of this.#world.table.scan(sessions, this.#world.clock.nowMs()).get(this.order.attemptId) ?? [])
      this.#world.table.signal(one, 'SIGKILL');
  }

  #endedAt(ran: Ran): number {
    return ran.kind === 'exited' ? ran.endedAtMs : this.#world.clock.nowMs();
  }

  async #judgeExit(ran: Ran, executor: Executor): Promise<Trouble> {
    if (ran.kind === 'gone') {
      const reason = ran.isRebooted ? 'the machine was restarted' : 'its shell was killed, and with it the exit code';
      return { state: 'interrupted', cause: 'engine', exitCode: null, reason };
    }
    if (ran.exitCode === 0) return { state: 'succeeded', cause: 'exit', exitCode: 0, reason: 'exit 0' };
    this.#output.drainRest(this.#world.clock.nowMs());
    this.#output.flush();
    const words =
      executor.stderr === null
        ? await readLastWords(logDirectory(this.#world.stateDirectory, this.order.attemptId), ran.startedAtMs)
        : readLastLine(this.#inWorkspace(executor.stderr));
    const complaint = startComplaint(ran.exitCode, words ?? undefined);
    if (complaint !== undefined)
      return { state: 'failed', cause: 'start', exitCode: ran.exitCode, reason: `start failed: ${complaint}` };
    return { state: 'failed', cause: 'exit', exitCode: ran.exitCode, reason: exitReason(ran.exitCode, words) };
  }

  #progress(activity: string): void {
    this.#world.emit({ kind: 'progress', attemptId: this.order.attemptId, activity });
  }

  #endAs(end: Trouble, endedAtMs = this.#world.clock.nowMs()): AttemptEnd {
    return {
      state: end.state,
      cause: end.cause,
      exitCode: end.exitCode,
      reason: end.reason.length > REASON_LENGTH_MAX ? `${end.reason.slice(0, REASON_LENGTH_MAX - 1)}…` : end.reason,
      startedAtMs: this.#startedAtMs,
      endedAtMs: Math.max(endedAtMs, this.#startedAtMs ?? 0),
      peakMemoryMib: this.#peakMemoryMib,
    };
  }
}

const FIRST_LOOK_MS = 15;

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

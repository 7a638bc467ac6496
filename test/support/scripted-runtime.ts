// A machine in memory whose containers do what a test says, and runtimes that look at it. The machine outlives a runtime, as
// a Docker engine outlives a controller. For tests of the engine's rules; what real runtimes do is under contract elsewhere.

import type { AttemptEnd } from '../../src/domain/attempt.ts';
import { DistributoError } from '../../src/domain/errors.ts';
import type { Resources } from '../../src/domain/resources.ts';
import type {
  AttemptOrder,
  AttemptRuntime,
  AttemptSighting,
  LogLine,
  RuntimeObservation,
} from '../../src/ports/attempt-runtime.ts';
import type { Clock } from '../../src/ports/clock.ts';

type Container = { readonly order: AttemptOrder; readonly startedAtMs: number; end: AttemptEnd | null };

/** What a container does after its start: ends by itself with an exit code, or runs until the test or a stop ends it. */
export type Script = (order: AttemptOrder) => { readonly afterMs: number; readonly exitCode: number } | 'runs';

export class ScriptedMachine {
  readonly clock: Clock;
  readonly capacity: Resources;
  script: Script;
  readonly containers = new Map<string, Container>();
  /** Names of attempts in the order of their starts; a name twice is a broken law. */
  readonly starts: string[] = [];
  isReachable = true;
  /** True: orders reach nobody, as when the process dies between record and act. */
  isDeaf = false;
  mostAtOnce = 0;
  readonly runtimes = new Set<ScriptedRuntime>();

  constructor(
    clock: Clock,
    capacity: Partial<Resources> = {},
    script: Script = () => ({ afterMs: 1000, exitCode: 0 }),
  ) {
    this.clock = clock;
    this.capacity = { cpuUnits: 4096, memoryMib: 8192, diskMib: 100_000, gpus: 0, ...capacity };
    this.script = script;
  }

  running(): Container[] {
    return [...this.containers.values()].filter((container) => container.end === null);
  }

  start(order: AttemptOrder): void {
    if (this.containers.has(order.attemptId)) return;
    this.starts.push(order.name);
    const container: Container = { order, startedAtMs: this.clock.nowMs(), end: null };
    this.containers.set(order.attemptId, container);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running().length);
    const plan = this.script(order);
    if (plan !== 'runs') this.clock.wakeAfter(plan.afterMs, () => this.exit(order.name, plan.exitCode));
    this.tell({ kind: 'running', attemptId: order.attemptId, atMs: container.startedAtMs });
  }

  exit(name: string, exitCode: number): void {
    this.end(name, {
      state: exitCode === 0 ? 'succeeded' : 'failed',
      cause: 'exit',
      exitCode,
      reason: `exit ${exitCode}`,
    });
  }

  end(name: string, end: Pick<AttemptEnd, 'state' | 'cause' | 'exitCode' | 'reason'>): void {
    const container = this.running().find(({ order }) => order.name === name);
    if (container === undefined) return;
    container.end = { ...end, startedAtMs: container.startedAtMs, endedAtMs: this.clock.nowMs(), peakMemoryMib: 10 };
    this.tell({ kind: 'ended', attemptId: container.order.attemptId, end: container.end });
  }

  /** Vanishes without a trace, as when somebody removes a container by hand. */
  vanish(name: string): void {
    for (const [id, container] of this.containers) if (container.order.name === name) this.containers.delete(id);
  }

  tell(observation: RuntimeObservation): void {
    for (const runtime of this.runtimes) runtime.tell(observation);
  }

  setReachable(isReachable: boolean): void {
    this.isReachable = isReachable;
    for (const runtime of this.runtimes) runtime.announce();
  }
}

export class ScriptedRuntime implements AttemptRuntime {
  readonly runtimeKey = 'process';
  readonly machine: ScriptedMachine;
  #listener: ((observation: RuntimeObservation) => void) | null = null;
  readonly #followed = new Set<string>();
  readonly forgotten: { readonly attemptId: string; readonly keepWorkspace: boolean }[] = [];

  constructor(machine: ScriptedMachine) {
    this.machine = machine;
  }

  open(listener: (observation: RuntimeObservation) => void): void {
    this.#listener = listener;
    this.machine.runtimes.add(this);
    this.announce();
  }

  announce(): void {
    const { machine, runtimeKey } = this;
    const description = {
      runtimeKey,
      instanceId: 'local',
      label: 'scripted',
      capacity: machine.capacity,
      total: machine.capacity,
      platform: 'linux/amd64',
      caveats: [],
    };
    this.#listener?.(
      machine.isReachable
        ? { kind: 'ready', description }
        : { kind: 'unreachable', runtimeKey, reason: 'the machine is silent' },
    );
  }

  tell(observation: RuntimeObservation): void {
    if ('attemptId' in observation && !this.#followed.has(observation.attemptId)) return;
    if (this.machine.isReachable) this.#listener?.(observation);
  }

  start(order: AttemptOrder): void {
    if (this.machine.isDeaf || !this.machine.isReachable) return;
    this.adopt(order);
    this.machine.start(order);
  }

  adopt(order: AttemptOrder): void {
    this.#followed.add(order.attemptId);
    const container = this.machine.containers.get(order.attemptId);
    if (container === undefined) return;
    this.tell({ kind: 'running', attemptId: order.attemptId, atMs: container.startedAtMs });
    if (container.end !== null) this.tell({ kind: 'ended', attemptId: order.attemptId, end: container.end });
  }

  stop(attemptId: string, stop: Parameters<AttemptRuntime['stop']>[1]): void {
    const container = this.machine.containers.get(attemptId);
    if (container === undefined || this.machine.isDeaf) return;
    this.machine.clock.wakeAfter(stop.gracePeriodMs, () =>
      this.machine.end(container.order.name, { ...stop.end, exitCode: 143 }),
    );
  }

  async list(): Promise<readonly AttemptSighting[]> {
    if (!this.machine.isReachable)
      throw new DistributoError('CONTAINERS_UNREACHABLE', 'the machine is silent', { retryable: true });
    return [...this.machine.containers].map(([attemptId, container]) => ({
      attemptId,
      isRunning: container.end === null,
    }));
  }

  async forget(attemptId: string, keepWorkspace: boolean): Promise<void> {
    if (this.machine.isDeaf) return;
    this.machine.containers.delete(attemptId);
    this.forgotten.push({ attemptId, keepWorkspace });
  }

  async *readLogs(attemptId: string): AsyncIterable<LogLine> {
    yield { atMs: 0, stream: 'stdout', text: `log of ${attemptId}` };
  }

  async close(): Promise<void> {
    this.machine.runtimes.delete(this);
    this.#listener = null;
  }
}

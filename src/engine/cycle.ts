// One turn of the loop: observe → decide → record → act. Holds no rules: it says only in which order the parts are asked, and
// that nothing goes out before it is durable.

import { DistributoError } from '../domain/errors.ts';
import { Changes } from './changes.ts';
import { decide } from './decide.ts';
import type { EngineParts } from './engine-parts.ts';
import { applyObservation, type Observation } from './observe.ts';
import type { Outbox } from './outbox.ts';
import { settleRuns } from './settle.ts';
import { keepTimeLimits } from './time-limits.ts';
import type { World } from './world.ts';

/** Something a user ordered: applied inside a cycle, answered when that cycle is durable. */
type Order = {
  readonly apply: (changes: Changes) => unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
};

export type Recorded = { readonly runs: ReadonlySet<string>; readonly lastEventSequence: number };

/** The slow clock: how often the loop looks around while there is work, if nothing happens. */
const SLOW_TICK_MS = 1000;
/** How long to wait before a batch that found the disk full is tried again. */
const STORE_FULL_RETRY_MS = 2000;

export class Cycle {
  readonly #world: World;
  readonly #parts: EngineParts;
  readonly #outbox: Outbox;
  readonly #onRecorded: (recorded: Recorded) => void;
  #observations: Observation[] = [];
  #orders: Order[] = [];
  #isRunning = false;
  #isWoken = false;
  #isClosed = false;
  #cancelTimer: (() => void) | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #diskSeenAtMs = Number.NEGATIVE_INFINITY;
  #whenIdle: (() => void)[] = [];

  constructor(world: World, parts: EngineParts, outbox: Outbox, onRecorded: (recorded: Recorded) => void) {
    this.#world = world;
    this.#parts = parts;
    this.#outbox = outbox;
    this.#onRecorded = onRecorded;
  }

  observe(observation: Observation): void {
    if (this.#isClosed) return;
    this.#observations.push(observation);
    this.wake();
  }

  order<T>(apply: (changes: Changes) => T): Promise<T> {
    if (this.#isClosed)
      throw new DistributoError('CONTROLLER_UNREACHABLE', 'the controller is ending', { retryable: true });
    return new Promise<T>((resolve, reject) => {
      this.#orders.push({ apply, resolve: resolve as (answer: unknown) => void, reject });
      this.wake();
    });
  }

  hasWork(): boolean {
    return this.#isRunning || this.#observations.length > 0 || this.#orders.length > 0;
  }

  wake(): void {
    this.#wakeIn(0);
  }

  /** Finishes the cycle under way; nothing begins afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    if (this.#isRunning) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    for (const order of this.#orders)
      order.reject(
        new DistributoError('CONTROLLER_UNREACHABLE', 'the controller ended before the order was recorded', {
          retryable: true,
        }),
      );
  }

  #wakeIn(delayMs: number): void {
    if (this.#isClosed) return;
    if (this.#isRunning) {
      this.#isWoken = true;
      return;
    }
    const atMs = this.#parts.clock.monotonicMs() + delayMs;
    if (atMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = this.#parts.clock.wakeAfter(delayMs, () => {
      this.#cancelTimer = null;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    this.#isWoken = false;
    let nextMs: number | null = null;
    try {
      nextMs = await this.#turn();
    } catch (error) {
      this.#isClosed = true;
      this.#parts.onFatal(error);
    }
    this.#isRunning = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
    if (this.#isWoken || this.#observations.length > 0 || this.#orders.length > 0) this.#wakeIn(0);
    else if (nextMs !== null) this.#wakeIn(nextMs);
  }

  /** @returns how long until something is due by time alone; null: nothing is */
  async #turn(): Promise<number | null> {
    const world = this.#world;
    await this.#lookAtDisk();
    const nowMs = this.#parts.clock.nowMs();
    const changes = new Changes(world, nowMs);
    for (const observation of this.#observations.splice(0)) applyObservation(world, changes, observation);
    const answered = this.#applyOrders(changes);
    const limitAtMs = keepTimeLimits(world, changes);
    settleRuns(world, changes);
    const retryAtMs = decide(world, changes, this.#parts.settings);
    settleRuns(world, changes);
    if (!changes.isEmpty()) await this.#record(changes);
    this.#outbox.send(changes.actions);
    for (const { order, answer } of answered) order.resolve(answer);
    if (changes.touchedRuns.size > 0 || !changes.isEmpty()) {
      this.#onRecorded({ runs: changes.touchedRuns, lastEventSequence: world.next.eventSequence - 1 });
    }
    const dueMs = Math.min(limitAtMs ?? Number.POSITIVE_INFINITY, retryAtMs ?? Number.POSITIVE_INFINITY) - nowMs;
    if (world.runs.size === 0) return null;
    return Math.min(Math.max(dueMs, 1), SLOW_TICK_MS);
  }

  async #lookAtDisk(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#world.runs.size === 0 || nowMs - this.#diskSeenAtMs < SLOW_TICK_MS) return;
    this.#diskSeenAtMs = nowMs;
    this.#world.freeDiskBytes = await this.#parts.freeDiskBytes();
  }

  #applyOrders(changes: Changes): { order: Order; answer: unknown }[] {
    const answered: { order: Order; answer: unknown }[] = [];
    for (const order of this.#orders.splice(0)) {
      try {
        answered.push({ order, answer: order.apply(changes) });
      } catch (error) {
        order.reject(error);
      }
    }
    return answered;
  }

  /** The same batch until the disk has room: nothing is lost, and nothing goes out meanwhile. */
  async #record(changes: Changes): Promise<void> {
    const batch = changes.toBatch();
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#parts.store.commit(batch);
        return;
      } catch (error) {
        if (!(error instanceof DistributoError) || error.code !== 'STORE_FULL') throw error;
        if (tries === 0) this.#parts.log(`${error.message}; nothing starts until there is room`);
        await new Promise<void>((resolve) => this.#parts.clock.wakeAfter(STORE_FULL_RETRY_MS, resolve));
      }
    }
  }
}

// A clock that stands still until a test moves it. Timers run in order of their time, then of their making.

import type { Clock } from '../../src/ports/clock.ts';

type Timer = { readonly atMs: number; readonly order: number; readonly wake: () => void };

const START_MS = Date.UTC(2026, 0, 1);

export class VirtualClock implements Clock {
  #monotonicMs = 0;
  #order = 0;
  #stepMs = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return START_MS + this.#monotonicMs + this.#stepMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.#monotonicMs + Math.max(delayMs, 0), order: this.#order++, wake };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** The wall clock is set, as an administrator does it; the monotonic one does not notice. */
  step(byMs: number): void {
    this.#stepMs += byMs;
  }

  /** Moves on by `ms`, and lets everything that is due happen, with what follows from it. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await settle();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
      next.wake();
      await settle();
    }
    this.#monotonicMs = untilMs;
  }
}

/** Lets promises that are ready run, a few turns deep: stores and runtimes in tests answer at once. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

// Carries out recorded decisions. Nothing is awaited by the cycle: each result comes back as an observation, each failure
// too. Every action is safe to repeat, since a restart repeats those whose result was not recorded.

import type { AttemptEnd } from '../domain/attempt.ts';
import { DistributoError } from '../domain/errors.ts';
import { attemptSequence } from '../domain/ids.ts';
import type { AttemptRuntime, OpenRuntime } from '../ports/attempt-runtime.ts';
import type { Clock } from '../ports/clock.ts';
import type { History } from '../ports/store.ts';
import type { OrderBuilder } from './build-order.ts';
import type { Action } from './changes.ts';
import type { Observation } from './observe.ts';
import type { LiveAttempt, World } from './world.ts';

/** How long after a failed listing or opening it is tried again. */
const RETRY_MS = 5000;

export class Outbox {
  readonly #world: World;
  readonly #orders: OrderBuilder;
  readonly #openRuntime: OpenRuntime;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #report: (observation: Observation) => void;
  #isClosed = false;

  constructor(parts: {
    world: World;
    orders: OrderBuilder;
    openRuntime: OpenRuntime;
    history: History;
    clock: Clock;
    report: (observation: Observation) => void;
  }) {
    this.#world = parts.world;
    this.#orders = parts.orders;
    this.#openRuntime = parts.openRuntime;
    this.#history = parts.history;
    this.#clock = parts.clock;
    this.#report = parts.report;
  }

  send(actions: readonly Action[]): void {
    for (const action of actions) void this.#carryOut(action);
  }

  close(): void {
    this.#isClosed = true;
  }

  async #carryOut(action: Action): Promise<void> {
    switch (action.kind) {
      case 'open-runtime':
        return this.#open(action.runtimeKey);
      case 'list-runtime':
        return this.#list(action.runtimeKey);
      case 'start':
      case 'adopt':
        return this.#start(action.kind, action.attempt);
      case 'stop':
        return this.#stop(action.attempt);
      case 'forget':
        return this.#forget(action.runtimeKey, action.attemptId, action.keepWorkspace);
    }
  }

  async #open(runtimeKey: string): Promise<void> {
    const slot = this.#world.runtimes.get(runtimeKey);
    if (slot === undefined || this.#isClosed) return;
    try {
      const runtime = await this.#openRuntime(slot.target);
      this.#report({ kind: 'opened', runtimeKey, runtime, reason: null });
      runtime.open((observation) => this.#report({ kind: 'runtime', runtimeKey, observation }));
    } catch (error) {
      this.#report({ kind: 'opened', runtimeKey, runtime: null, reason: messageOf(error) });
      this.#clock.wakeAfter(RETRY_MS, () => void this.#open(runtimeKey));
    }
  }

  async #list(runtimeKey: string): Promise<void> {
    const runtime = this.#runtime(runtimeKey);
    if (runtime === null || this.#isClosed) return;
    // What runs already when the question is asked must be in its answer; what begins meanwhile need not be.
    const askedFor = new Set<number>();
    for (const attempt of this.#world.attempts.values()) {
      if (attempt.runtimeKey === runtimeKey && attempt.startedAtMs !== null) askedFor.add(attempt.sequence);
    }
    try {
      const sightings = await runtime.list();
      const unknown = sightings
        .map((sighting) => attemptSequence(this.#world.ownerId, sighting.attemptId))
        .filter((sequence) => sequence !== undefined)
        .filter((sequence) => !this.#world.attempts.has(sequence));
      const rows = unknown.length === 0 ? [] : await this.#history.findAttempts(unknown);
      const ended = new Map<number, AttemptEnd>();
      for (const row of rows) if (row.end !== null) ended.set(row.sequence, row.end);
      this.#report({ kind: 'listed', runtimeKey, sightings, askedFor, ended });
    } catch (error) {
      this.#report({ kind: 'unlisted', runtimeKey, reason: messageOf(error) });
      this.#clock.wakeAfter(RETRY_MS, () => void this.#list(runtimeKey));
    }
  }

  async #start(kind: 'start' | 'adopt', attempt: LiveAttempt): Promise<void> {
    try {
      const order = await this.#orders.build(attempt, kind === 'adopt');
      this.#runtime(attempt.runtimeKey)?.[kind](order);
    } catch (error) {
      this.#reportEnd(attempt, startFailure(error, this.#clock.nowMs(), attempt.startedAtMs));
    }
  }

  #stop(attempt: LiveAttempt): void {
    if (attempt.stop === null) return;
    const gracePeriodMs = attempt.job.record.spec.stopGracePeriodMs;
    this.#runtime(attempt.runtimeKey)?.stop(attempt.attemptId, { gracePeriodMs, end: attempt.stop });
  }

  /** What could not be removed now is seen again, and removed, when the runtime is listed the next time. */
  async #forget(runtimeKey: string, attemptId: string, keepWorkspace: boolean): Promise<void> {
    try {
      await this.#runtime(runtimeKey)?.forget(attemptId, keepWorkspace);
    } catch (error) {
      if (error instanceof DistributoError) return;
      throw error;
    }
  }

  #runtime(runtimeKey: string): AttemptRuntime | null {
    return this.#world.runtimes.get(runtimeKey)?.runtime ?? null;
  }

  #reportEnd(attempt: LiveAttempt, end: AttemptEnd): void {
    this.#report({
      kind: 'runtime',
      runtimeKey: attempt.runtimeKey,
      observation: { kind: 'ended', attemptId: attempt.attemptId, end },
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const startFailure = (error: unknown, nowMs: number, startedAtMs: number | null): AttemptEnd => ({
  state: 'failed',
  cause: 'start',
  exitCode: null,
  reason: `start failed: ${messageOf(error)}`.slice(0, 1000),
  startedAtMs,
  endedAtMs: nowMs,
  peakMemoryMib: null,
});

// Opens a runtime and keeps all it says, so that a test can wait for a saying instead of sleeping.

import assert from 'node:assert/strict';
import type { AttemptEnd } from '../../src/domain/attempt.ts';
import type { AttemptRuntime, LogLine, LogQuery, RuntimeObservation } from '../../src/ports/attempt-runtime.ts';

const GENEROUS_MS = 90_000;

export class ObservedRuntime {
  readonly runtime: AttemptRuntime;
  readonly observations: RuntimeObservation[] = [];
  #wake: () => void = () => undefined;
  #news: Promise<void> = Promise.resolve();

  constructor(runtime: AttemptRuntime) {
    this.runtime = runtime;
    this.#renew();
    runtime.open((observation) => {
      this.observations.push(observation);
      const wake = this.#wake;
      this.#renew();
      wake();
    });
  }

  #renew(): void {
    this.#news = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Waits until an observation passes the test; says all there was when none comes. */
  async see(what: string, passes: (observation: RuntimeObservation) => boolean): Promise<RuntimeObservation> {
    const limit = Date.now() + GENEROUS_MS;
    for (;;) {
      const news = this.#news;
      const found = this.observations.find(passes);
      if (found) return found;
      const leftMs = limit - Date.now();
      if (leftMs <= 0) assert.fail(`no ${what} within ${GENEROUS_MS} ms; seen: ${JSON.stringify(this.observations)}`);
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        news,
        new Promise((resolve) => {
          timer = setTimeout(resolve, leftMs);
        }),
      ]);
      clearTimeout(timer);
    }
  }

  async running(attemptId: string): Promise<void> {
    await this.see(`running of ${attemptId}`, (seen) => seen.kind === 'running' && seen.attemptId === attemptId);
  }

  async ended(attemptId: string): Promise<AttemptEnd> {
    const seen = await this.see(
      `ended of ${attemptId}`,
      (observation) => observation.kind === 'ended' && observation.attemptId === attemptId,
    );
    assert(seen.kind === 'ended');
    return seen.end;
  }

  count(kind: RuntimeObservation['kind'], attemptId: string): number {
    return this.observations.filter((seen) => seen.kind === kind && 'attemptId' in seen && seen.attemptId === attemptId)
      .length;
  }

  async logs(attemptId: string, query: LogQuery = { follow: false }): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for await (const line of this.runtime.readLogs(attemptId, query)) lines.push(line);
    return lines;
  }

  /** Waits until a line of the log passes the test. */
  async logged(attemptId: string, passes: (line: LogLine) => boolean): Promise<LogLine> {
    for await (const line of this.runtime.readLogs(attemptId, { follow: true })) if (passes(line)) return line;
    assert.fail(`the log of ${attemptId} ended without the line that was waited for`);
  }
}

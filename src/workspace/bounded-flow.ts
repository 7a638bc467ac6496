// Moving many things with bounded memory: look ahead in order, or a few at once in any order. Knows nothing of what it moves.

import { setTimeout as sleepFor } from 'node:timers/promises';
import { DistributoError } from '../domain/errors.ts';

/** `map` of up to `ahead` items runs while earlier ones are still being used; results come in the items' order. */
export async function* mapAhead<T, R>(
  items: AsyncIterable<T>,
  ahead: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const queue: Promise<R>[] = [];
  for await (const item of items) {
    const result = map(item);
    result.catch(() => undefined); // seen when its turn comes
    queue.push(result);
    if (queue.length > ahead) yield await (queue.shift() as Promise<R>);
  }
  for (const result of queue) yield await result;
}

/** Runs jobs, `limit` at most at once: `add` waits for room, `end` for all. Both throw the first failure. */
export class Crew {
  readonly #limit: number;
  readonly #working = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async add(job: () => Promise<void>): Promise<void> {
    while (this.#working.size >= this.#limit) await Promise.race(this.#working);
    this.#throwFailure();
    const work = job()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  async end(): Promise<void> {
    await Promise.all(this.#working);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Passes chunks on until the signal fires; a chunk that never comes does not hold it up. */
export function untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  return {
    async *[Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]();
      let isOver = false;
      try {
        for (;;) {
          signal.throwIfAborted();
          const result = await orAborted(iterator.next(), signal);
          if (result.done === true) {
            isOver = true;
            return;
          }
          yield result.value;
        }
      } finally {
        // Not awaited after an abort: a source that hangs would hang its own end too.
        if (!isOver) {
          const closed = Promise.resolve(iterator.return?.()).catch(() => undefined);
          if (!signal.aborted) await closed;
        }
      }
    },
  };
}

/**
 * `promise`, or the signal's reason where that comes first. Not by Promise.race with one promise for the signal: that would
 * hold on to every value that ever raced with it, which here are the chunks of a whole file.
 */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

export type Sleep = (delayMs: number, signal: AbortSignal) => Promise<void>;

export const sleep: Sleep = async (delayMs, signal) => {
  await sleepFor(delayMs, undefined, { signal });
};

const RETRY_DELAYS_MS = [500, 2_000, 8_000];

/** Tries again, with growing pauses, what failed in a way that may pass. `beforeRetry` undoes what a try left. */
export async function withRetries<T>(attempt: () => Promise<T>, signal: AbortSignal, pause: Sleep = sleep): Promise<T> {
  for (const delayMs of RETRY_DELAYS_MS) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DistributoError) || !error.retryable) throw error;
      await pause(delayMs * (0.75 + Math.random() / 2), signal);
    }
  }
  return await attempt();
}

// Sends a stream of values as lines of JSON, no faster than the client takes them. A refusal before the first line is an
// ordinary error answer; later it is the last line.

import type { ServerResponse } from 'node:http';
import { waitDrained } from '../api/wait-drained.ts';
import { toErrorAnswer } from './error-answer.ts';

/** A first line that is this late does not hold back the head of the answer. */
const HEAD_MS = 100;
const SIGN_OF_LIFE_MS = 20_000;

export type LinesOptions = {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onFault: (error: unknown) => void;
};

/** Throws what the source throws before the head is sent; `beforeHead` is called just before it is. */
export async function sendLines(
  raw: ServerResponse,
  lines: AsyncIterable<unknown>,
  beforeHead: () => void,
  { headers, signal, onFault }: LinesOptions,
): Promise<void> {
  const iterator = lines[Symbol.asyncIterator]();
  const over = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    if (signal.aborted) resolve(undefined);
  });
  let next = iterator.next();
  await Promise.race([next, delay(HEAD_MS)]);
  beforeHead();
  raw.writeHead(200, { ...headers, 'content-type': 'application/x-ndjson; charset=utf-8' });
  raw.flushHeaders();
  const beat = setInterval(() => raw.write('\n'), SIGN_OF_LIFE_MS);
  try {
    for (;;) {
      const result = await Promise.race([next, over]);
      if (result === undefined || result.done || raw.destroyed) break;
      if (!raw.write(`${JSON.stringify(result.value)}\n`)) await waitDrained(raw);
      next = iterator.next();
    }
    // Where the controller ends, the reason says so; a client that went hears nothing.
    if (signal.aborted && signal.reason instanceof Error) throw signal.reason;
  } catch (error) {
    onFault(error);
    if (!raw.destroyed) raw.write(`${JSON.stringify(toErrorAnswer(error).view)}\n`);
  } finally {
    clearInterval(beat);
    raw.end();
    // Not awaited: a generator that waits for the next line of a log takes its end only then.
    next.catch(() => undefined);
    iterator.return?.(undefined).catch(() => undefined);
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

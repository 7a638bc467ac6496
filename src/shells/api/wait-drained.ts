// Waits until a stream takes more, or is gone. Leaves no listener behind.

import { once } from 'node:events';
import type { Writable } from 'node:stream';

export async function waitDrained(stream: Writable): Promise<void> {
  if (stream.destroyed) return;
  const ends = new AbortController();
  const { signal } = ends;
  try {
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]);
  } finally {
    ends.abort();
  }
}

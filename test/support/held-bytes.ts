// For tests that assert what is held in memory: bytes of buffers that garbage collection does not free.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const ROUNDS_MAX = 100;

/**
 * Bytes of buffers held beyond those of now. Buffers are freed by another thread some time after a collection, so it collects
 * again until `expectedMax` is reached; what is really held never falls to it.
 */
export function watchHeldBytes(expectedMax: number): () => Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  return async () => {
    let held = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS_MAX && held > expectedMax; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
      held = Math.min(held, process.memoryUsage().arrayBuffers - before);
    }
    return held;
  };
}

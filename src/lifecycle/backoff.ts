// How long a task waits before its next try: doubled for each counted failure, with jitter, bounded.

/** No wait is longer than this, whatever was asked and however often it failed. */
export const BACKOFF_MS_MAX = 15 * 60_000;

/** A number in [0, 1) that depends on its arguments alone (two rounds of a 32-bit integer hash). */
export function hashFraction(seed: number, ...parts: readonly number[]): number {
  let hash = seed | 0;
  for (const part of parts) {
    hash = Math.imul(hash ^ (part | 0), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return (hash >>> 0) / 0x1_0000_0000;
}

/**
 * Full back-off is `baseMs × 2^(failures − 1)`, at most 15 min; the answer lies between half of it and all of it, so that
 * many tasks that fail together do not come back together.
 */
export function backoffMs(baseMs: number, failures: number, fraction: number): number {
  const full = Math.min(baseMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30), BACKOFF_MS_MAX);
  return Math.round(full / 2 + (full / 2) * fraction);
}

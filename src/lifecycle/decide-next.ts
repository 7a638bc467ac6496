// What becomes of a task when one of its attempts has ended: done, tried again, or failed. The only place that counts tries.
//
// Counted: the program's own failures and what its file asks for (exit, oom, image-pull, start, timeouts, input, output).
// Never counted: interruptions, lost machines, engine-caused ends, preemptions; `max_interruptions` alone bounds those.

import type { AttemptEnd, EndCause } from '../domain/attempt.ts';
import type { RetryPolicy } from '../domain/job.ts';
import { backoffMs, hashFraction } from './backoff.ts';

export type TriesSoFar = { readonly counted: number; readonly interruptions: number; readonly memoryMib: number };

export type Next =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | {
      readonly kind: 'again';
      readonly isCounted: boolean;
      readonly delayMs: number;
      readonly memoryMib: number;
      readonly reason: string;
    };

const UNCOUNTED: ReadonlySet<EndCause> = new Set(['interruption', 'engine', 'lost', 'preempted', 'no-capacity']);

/** Which word of `retry.on` each counted cause answers to. `exit:N` and `error` both answer to an exit code. */
function isRetried(policy: RetryPolicy, end: AttemptEnd): boolean {
  const on = policy.on;
  switch (end.cause) {
    case 'exit':
      return on.includes('error') || on.includes(`exit:${end.exitCode}`);
    case 'oom':
      return on.includes('oom');
    case 'image-pull':
      return on.includes('image-pull');
    case 'start':
    case 'start-timeout':
    case 'disk-full':
      return on.includes('start');
    case 'timeout':
      return on.includes('timeout');
    case 'input':
    case 'output':
      return on.includes('error') || on.includes('start');
    default:
      return false;
  }
}

/** Interruptions come back at once, except that several in a row wait a little: 1 s, 2 s, 4 s … */
const INTERRUPTION_BACKOFF_MS = 1000;

/**
 * @param seed with `task` and the number of tries it makes the jitter; same arguments, same answer
 * @param isCancelled the user has asked for the task's end: nothing but a success counts any more
 */
export function decideNext(
  policy: RetryPolicy,
  tries: TriesSoFar,
  end: AttemptEnd,
  isCancelled: boolean,
  seed: number,
  task: number,
): Next {
  if (end.state === 'succeeded') return { kind: 'succeeded' };
  if (isCancelled || end.state === 'cancelled') return { kind: 'cancelled', reason: end.reason };
  if (UNCOUNTED.has(end.cause)) {
    const interruptions = tries.interruptions + 1;
    if (policy.maxInterruptions !== null && interruptions > policy.maxInterruptions) {
      const reason = `interrupted ${interruptions} times, max_interruptions is ${policy.maxInterruptions}; last: ${end.reason}`;
      return { kind: 'failed', reason };
    }
    const delayMs =
      interruptions === 1
        ? 0
        : backoffMs(INTERRUPTION_BACKOFF_MS, interruptions - 1, hashFraction(seed, task, interruptions));
    return { kind: 'again', isCounted: false, delayMs, memoryMib: tries.memoryMib, reason: end.reason };
  }
  const counted = tries.counted + 1;
  if (counted >= policy.attempts || !isRetried(policy, end)) return { kind: 'failed', reason: end.reason };
  const memoryMib =
    end.cause === 'oom' ? Math.ceil(tries.memoryMib * Math.max(policy.oomMemoryFactor, 1)) : tries.memoryMib;
  const delayMs = backoffMs(policy.backoffMs, counted, hashFraction(seed, task, counted));
  return { kind: 'again', isCounted: true, delayMs, memoryMib, reason: end.reason };
}

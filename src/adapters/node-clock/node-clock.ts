// Time as this machine tells it.

import type { Clock } from '../../ports/clock.ts';

/** The longest delay a timer of Node takes; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createNodeClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    wakeAfter(delayMs, wake) {
      const untilMs = performance.now() + delayMs;
      let timer: NodeJS.Timeout;
      const arm = (): void => {
        const leftMs = Math.max(0, untilMs - performance.now());
        timer = leftMs > TIMER_MS_MAX ? setTimeout(arm, TIMER_MS_MAX) : setTimeout(wake, Math.ceil(leftMs));
      };
      arm();
      return () => clearTimeout(timer);
    },
  };
}

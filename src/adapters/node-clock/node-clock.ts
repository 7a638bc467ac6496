// Time as this machine tells it, for a process that others rely on: instants go with the wall clock, but do not step back.
// Where the clock is set back, time goes on from where it was (a restart begins with the new time); where it is set right
// again, so are we. A step forward is believed: after a sleep of the machine the time has really passed.

import type { Clock } from '../../ports/clock.ts';

/** The longest delay a timer of Node takes; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Below this a difference is the slow correction of a time server, which is followed. */
const STEP_MS_MIN = 500;

export type ClockSources = {
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
};

const REAL: ClockSources = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

export function createNodeClock(sources: ClockSources = REAL): Clock {
  /** How far we are ahead of the wall clock, after it was set back. */
  let aheadMs = 0;
  let last = { nowMs: sources.wallMs(), monotonicMs: sources.monotonicMs() };

  return {
    nowMs() {
      const monotonicMs = sources.monotonicMs();
      const expectedMs = last.nowMs + (monotonicMs - last.monotonicMs);
      const stepMs = sources.wallMs() + aheadMs - expectedMs;
      if (stepMs < -STEP_MS_MIN) aheadMs -= Math.round(stepMs);
      else if (stepMs > STEP_MS_MIN) aheadMs = Math.max(0, aheadMs - Math.round(stepMs));
      last = { nowMs: Math.max(last.nowMs, sources.wallMs() + aheadMs), monotonicMs };
      return last.nowMs;
    },
    monotonicMs: sources.monotonicMs,
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

// Ends what has run or waited too long: attempts that do not start in time, runs beyond their `max_duration`. Says when to
// look again. The time-out of a running attempt is kept by its runtime, so that it holds without us.

import type { Changes } from './changes.ts';
import { cancel, stopAttempt } from './orders.ts';
import type { LiveRun, World } from './world.ts';

/** @returns when the next limit is reached; undefined where there is none */
export function keepTimeLimits(world: World, changes: Changes): number | undefined {
  let nextAtMs: number | undefined;
  const lookAt = (atMs: number): void => {
    nextAtMs = Math.min(nextAtMs ?? atMs, atMs);
  };
  for (const run of world.runs.values()) {
    limitRun(world, changes, run, lookAt);
    for (const job of run.jobs) {
      const limitMs = job.record.spec.startTimeoutMs;
      if (limitMs === null) continue;
      for (const attempt of world.byTask.get(job)?.values() ?? []) {
        if (attempt.startedAtMs !== null || attempt.stop !== null) continue;
        if (attempt.createdAtMs + limitMs > changes.nowMs) lookAt(attempt.createdAtMs + limitMs);
        else {
          const reason = `not started within ${seconds(limitMs)} (start_timeout)${attempt.activity === null ? '' : `; it was ${attempt.activity}`}`;
          stopAttempt(changes, attempt, { state: 'failed', cause: 'start-timeout', reason });
        }
      }
    }
  }
  return nextAtMs;
}

function limitRun(world: World, changes: Changes, run: LiveRun, lookAt: (atMs: number) => void): void {
  const limitMs = run.run.spec.maxDurationMs;
  if (limitMs === null || run.run.startedAtMs === null || run.run.cancelledBy !== null) return;
  const endAtMs = run.run.startedAtMs + limitMs;
  if (endAtMs > changes.nowMs) lookAt(endAtMs);
  else cancel(world, changes, { run, job: null, taskIndex: null }, `max_duration of ${seconds(limitMs)}`);
}

const seconds = (ms: number): string => `${(ms / 1000).toLocaleString('en-US')} s`;

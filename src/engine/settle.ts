// At the end of a cycle: works out anew the states of the jobs and runs that it touched, gives up jobs whose dependencies
// ended otherwise, and ends runs. Nothing else changes those states.

import { isRunEnded, type RunState } from '../domain/states.ts';
import { jobStateOf, readinessOf, runStateOf } from '../lifecycle/progress.ts';
import type { Changes } from './changes.ts';
import type { LiveJob, LiveRun, World } from './world.ts';

export function settleRuns(world: World, changes: Changes): void {
  for (const run of changes.dirtyRuns) {
    if (!world.runs.has(run.run.id)) continue;
    settleJobs(changes, run);
    settleRun(world, changes, run);
  }
}

/** Repeated until nothing changes: a job that is given up may take others with it. */
function settleJobs(changes: Changes, run: LiveRun): void {
  for (let hasChanged = true; hasChanged; ) {
    hasChanged = false;
    for (const job of run.jobs) {
      const reason = giveUpUnreachable(changes, run, job);
      const state = jobStateOf(job.tasks.counts());
      if (state === job.state) continue;
      changes.setJobState(run, job, state, reason);
      hasChanged = true;
    }
  }
}

/** Cancels what waits in a job that can never begin; the answer says why. */
function giveUpUnreachable(changes: Changes, run: LiveRun, job: LiveJob): string | null {
  if (job.tasks.counts().waiting === 0) return null;
  const stateOf = (name: string): RunState =>
    run.jobs.find((other) => other.record.spec.name === name)?.state ?? 'waiting';
  const readiness = readinessOf(job.record.spec.dependsOn, stateOf);
  if (readiness.kind !== 'never') return null;
  cancelWaiting(changes, run, job);
  return `${readiness.because}, and depends_on asks for its success`;
}

export function cancelWaiting(changes: Changes, run: LiveRun, job: LiveJob): number {
  let cancelled = 0;
  for (const index of job.tasks.indicesIn(new Set(['waiting']))) {
    changes.setTaskState(run, job, index, 'cancelled');
    changes.endRetry(job, index);
    cancelled += 1;
  }
  return cancelled;
}

function settleRun(world: World, changes: Changes, run: LiveRun): void {
  const isStopped = run.run.state === 'stopped';
  const state = runStateOf(
    run.jobs.map((job) => job.state),
    isStopped,
    run.run.cancelledBy !== null,
  );
  if (state === run.run.state) return;
  const isEnded = isRunEnded(state);
  if (isEnded) changes.updateRun(run, { endedAtMs: changes.nowMs });
  changes.setRunState(
    run,
    state,
    isEnded && run.run.cancelledBy !== null ? `cancelled by ${run.run.cancelledBy}` : null,
  );
  if (isEnded) world.forgetRun(run);
}

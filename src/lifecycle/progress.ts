// The state of a job from its tasks and of a run from its jobs, and whether a job may begin.

import type { Dependency } from '../domain/job.ts';
import type { TaskCounts } from '../domain/run.ts';
import { isRunEnded, type RunState } from '../domain/states.ts';

/** Failed before cancelled: a job with both is failed, since that is what a person must look at. */
export function jobStateOf(tasks: TaskCounts): RunState {
  if (tasks.running > 0) return 'running';
  if (tasks.waiting > 0) return tasks.waiting === tasks.total ? 'waiting' : 'running';
  if (tasks.failed > 0) return 'failed';
  return tasks.cancelled > 0 ? 'cancelled' : 'succeeded';
}

/** A run that somebody cancelled ends as cancelled, whatever else befell it. A stopped run stays stopped until it is resumed or all ended. */
export function runStateOf(jobs: readonly RunState[], isStopped: boolean, isCancelled: boolean): RunState {
  if (jobs.every(isRunEnded)) {
    if (isCancelled) return 'cancelled';
    if (jobs.includes('failed')) return 'failed';
    return jobs.includes('cancelled') ? 'cancelled' : 'succeeded';
  }
  if (isStopped) return 'stopped';
  return jobs.every((state) => state === 'waiting') ? 'waiting' : 'running';
}

export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waits'; readonly for: string }
  /** It never can: what it needs ended otherwise. */
  | { readonly kind: 'never'; readonly because: string };

/** @param stateOf the state of a job of the same run by name */
export function readinessOf(dependsOn: readonly Dependency[], stateOf: (job: string) => RunState): Readiness {
  for (const dependency of dependsOn) {
    const state = stateOf(dependency.job);
    if (!isRunEnded(state)) return { kind: 'waits', for: dependency.job };
    if (dependency.condition === 'succeeded' && state !== 'succeeded') {
      return { kind: 'never', because: `${dependency.job} ${state === 'failed' ? 'failed' : 'was cancelled'}` };
    }
  }
  return { kind: 'ready' };
}

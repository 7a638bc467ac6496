// Why a run stands where it stands: its jobs in words, failures counted by their reason, and why tasks that never started
// were cancelled.

import { runName, taskName } from '../../domain/ids.ts';
import type { JobRecord, Run } from '../../domain/run.ts';
import type { RunState } from '../../domain/states.ts';
import { readinessOf } from '../../lifecycle/progress.ts';
import type { TaskSummary } from '../../ports/store.ts';
import type { ExplainAnswer, JobAnswer, RunAnswer } from '../engine-api.ts';

/** Of each job so many failed tasks are looked at, and so many different reasons told. */
export const FAILURES_LOOKED_AT = 200;
const REASONS_TOLD = 3;

export type JobFailures = { readonly job: JobAnswer; readonly failed: readonly TaskSummary[] };

export function explainRun(answer: RunAnswer, jobs: readonly JobFailures[], looked: number): ExplainAnswer {
  const help = jobs.flatMap(({ job }) => job.waitsFor?.help ?? []);
  if (answer.tasks.failed > 0) help.push(`distributo logs ${answer.run} --failed`);
  if (answer.tasks.failed + answer.tasks.cancelled > 0) help.push(`distributo retry ${answer.run}`);
  return {
    subject: { kind: 'run', id: answer.run },
    state: answer.state,
    headline: headlineOf(answer),
    because: jobs.flatMap(({ job, failed }) => [describeJob(job), ...describeFailures(answer.run, job, failed)]),
    asks: null,
    looked,
    rejections: [],
    queue: null,
    attempts: [],
    wouldHelp: [...new Set(help)],
  };
}

const count = (value: number): string => value.toLocaleString('en-US');

function headlineOf({ run, state, stateReason, tasks }: RunAnswer): string {
  const verb = state === 'failed' || state === 'succeeded' ? state : `is ${state}`;
  const why = stateReason ?? (tasks.failed > 0 ? `${count(tasks.failed)} of ${count(tasks.total)} tasks failed` : null);
  return `${run} ${verb}${why === null ? '' : `: ${why}`}`;
}

function describeJob({ name, tasks, waitsFor }: JobAnswer): string {
  const states = (['running', 'waiting', 'failed', 'cancelled'] as const).filter((state) => tasks[state] > 0);
  const counts = states.map((state) => `, ${count(tasks[state])} ${state}`).join('');
  const waits = waitsFor === null ? '' : `; waits for ${waitsFor.text}`;
  return `${name}: ${count(tasks.succeeded)} of ${count(tasks.total)} succeeded${counts}${waits}`;
}

/** Most frequent first; equal ones in the order of their first task. */
function describeFailures(run: string, job: JobAnswer, failed: readonly TaskSummary[]): string[] {
  const byReason = new Map<string, { first: number; tasks: number }>();
  for (const task of failed) {
    const reason = task.last?.end?.reason ?? 'no reason is known';
    const found = byReason.get(reason);
    if (found === undefined) byReason.set(reason, { first: task.taskIndex, tasks: 1 });
    else found.tasks += 1;
  }
  const sorted = [...byReason].sort(([, a], [, b]) => b.tasks - a.tasks || a.first - b.first);
  const lines = sorted
    .slice(0, REASONS_TOLD)
    .map(
      ([reason, { first, tasks }]) =>
        `${count(tasks)} failed with ${reason}; the first is ${taskName(run, job.name, first)}`,
    );
  if (sorted.length > REASONS_TOLD) lines.push(`and ${count(sorted.length - REASONS_TOLD)} other reasons`);
  if (job.tasks.failed > failed.length) lines.push(`counted over the first ${count(failed.length)} failed tasks`);
  return lines;
}

/** Of a task that was cancelled before its first attempt. */
export function whyNeverStarted(run: Run, job: JobRecord, stateOf: (name: string) => RunState): string {
  if (run.cancelledBy !== null) return `cancelled by ${run.cancelledBy} before it started`;
  const readiness = readinessOf(job.spec.dependsOn, stateOf);
  if (readiness.kind !== 'never') return 'cancelled before it started';
  return `job ${readiness.because}, and depends_on asks for its success`;
}

/** What brings back a task that was cancelled: with its run where another job's failure was the cause. */
export const retryOf = (run: Run, job: JobRecord, taskIndex: number): string => {
  const name = runName(run.name, run.number);
  return job.spec.dependsOn.length > 0 && run.cancelledBy === null
    ? `distributo retry ${name}`
    : `distributo retry ${taskName(name, job.spec.name, taskIndex)}`;
};

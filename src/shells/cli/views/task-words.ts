// Words and lines that several views share: counts of tasks, what a job waits for, the end of a run.

import type { JobAnswer, RunAnswer } from '../../../engine/engine-api.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { formatCount } from '../../terminal/format.ts';
import type { Style } from '../../terminal/style.ts';

/** `9 succeeded, 1 failed, 2 cancelled`. Zeros but the first are left out. */
export function describeCounts(tasks: RunAnswer['tasks'], style: Style): string {
  const parts = [`${formatCount(tasks.succeeded)} succeeded`];
  if (tasks.failed > 0) parts.push(style.red(`${formatCount(tasks.failed)} failed`));
  if (tasks.cancelled > 0) parts.push(style.yellow(`${formatCount(tasks.cancelled)} cancelled`));
  if (tasks.running > 0) parts.push(`${formatCount(tasks.running)} running`);
  if (tasks.waiting > 0) parts.push(`${formatCount(tasks.waiting)} waiting`);
  return parts.join(', ');
}

export const waitsFor = (job: JobAnswer): string => job.waitsFor?.text ?? '-';

/** What the end of a run means to a script. A failure weighs more than a missed deadline. */
export function exitCodeOfRun(run: Pick<RunAnswer, 'state' | 'deadlineMissed' | 'endedAtMs'>): ExitCode {
  if (run.endedAtMs === null) return EXIT.notFinished;
  if (run.state === 'failed') return EXIT.someTasksFailed;
  if (run.state === 'cancelled') return EXIT.cancelled;
  return run.deadlineMissed ? EXIT.deadlineMissed : EXIT.ok;
}

// Words and lines that several views share: counts of tasks, what a job waits for, the end of a run.

import type { JobAnswer, RunAnswer } from '../../../engine/engine-api.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { formatCount, formatMoment, formatRoughDuration, type TimeStyle, zoneLabel } from '../../terminal/format.ts';
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

export const waitsFor = (job: Pick<JobAnswer, 'waitsFor'>): string => job.waitsFor?.text ?? '-';

/** What the end of a run means to a script. A failure weighs more than a missed deadline. */
export function exitCodeOfRun(run: Pick<RunAnswer, 'state' | 'deadlineMissed' | 'endedAtMs'>): ExitCode {
  if (run.endedAtMs === null) return EXIT.notFinished;
  if (run.state === 'failed') return EXIT.someTasksFailed;
  if (run.state === 'cancelled') return EXIT.cancelled;
  return run.deadlineMissed ? EXIT.deadlineMissed : EXIT.ok;
}

type TimeContext = { readonly style: Style; readonly time: TimeStyle; readonly nowMs: number };

/** `23:31 UTC forecast   deadline 00:00 UTC, 29 min to spare`; null where neither is known. */
export function timeSentence(run: RunAnswer, context: TimeContext): string | null {
  const parts = timeParts(run, context);
  return parts.length === 0 ? null : parts.join('   ');
}

/** The same in parts, for views that break between them. */
export function timeParts(run: RunAnswer, { style, time, nowMs }: TimeContext): string[] {
  const clock = (atMs: number): string => `${formatMoment(atMs, nowMs, time)} ${zoneLabel(atMs, time)}`;
  const parts: string[] = [];
  const forecast = run.endedAtMs === null ? run.finishForecastAtMs : null;
  if (forecast !== null)
    parts.push(`${clock(forecast)} forecast, in ${formatRoughDuration(Math.max(forecast - nowMs, 0))}`);
  if (run.deadlineAtMs !== null) {
    const spareMs = run.deadlineAtMs - (run.endedAtMs ?? forecast ?? nowMs);
    const words = `deadline ${clock(run.deadlineAtMs)}, ${formatRoughDuration(Math.abs(spareMs))}`;
    parts.push(spareMs >= 0 ? `${words} to spare` : style.red(`${words} late`));
  }
  return parts;
}

// One event in one line: sign, subject, what happened, why.

import type { EventAnswer } from '../../../engine/engine-api.ts';
import type { Style } from '../../terminal/style.ts';
import { escapeLine } from '../../terminal/text-width.ts';

/** @param run left away from the subject, where the view is about that run */
export function describeEvent(event: EventAnswer, style: Style, run?: string): string {
  const reason = event.reason === null ? '' : `: ${escapeLine(event.reason)}`;
  const subject = subjectOf(event, run);
  switch (event.kind) {
    case 'run-submitted':
      return `  ${subject}submitted`;
    case 'task-requeued':
      return `${style.yellow(style.sign.interrupted)} ${subject}waits to be tried again${reason}`;
    case 'warning':
      return `${style.yellow(style.sign.warning)} ${subject}${escapeLine(event.reason ?? event.state ?? '')}`;
    case 'controller-started':
    case 'controller-stopped':
      return `  controller ${event.kind === 'controller-started' ? 'started' : 'stopped'}${reason}`;
    default:
      return `${signOf(event.state, style)} ${subject}${event.state ?? ''}${reason}`;
  }
}

function subjectOf({ subject }: EventAnswer, run: string | undefined): string {
  if (subject === null) return '';
  return run !== undefined && subject.startsWith(`${run}/`) ? `${subject.slice(run.length + 1)} ` : `${subject} `;
}

/** The end of a try and that it is tried again are two facts but one piece of news. */
export function mergeRepeats(events: readonly EventAnswer[]): EventAnswer[] {
  const again = new Set(
    events.filter((event) => event.kind === 'task-requeued').map((event) => `${event.jobId}/${event.attemptSequence}`),
  );
  return events.filter(
    (event) => event.kind !== 'attempt-state' || !again.has(`${event.jobId}/${event.attemptSequence}`),
  );
}

function signOf(state: string | null, style: Style): string {
  if (state === 'succeeded') return style.green(style.sign.ok);
  if (state === 'failed' || state === 'lost') return style.red(style.sign.failed);
  if (state === 'interrupted' || state === 'preempted' || state === 'unreachable')
    return style.yellow(style.sign.interrupted);
  return ' ';
}

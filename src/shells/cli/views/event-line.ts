// One event in one line: sign, subject, what happened, why.

import type { EventAnswer } from '../../../engine/engine-api.ts';
import type { Style } from '../../terminal/style.ts';
import { escapeLine } from '../../terminal/text-width.ts';

export function describeEvent(event: EventAnswer, style: Style): string {
  const reason = event.reason === null ? '' : `: ${escapeLine(event.reason)}`;
  const subject = event.subject === null ? '' : `${event.subject} `;
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

function signOf(state: string | null, style: Style): string {
  if (state === 'succeeded') return style.green(style.sign.ok);
  if (state === 'failed' || state === 'lost') return style.red(style.sign.failed);
  if (state === 'interrupted' || state === 'preempted' || state === 'unreachable')
    return style.yellow(style.sign.interrupted);
  return ' ';
}

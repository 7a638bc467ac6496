// One line of a task's output for a terminal: a prefix that names the task, a mark for stderr, control bytes made visible.

import type { LogLine } from '../../../ports/attempt-runtime.ts';
import { formatClock, type TimeStyle } from '../../terminal/format.ts';
import type { Style } from '../../terminal/style.ts';
import { cutMiddle, escapeControls, padEnd } from '../../terminal/text-width.ts';

export const PREFIX_WIDTH_MAX = 24;

export type LogStyle = {
  readonly style: Style;
  readonly time: TimeStyle;
  /** Bytes as the task wrote them. */
  readonly isRaw: boolean;
  /** Cells of the widest prefix so far; 0: one task alone, no prefix. */
  readonly prefixWidth: number;
};

/** @param name `dock/2487`, without the run */
export function renderLogLine(name: string, line: LogLine, { style, time, isRaw, prefixWidth }: LogStyle): string {
  const text = isRaw ? line.text : escapeControls(lastOverwrite(line.text));
  if (line.stream === 'distributo') return `${prefixOf(name, prefixWidth, style)}${style.dim(`-- ${text} --`)}`;
  const mark = line.stream === 'stderr' ? style.yellow('!') : ' ';
  const clock = style.dim(formatClock(line.atMs, time));
  return prefixWidth === 0 ? `${mark} ${text}` : `${prefixOf(name, prefixWidth, style)}${mark} ${clock} ${text}`;
}

/** A progress bar writes over itself with carriage returns: what a terminal would show at the end of the line. */
function lastOverwrite(text: string): string {
  if (!text.includes('\r')) return text;
  return text.split('\r').findLast((part) => part !== '') ?? '';
}

function prefixOf(name: string, width: number, style: Style): string {
  if (width === 0) return '';
  const cells = Math.min(width, PREFIX_WIDTH_MAX);
  return `${style.named(name, padEnd(cutMiddle(name, cells, style.sign.ellipsis), cells))} `;
}

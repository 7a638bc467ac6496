// A view that is redrawn in place: one write a frame, at most ten a second, at most the terminal's height less one, each line
// cleared to its end. Whatever ends the process, cursor and wrap are given back; the last frame stays in the scroll-back.

import { formatQuantity } from './format.ts';
import { columnsOf, rowsOf, type TerminalStream } from './terminal-stream.ts';
import { cutStyledLine, stripStyle, textWidth } from './text-width.ts';

const FRAME_MS = 100;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const WRAP_OFF = '\x1b[?7l';
const WRAP_ON = '\x1b[?7h';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

export type LiveView = {
  /** Draws soon. `draw` is called with the room there is at that moment, again after a resize. */
  update(draw: (size: FrameSize) => readonly string[]): void;
  /** Draws what was given last, gives the terminal back and leaves the frame where it is. */
  stop(): void;
  /** Takes the frame away instead: something else takes its place. */
  clear(): void;
};

export type FrameSize = { readonly columns: number; readonly rows: number };

export type LiveViewOptions = {
  readonly nowMs: () => number;
  readonly setTimer: (wake: () => void, delayMs: number) => { cancel(): void };
  /** Runs at the process's end, however it comes; the answer takes it back. */
  readonly atExit: (restore: () => void) => () => void;
};

const realOptions: LiveViewOptions = {
  nowMs: () => performance.now(),
  setTimer: (wake, delayMs) => {
    const timer = setTimeout(wake, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  atExit: (restore) => {
    process.on('exit', restore);
    return () => process.off('exit', restore);
  },
};

export function createLiveView(stream: TerminalStream, options: LiveViewOptions = realOptions): LiveView {
  let drawn: readonly string[] = [];
  let draw: ((size: FrameSize) => readonly string[]) | undefined;
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  let timer: { cancel(): void } | undefined;
  let isOpen = false;
  let takeBackExit = (): unknown => undefined;

  const size = (): FrameSize => ({ columns: columnsOf(stream), rows: Math.max(1, rowsOf(stream) - 1) });
  /** To the first line of the last frame. A narrower terminal has broken its lines, so they count as many as they now take. */
  const backToStart = (): string => {
    const columns = size().columns;
    const height = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(stripStyle(line)) / columns)), 0);
    return height > 1 ? `\r\x1b[${Math.min(height, rowsOf(stream)) - 1}A` : '\r';
  };
  const paint = (): void => {
    timer = undefined;
    if (draw === undefined) return;
    const frame = fitFrame(draw(size()), size());
    const opening = isOpen ? '' : HIDE_CURSOR + WRAP_OFF;
    if (!isOpen) open();
    const { columns } = size();
    // On a full line the cursor stands on its last cell: clearing from there would take that away.
    const clearEnd = (line: string): string => (textWidth(stripStyle(line)) < columns ? line + CLEAR_LINE_END : line);
    const last = frame.length - 1;
    const lines = frame.map((line, at) => (at === last ? CLEAR_BELOW + line : clearEnd(line)));
    stream.write(opening + backToStart() + lines.join('\r\n'));
    drawn = frame;
    drawnAtMs = options.nowMs();
  };
  const repaint = (): void => {
    timer?.cancel();
    paint();
  };
  /** The terminal has broken or joined lines of the old frame: they go first, with the marks it keeps of that. */
  const repaintAfterResize = (): void => {
    if (drawn.length > 0) stream.write(backToStart() + CLEAR_BELOW);
    drawn = [];
    repaint();
  };
  const open = (): void => {
    isOpen = true;
    takeBackExit = options.atExit(() => stream.write(`${WRAP_ON}${SHOW_CURSOR}\r\n`));
    stream.on?.('resize', repaintAfterResize);
  };
  const close = (ending: string): void => {
    timer?.cancel();
    timer = undefined;
    draw = undefined;
    if (!isOpen) return;
    isOpen = false;
    takeBackExit();
    stream.off?.('resize', repaintAfterResize);
    stream.write(ending + WRAP_ON + SHOW_CURSOR);
    drawn = [];
  };
  return {
    update(next) {
      draw = next;
      if (timer !== undefined) return;
      const wait = drawnAtMs + FRAME_MS - options.nowMs();
      if (wait <= 0) paint();
      else timer = options.setTimer(paint, wait);
    },
    stop() {
      if (timer !== undefined) repaint();
      close('\r\n');
    },
    clear() {
      close(isOpen ? backToStart() + CLEAR_BELOW : '');
    },
  };
}

/** Cuts what is too wide, and puts one line in the place of what is too high. */
function fitFrame(lines: readonly string[], size: FrameSize): string[] {
  const cut = (line: string): string => cutStyledLine(line, size.columns);
  if (lines.length <= size.rows) return lines.map(cut);
  const kept = lines.slice(0, size.rows - 1);
  return [...kept, `  ${formatQuantity(lines.length - kept.length, 'more line')}`].map(cut);
}

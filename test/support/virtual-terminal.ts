// A small terminal: enough of what the live view writes (lines, cursor up, clearing, modes) to look at the screen it leaves.

import type { TerminalStream } from '../../src/shells/terminal/terminal-stream.ts';

export type VirtualTerminal = TerminalStream & {
  columns: number;
  rows: number;
  readonly writes: string[];
  /** Scroll-back and screen, without trailing spaces and empty lines at the end. */
  lines(): string[];
  isCursorShown: boolean;
  isWrapOn: boolean;
  resize(columns: number, rows: number): void;
};

export function aVirtualTerminal(columns = 80, rows = 24): VirtualTerminal {
  const grid: string[][] = [[]];
  const listeners = new Set<() => void>();
  let row = 0;
  let column = 0;

  const lineAt = (index: number): string[] => {
    while (grid.length <= index) grid.push([]);
    return grid[index] as string[];
  };
  const top = (): number => Math.max(0, grid.length - terminal.rows);
  /** After the last cell of a line the cursor still stands on it. */
  const cursor = (): number => Math.min(column, terminal.columns - 1);
  const put = (character: string): void => {
    if (column >= terminal.columns) {
      if (terminal.isWrapOn) {
        row++;
        column = 0;
      } else column = terminal.columns - 1;
    }
    const line = lineAt(row);
    while (line.length < column) line.push(' ');
    line[column++] = character;
  };
  const obey = (parameters: string, order: string): void => {
    const count = Number.parseInt(parameters, 10) || 0;
    if (order === 'A') row = Math.max(top(), row - Math.max(1, count));
    else if (order === 'K') lineAt(row).splice(cursor());
    else if (order === 'J') {
      lineAt(row).splice(cursor());
      grid.splice(row + 1);
    } else if (parameters === '?25') terminal.isCursorShown = order === 'h';
    else if (parameters === '?7') terminal.isWrapOn = order === 'h';
  };

  const terminal: VirtualTerminal = {
    isTTY: true,
    columns,
    rows,
    writes: [],
    isCursorShown: true,
    isWrapOn: true,
    write(text) {
      terminal.writes.push(text);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads control characters
      for (const [part, parameters, order] of text.matchAll(/\x1b\[([?0-9;]*)([A-Za-z])|[\s\S]/gu)) {
        if (order !== undefined) obey(parameters as string, order);
        else if (part === '\r') column = 0;
        else if (part === '\n') lineAt(++row);
        else put(part);
      }
      return true;
    },
    lines: () => {
      const lines = grid.map((line) => line.join('').trimEnd());
      while (lines.at(-1) === '') lines.pop();
      return lines;
    },
    on: (_event, listener) => listeners.add(listener),
    off: (_event, listener) => listeners.delete(listener),
    resize(newColumns, newRows) {
      terminal.columns = newColumns;
      terminal.rows = newRows;
      for (const listener of listeners) listener();
    },
  };
  return terminal;
}

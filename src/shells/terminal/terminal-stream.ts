// What the terminal room needs of an output: a place to write, and its size where it is a terminal.

export type Environment = Readonly<Record<string, string | undefined>>;

export type TerminalStream = {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
};

/** Columns to draw in. Not a terminal: no limit, so that nothing is cut from what goes into a file. */
export function columnsOf(stream: TerminalStream): number {
  if (stream.isTTY !== true) return Number.POSITIVE_INFINITY;
  // Some terminals (a serial line, a new pty) say 0.
  return stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns;
}

export function rowsOf(stream: TerminalStream): number {
  return stream.rows === undefined || stream.rows === 0 ? 24 : stream.rows;
}

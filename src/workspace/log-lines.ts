// Cuts the records of a log into lines: at line ends, each stream by itself, a line's instant being that of its first byte.
// A line over 64 KiB is given in parts, and said to be one.

import type { LogLine } from '../ports/attempt-runtime.ts';
import { characterCut, decodeBytes } from './decode-bytes.ts';
import { type LogRecord, type LogStream, parseGap, type SegmentHeader } from './log-records.ts';

export const LINE_BYTES_MAX = 64 * 1024;
const NEWLINE = 10;
const RETURN = 13;

type OpenLine = { atMs: number; pieces: Buffer[]; bytes: number; givenBytes: number; skip: boolean };

export class LineCutter {
  readonly #open: Record<LogStream, OpenLine> = { stdout: emptyLine(), stderr: emptyLine() };

  /** Drops what is left of lines that began before the first record: their instant and beginning are not known. */
  skipMidLine(header: SegmentHeader): void {
    this.#open.stdout.skip = header.isMidLine.stdout;
    this.#open.stderr.skip = header.isMidLine.stderr;
  }

  cut(record: LogRecord): LogLine[] {
    if (record.kind === 'stdout' || record.kind === 'stderr') return this.#cutBytes(record.kind, record);
    if (record.kind === 'note') {
      return record.content
        .toString()
        .split('\n')
        .map((text) => ours(record.atMs, text));
    }
    if (record.kind !== 'gap') return [];
    const gap = parseGap(record.content);
    const bytes = gap.stdout + gap.stderr;
    return [...this.end(), ours(record.atMs, `${count(bytes)} bytes of output left out here: ${gap.reason}`)];
  }

  /** Says that segments were dropped between the last record and the next. */
  cutGap(bytes: number, header: SegmentHeader): LogLine[] {
    const limitKib = Math.round(header.limitBytes / 1024);
    const limit = limitKib < 1024 ? `${limitKib} KiB` : `${count(Math.round(limitKib / 1024))} MiB`;
    const text = `${count(bytes)} bytes of output left out here: of an attempt's output ${limit} are kept, half from its beginning, half from its end`;
    return [...this.end(), ours(header.lastAtMs ?? 0, text)];
  }

  /** The lines that have no end yet, as they are. */
  end(): LogLine[] {
    const lines: LogLine[] = [];
    for (const stream of ['stdout', 'stderr'] as const) {
      const open = this.#open[stream];
      if (open.bytes > 0 && !open.skip) this.#finish(stream, lines);
      this.#open[stream] = emptyLine();
    }
    return lines.sort((a, b) => a.atMs - b.atMs);
  }

  #cutBytes(stream: LogStream, record: LogRecord): LogLine[] {
    const lines: LogLine[] = [];
    for (let start = 0; start < record.content.length; ) {
      const newline = record.content.indexOf(NEWLINE, start);
      const piece = record.content.subarray(start, newline < 0 ? record.content.length : newline);
      const open = this.#open[stream];
      if (open.bytes === 0 && open.givenBytes === 0) open.atMs = record.atMs;
      if (!open.skip && piece.length > 0) {
        open.pieces.push(piece);
        open.bytes += piece.length;
        if (open.bytes > LINE_BYTES_MAX) this.#givePart(stream, lines);
      }
      if (newline < 0) break;
      if (!open.skip) this.#finish(stream, lines);
      this.#open[stream] = emptyLine();
      start = newline + 1;
    }
    return lines;
  }

  #givePart(stream: LogStream, lines: LogLine[]): void {
    const open = this.#open[stream];
    let rest = Buffer.concat(open.pieces);
    while (rest.length > LINE_BYTES_MAX) {
      const cut = characterCut(rest, LINE_BYTES_MAX);
      lines.push({ atMs: open.atMs, stream, text: decodeBytes(rest.subarray(0, cut)) });
      open.givenBytes += cut;
      rest = rest.subarray(cut);
    }
    open.pieces = [rest];
    open.bytes = rest.length;
  }

  #finish(stream: LogStream, lines: LogLine[]): void {
    const { atMs, pieces, givenBytes } = this.#open[stream];
    const whole = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    const bytes = whole[whole.length - 1] === RETURN ? whole.subarray(0, -1) : whole;
    lines.push({ atMs, stream, text: decodeBytes(bytes) });
    if (givenBytes === 0) return;
    const text = `the line above has ${count(givenBytes + whole.length)} bytes and is shown in parts of at most 64 KiB`;
    lines.push(ours(atMs, text));
  }
}

const emptyLine = (): OpenLine => ({ atMs: 0, pieces: [], bytes: 0, givenBytes: 0, skip: false });
const ours = (atMs: number, text: string): LogLine => ({ atMs, stream: 'distributo', text });
const count = (value: number): string => value.toLocaleString('en-US');

// Reads a log that capped-log.ts keeps, also while it grows. `tail` and `sinceMs` begin at the segment where the answer
// begins and do not read those before it. What the writer still has in its buffer is seen when it has been flushed.

import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogLine, LogQuery } from '../ports/attempt-runtime.ts';
import { LineCutter } from './log-lines.ts';
import {
  carriedBytes,
  decodeRecords,
  type LogRecord,
  type LogStream,
  listSegments,
  parseSegmentHeader,
  RECORD_CONTENT_MAX,
  RECORD_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from './log-records.ts';

const POLL_MS = 100;
const BLOCK_BYTES = 4 * (RECORD_CONTENT_MAX + RECORD_HEADER_BYTES);
const NEWLINE = 10;
const STREAMS = ['stdout', 'stderr'] as const;

/** Without `follow`: what is there now. With it: also what comes, until `isEnded`. */
export function readCappedLog(
  directory: string,
  query: LogQuery,
  isEnded: () => boolean | Promise<boolean>,
): AsyncIterable<LogLine> {
  return {
    [Symbol.asyncIterator]() {
      const pause = new Pause();
      const lines = readLines(directory, query, isEnded, pause);
      return {
        next: () => lines.next(),
        // A generator that waits would answer `return` only with its next line; who stops reading does not wait for it.
        return: async () => {
          pause.stop();
          return lines.return(undefined);
        },
      };
    },
  };
}

class Pause {
  isStopped = false;
  #wake: (() => void) | undefined;
  stop(): void {
    this.isStopped = true;
    this.#wake?.();
  }
  async wait(): Promise<void> {
    if (this.isStopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function* readLines(
  directory: string,
  query: LogQuery,
  isEnded: () => boolean | Promise<boolean>,
  pause: Pause,
): AsyncGenerator<LogLine, undefined> {
  const reader = new SegmentReader(directory);
  const isWanted = (line: LogLine) => query.sinceMs === undefined || line.atMs >= query.sinceMs;
  try {
    await reader.begin(query);
    const last: LogLine[] = [];
    let isTailing = query.tail !== undefined;
    for (;;) {
      const hasEnded = !query.follow || (await isEnded());
      for (let lines = await reader.read(); lines !== undefined; lines = await reader.read()) {
        const wanted = lines.filter(isWanted);
        if (isTailing) keepLast(last, wanted, query.tail ?? 0);
        else yield* wanted;
        if (pause.isStopped) return undefined;
      }
      const rest = hasEnded ? reader.end().filter(isWanted) : [];
      if (isTailing) {
        keepLast(last, rest, query.tail ?? 0);
        isTailing = false;
        yield* last;
      } else yield* rest;
      if (hasEnded || pause.isStopped) return undefined;
      await pause.wait();
    }
  } finally {
    await reader.close();
  }
}

function keepLast(last: LogLine[], lines: readonly LogLine[], count: number): void {
  for (const line of lines) last.push(line);
  if (last.length > count) last.splice(0, last.length - count);
}

class SegmentReader {
  readonly #directory: string;
  readonly #cutter = new LineCutter();
  #number = -1;
  #file: FileHandle | undefined;
  #offset = 0;
  #next = 0;
  /** Bytes of both streams up to where we stand; undefined until the first header is read. */
  #seenBytes: number | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async begin(query: LogQuery): Promise<void> {
    const segments = await listSegments(this.#directory);
    if (segments.length < 2) return;
    const since = query.sinceMs === undefined ? 0 : await this.#findSince(segments, query.sinceMs);
    const tail = query.tail === undefined ? 0 : await this.#findTail(segments, query.tail, since);
    this.#next = segments[Math.max(since, tail)] as number;
    if (since > 0 && since >= tail) {
      const header = await this.#readHeader(this.#next);
      if (header) this.#cutter.skipMidLine(header);
    }
  }

  /** Lines that have become whole; undefined where there is nothing new now. */
  async read(): Promise<LogLine[] | undefined> {
    if (!this.#file && !(await this.#openNext())) return undefined;
    const records = await this.#readRecords();
    if (records.length > 0) return records.flatMap((record) => this.#take(record));
    // The writer goes on to a later segment only when this one is complete; records may have come just before it did.
    if (!(await this.#hasLater())) return undefined;
    const late = await this.#readRecords();
    if (late.length > 0) return late.flatMap((record) => this.#take(record));
    await this.#closeFile();
    return (await this.#openNext()) ? [] : undefined;
  }

  end(): LogLine[] {
    return this.#cutter.end();
  }

  async close(): Promise<void> {
    await this.#closeFile();
  }

  #take(record: LogRecord): LogLine[] {
    if (record.kind === 'header') {
      const header = parseSegmentHeader(record) as SegmentHeader;
      const before = header.appended.stdout + header.appended.stderr;
      const gapBytes = before - (this.#seenBytes ?? before);
      this.#seenBytes = before;
      return gapBytes > 0 ? this.#cutter.cutGap(gapBytes, header) : [];
    }
    const carried = carriedBytes(record.kind, record.content);
    this.#seenBytes = (this.#seenBytes ?? 0) + carried.stdout + carried.stderr;
    return this.#cutter.cut(record);
  }

  async #readRecords(): Promise<LogRecord[]> {
    if (!this.#file) return [];
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    const { bytesRead } = await this.#file.read(block, 0, BLOCK_BYTES, this.#offset);
    const { records, end } = decodeRecords(block.subarray(0, bytesRead));
    this.#offset += end;
    return records;
  }

  async #hasLater(): Promise<boolean> {
    const segments = await listSegments(this.#directory);
    return (segments.at(-1) ?? -1) > this.#number;
  }

  /** The oldest segment from `#next` on; one that is dropped while we look is passed over. */
  async #openNext(): Promise<boolean> {
    const segments = (await listSegments(this.#directory)).filter((number) => number >= this.#next);
    for (const number of segments) {
      const file = await open(join(this.#directory, segmentName(number))).catch(() => undefined);
      if (!file) continue;
      this.#file = file;
      this.#number = number;
      this.#next = number + 1;
      this.#offset = 0;
      return true;
    }
    return false;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** The last position in `segments` before which everything is older than `sinceMs`. */
  async #findSince(segments: readonly number[], sinceMs: number): Promise<number> {
    for (let at = segments.length - 1; at > 0; at -= 1) {
      const header = await this.#readHeader(segments[at] as number);
      if (header && (header.lastAtMs ?? 0) < sinceMs) return at;
    }
    return 0;
  }

  /** A position from which at least `count` whole lines follow, not in the middle of a line. */
  async #findTail(segments: readonly number[], count: number, lowest: number): Promise<number> {
    let lines = 0;
    let open: readonly LogStream[] = STREAMS;
    for (let at = segments.length - 1; at > lowest; at -= 1) {
      const found = await this.#countLines(segments[at] as number);
      if (!found) return lowest;
      const hadEnough = at < segments.length - 1 && lines >= count;
      lines += found.stdout + found.stderr + found.notes;
      if (lines < count) continue;
      open = (hadEnough ? open.filter((stream) => found[stream] === 0) : STREAMS).filter(
        (stream) => found.header.isMidLine[stream],
      );
      if (open.length === 0) return at;
    }
    return lowest;
  }

  async #countLines(
    number: number,
  ): Promise<{ stdout: number; stderr: number; notes: number; header: SegmentHeader } | undefined> {
    const bytes = await readFile(join(this.#directory, segmentName(number))).catch(() => Buffer.alloc(0));
    const { records } = decodeRecords(bytes);
    const header = parseSegmentHeader(records[0]);
    if (!header) return undefined;
    const found = { stdout: 0, stderr: 0, notes: 0, header };
    for (const record of records) {
      if (record.kind === 'note') found.notes += 1;
      if (record.kind !== 'stdout' && record.kind !== 'stderr') continue;
      for (let at = record.content.indexOf(NEWLINE); at >= 0; at = record.content.indexOf(NEWLINE, at + 1)) {
        found[record.kind] += 1;
      }
    }
    return found;
  }

  async #readHeader(number: number): Promise<SegmentHeader | undefined> {
    const file = await open(join(this.#directory, segmentName(number))).catch(() => undefined);
    if (!file) return undefined;
    try {
      const block = Buffer.alloc(4096);
      const { bytesRead } = await file.read(block, 0, block.length, 0);
      return parseSegmentHeader(decodeRecords(block.subarray(0, bytesRead)).records[0]);
    } finally {
      await file.close();
    }
  }
}

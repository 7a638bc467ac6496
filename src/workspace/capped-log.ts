// Keeps the output of one attempt within a limit: the first half and the last half of it, what lay between is dropped and
// counted. The log is a row of segments, a sixteenth of the limit each: the first eight stay, of the later ones the newest
// eight. Appending is a copy into a buffer, written 64 KiB at a time or after 100 ms, never fsynced: a crash loses at most
// the buffer, and a torn last record is cut off when the log is opened again. One writer at a time.

import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  carriedBytes,
  decodeRecords,
  encodeRecord,
  type LogGap,
  type LogStream,
  parseSegmentHeader,
  parseSegmentName,
  RECORD_CONTENT_MAX,
  RECORD_HEADER_BYTES,
  type RecordKind,
  type SegmentHeader,
  type StreamBytes,
  segmentName,
} from './log-records.ts';

export { readCappedLog } from './read-capped-log.ts';

export const LOG_LIMIT_BYTES = 64 * 1024 * 1024;
const SEGMENTS_PER_HALF = 8;
const BUFFER_BYTES = 64 * 1024;
const FLUSH_AFTER_MS = 100;
const LIMIT_BYTES_MIN = 16 * 1024;
const NEWLINE = 10;

export interface CappedLog {
  append(atMs: number, stream: LogStream, bytes: Uint8Array): void;
  /** A line of our own among the output. */
  note(atMs: number, text: string): void;
  /** Counts bytes that the source had and that are not taken, because none of them would be kept. */
  leaveOut(atMs: number, bytes: StreamBytes, reason: string): void;
  /** The latest instant in the log; undefined while it is empty. */
  readonly lastAtMs: number | undefined;
  /** Bytes appended at `lastAtMs`: what a source that is read again from that instant gives twice. */
  readonly appendedAtLast: StreamBytes;
  /** Bytes of each stream ever appended, also those no longer kept. */
  readonly appended: StreamBytes;
  /** Hands what is buffered to the operating system. Never throws: what cannot be written is counted as a gap. */
  flush(): void;
  close(): Promise<void>;
}

export function openCappedLog(directory: string, options: { readonly limitBytes?: number } = {}): CappedLog {
  return new SegmentWriter(directory, Math.max(options.limitBytes ?? LOG_LIMIT_BYTES, LIMIT_BYTES_MIN));
}

class SegmentWriter implements CappedLog {
  readonly #directory: string;
  readonly #limitBytes: number;
  readonly #segmentBytes: number;
  #number = -1;
  #file: number | undefined;
  /** Bytes of the segment on disk, and with those in the buffer. */
  #written = 0;
  #size = 0;
  #buffer: Buffer[] = [];
  #buffered = { bytes: 0, stdout: 0, stderr: 0 };
  /** Bytes that could not be written, until a gap record says so; `#appended` does not hold them. */
  #lost = { stdout: 0, stderr: 0 };
  #lostReason = '';
  #appended = { stdout: 0, stderr: 0 };
  #lastAtMs: number | undefined;
  #appendedAtLast = { stdout: 0, stderr: 0 };
  #isMidLine = { stdout: false, stderr: false };
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string, limitBytes: number) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
    this.#segmentBytes = Math.floor(limitBytes / (2 * SEGMENTS_PER_HALF));
    this.#resume();
  }

  get lastAtMs(): number | undefined {
    return this.#lastAtMs;
  }
  get appendedAtLast(): StreamBytes {
    return { ...this.#appendedAtLast };
  }
  get appended(): StreamBytes {
    return { stdout: this.#appended.stdout + this.#lost.stdout, stderr: this.#appended.stderr + this.#lost.stderr };
  }

  append(atMs: number, stream: LogStream, bytes: Uint8Array): void {
    const pieceMax = Math.min(RECORD_CONTENT_MAX, this.#segmentBytes >> 1);
    for (let start = 0; start < bytes.length; start += pieceMax) {
      this.#add(stream, atMs, bytes.subarray(start, start + pieceMax));
    }
  }

  note(atMs: number, text: string): void {
    this.#add('note', atMs, Buffer.from(text).subarray(0, this.#segmentBytes >> 1));
  }

  leaveOut(atMs: number, bytes: StreamBytes, reason: string): void {
    const gap: LogGap = { ...bytes, reason };
    this.#add('gap', atMs, Buffer.from(JSON.stringify(gap)));
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#buffered.bytes === 0) return;
    const bytes = this.#buffer.length === 1 ? (this.#buffer[0] as Buffer) : Buffer.concat(this.#buffer);
    try {
      this.#file ??= openSync(join(this.#directory, segmentName(this.#number)), 'a', 0o600);
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
      this.#written += bytes.length;
    } catch (error) {
      this.#giveUp(error);
    }
    this.#buffer = [];
    this.#buffered = { bytes: 0, stdout: 0, stderr: 0 };
  }

  async close(): Promise<void> {
    this.#sayLoss();
    this.flush();
    this.#closeFile();
  }

  #add(kind: RecordKind, atMs: number, content: Uint8Array): void {
    this.#sayLoss();
    this.#put(kind, atMs, content);
  }

  #put(kind: RecordKind, atMs: number, content: Uint8Array): void {
    const length = RECORD_HEADER_BYTES + content.length;
    if (this.#number < 0 || this.#size + length > this.#segmentBytes) this.#openSegment(this.#number + 1, atMs);
    this.#buffer.push(encodeRecord(kind, atMs, content));
    this.#size += length;
    this.#buffered.bytes += length;
    const carried = carriedBytes(kind, content);
    this.#buffered.stdout += carried.stdout;
    this.#buffered.stderr += carried.stderr;
    this.#count(kind, atMs, content);
    if (this.#buffered.bytes >= BUFFER_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  }

  #count(kind: RecordKind, atMs: number, content: Uint8Array): void {
    if (this.#lastAtMs === undefined || atMs > this.#lastAtMs) {
      this.#lastAtMs = atMs;
      this.#appendedAtLast = { stdout: 0, stderr: 0 };
    }
    const carried = carriedBytes(kind, content);
    this.#appended.stdout += carried.stdout;
    this.#appended.stderr += carried.stderr;
    if (kind !== 'stdout' && kind !== 'stderr') return;
    if (atMs === this.#lastAtMs) this.#appendedAtLast[kind] += content.length;
    if (content.length > 0) this.#isMidLine[kind] = content[content.length - 1] !== NEWLINE;
  }

  #openSegment(number: number, atMs: number): void {
    this.flush();
    this.#closeFile();
    const dropped = number - SEGMENTS_PER_HALF;
    try {
      if (number === 0) mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      if (dropped >= SEGMENTS_PER_HALF) rmSync(join(this.#directory, segmentName(dropped)), { force: true });
    } catch (error) {
      this.#lostReason = describe(error);
    }
    this.#number = number;
    this.#written = 0;
    const header: SegmentHeader = {
      limitBytes: this.#limitBytes,
      appended: this.#appended,
      lastAtMs: this.#lastAtMs ?? null,
      appendedAtLast: this.#appendedAtLast,
      isMidLine: this.#isMidLine,
    };
    const record = encodeRecord('header', atMs, Buffer.from(JSON.stringify(header)));
    this.#buffer.push(record);
    this.#size = record.length;
    this.#buffered.bytes += record.length;
  }

  /** After a failed write: cuts a torn record off and counts what is lost. A segment without a header is opened anew. */
  #giveUp(error: unknown): void {
    this.#lostReason = describe(error);
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#lost[stream] += this.#buffered[stream];
      this.#appended[stream] -= this.#buffered[stream];
    }
    this.#size = this.#written;
    if (this.#file !== undefined) {
      try {
        ftruncateSync(this.#file, this.#written);
      } catch {
        // The torn record is then cut off when the log is opened again.
      }
    }
    if (this.#written === 0) {
      this.#closeFile();
      this.#number -= 1;
      this.#size = this.#segmentBytes;
    }
  }

  #sayLoss(): void {
    if (this.#lost.stdout + this.#lost.stderr === 0) return;
    const gap: LogGap = { ...this.#lost, reason: this.#lostReason };
    this.#lost = { stdout: 0, stderr: 0 };
    this.#put('gap', this.#lastAtMs ?? 0, Buffer.from(JSON.stringify(gap)));
  }

  #closeFile(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Takes the log up where an earlier writer left it. */
  #resume(): void {
    const number = this.#newestSegment();
    if (number === undefined) return;
    const path = join(this.#directory, segmentName(number));
    const { records, end } = decodeRecords(readFileSync(path));
    const header = parseSegmentHeader(records[0]);
    if (!header) {
      // Torn before its header was whole: there is nothing in it, and the segment before it says what was.
      rmSync(path, { force: true });
      this.#resume();
      return;
    }
    this.#number = number;
    this.#written = end;
    this.#size = end;
    this.#appended = { ...header.appended };
    this.#lastAtMs = header.lastAtMs ?? undefined;
    this.#appendedAtLast = { ...header.appendedAtLast };
    this.#isMidLine = { ...header.isMidLine };
    for (const record of records.slice(1)) this.#count(record.kind, record.atMs, record.content);
    this.#file = openSync(path, 'a', 0o600);
    ftruncateSync(this.#file, end);
  }

  #newestSegment(): number | undefined {
    try {
      return readdirSync(this.#directory)
        .map(parseSegmentName)
        .filter((number) => number !== undefined)
        .reduce<number | undefined>((newest, number) => Math.max(newest ?? number, number), undefined);
    } catch {
      return undefined;
    }
  }
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

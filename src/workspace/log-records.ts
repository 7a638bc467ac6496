// The form of a captured log on disk: segment files of records. A record is its kind (1 byte), its instant (6 bytes), the
// length of its content (4 bytes) and the content. A segment opens with a header record that says what came before it, so
// that any segment can be read alone. What to keep and what to show is decided in capped-log.ts and read-capped-log.ts.

import { readdir } from 'node:fs/promises';

export type LogStream = 'stdout' | 'stderr';

export const RECORD_HEADER_BYTES = 11;

/** `gap`: bytes that could not be written (disk full); its content is a JSON object of type LogGap. */
const KINDS = ['', 'stdout', 'stderr', 'note', 'header', 'gap'] as const;
export type RecordKind = Exclude<(typeof KINDS)[number], ''>;

export type LogRecord = { readonly kind: RecordKind; readonly atMs: number; readonly content: Buffer };

export type StreamBytes = { readonly stdout: number; readonly stderr: number };

export type LogGap = StreamBytes & { readonly reason: string };

/** Bytes of output that a record stands for: its own, or those that a gap says are missing. */
export function carriedBytes(kind: RecordKind, content: Uint8Array): StreamBytes {
  if (kind === 'stdout') return { stdout: content.length, stderr: 0 };
  if (kind === 'stderr') return { stdout: 0, stderr: content.length };
  if (kind === 'gap') return parseGap(content);
  return { stdout: 0, stderr: 0 };
}

export const parseGap = (content: Uint8Array): LogGap => JSON.parse(Buffer.from(content).toString()) as LogGap;

/** What was true before the first record of a segment. */
export type SegmentHeader = {
  readonly limitBytes: number;
  /** Bytes of each stream ever appended, also those no longer kept. */
  readonly appended: StreamBytes;
  /** The latest instant of any record; null: none. */
  readonly lastAtMs: number | null;
  /** Of `appended`, those at `lastAtMs`. */
  readonly appendedAtLast: StreamBytes;
  /** The stream stands in the middle of a line. */
  readonly isMidLine: { readonly stdout: boolean; readonly stderr: boolean };
};

export function encodeRecord(kind: RecordKind, atMs: number, content: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + content.length);
  record.writeUInt8(KINDS.indexOf(kind), 0);
  record.writeUIntBE(Math.max(0, Math.trunc(atMs)), 1, 6);
  record.writeUInt32BE(content.length, 7);
  record.set(content, RECORD_HEADER_BYTES);
  return record;
}

/** The record at `offset`; undefined where it is not whole (yet); null where there is no record but rubbish. */
export function decodeRecord(bytes: Buffer, offset: number, contentMax: number): LogRecord | undefined | null {
  if (bytes.length - offset < RECORD_HEADER_BYTES) return undefined;
  const kind = KINDS[bytes.readUInt8(offset)];
  const length = bytes.readUInt32BE(offset + 7);
  if (!kind || length > contentMax) return null;
  const start = offset + RECORD_HEADER_BYTES;
  if (bytes.length - start < length) return undefined;
  return { kind, atMs: bytes.readUIntBE(offset + 1, 6), content: bytes.subarray(start, start + length) };
}

/** No record's content is longer; a longer one is rubbish left by a crash. */
export const RECORD_CONTENT_MAX = 64 * 1024;

/** Every whole record of `bytes` from `offset` on, and where the first that is not whole begins. */
export function decodeRecords(bytes: Buffer, offset = 0): { readonly records: LogRecord[]; readonly end: number } {
  const records: LogRecord[] = [];
  let end = offset;
  for (;;) {
    const record = decodeRecord(bytes, end, RECORD_CONTENT_MAX);
    if (!record) return { records, end };
    records.push(record);
    end += RECORD_HEADER_BYTES + record.content.length;
  }
}

export const parseSegmentHeader = (record: LogRecord | undefined): SegmentHeader | undefined =>
  record?.kind === 'header' ? (JSON.parse(record.content.toString()) as SegmentHeader) : undefined;

export const segmentName = (number: number): string => `${String(number).padStart(8, '0')}.segment`;

export const parseSegmentName = (name: string): number | undefined =>
  /^\d{8}\.segment$/.test(name) ? Number.parseInt(name, 10) : undefined;

/** The numbers of the segments that are there, ascending; none where there is no folder. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .map(parseSegmentName)
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
}

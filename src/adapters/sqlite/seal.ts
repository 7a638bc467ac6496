// A check sum in every row, so that a changed bit on the disk is noticed when the row is read, and not acted upon.
// Each step is a bijection of the sum so far, so one changed value always changes the seal.

import type { SqlValue } from './driver.ts';

const PRIME = 0x01000193;
const NULL_MARK = 0x4e554c4c;

/** The seal (a signed 32-bit integer) of `values[from..to)`, in a table that has its own `salt`. */
export function sealOf(salt: number, values: readonly SqlValue[], from = 0, to = values.length): number {
  let sum = Math.imul(salt ^ 0x811c9dc5, PRIME);
  for (let i = from; i < to; i += 1) {
    const value = values[i] as SqlValue;
    if (typeof value === 'number') sum = mixNumber(sum, value);
    else if (value === null) sum = Math.imul(sum ^ NULL_MARK, PRIME);
    else if (typeof value === 'string') sum = mixText(sum, value);
    else sum = mixBytes(sum, value);
  }
  return sum ^ (sum >>> 15);
}

function mixNumber(sum: number, value: number): number {
  if (!Number.isSafeInteger(value)) return mixText(sum, String(value));
  return Math.imul(Math.imul(sum ^ (value | 0), PRIME) ^ Math.floor(value / 0x1_0000_0000), PRIME);
}

function mixText(sum: number, text: string): number {
  let mixed = Math.imul(sum ^ text.length, PRIME);
  for (let i = 0; i < text.length; i += 1) mixed = Math.imul(mixed ^ text.charCodeAt(i), PRIME);
  return mixed;
}

function mixBytes(sum: number, bytes: Uint8Array): number {
  let mixed = Math.imul(sum ^ bytes.length, PRIME);
  for (let i = 0; i < bytes.length; i += 1) mixed = Math.imul(mixed ^ (bytes[i] as number), PRIME);
  return mixed;
}

/** Text as SQLite gives it back: no NUL (some drivers end there) and no half surrogate pair (UTF-8 has none). */
export function cleanText(text: string): string {
  return SUSPICIOUS.test(text) ? Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\ufffd') : text;
}

const SUSPICIOUS = /[\0\ud800-\udfff]/;

/** One salt a table: a row that turns up in another table does not pass. On people's disks: never changed. */
export const SALTS = {
  meta: 1,
  texts: 2,
  runs: 3,
  jobs: 4,
  jobSpecs: 5,
  attemptStarts: 6,
  attemptEnds: 7,
  liveStates: 8,
  taskChunks: 9,
  retries: 10,
  events: 11,
  jobTotals: 12,
  itemChunks: 13,
} as const;

// Reads SQLite's write-ahead log as it lies on the disk, before SQLite does. SQLite takes the first frame that does not
// match its check sum for the end of the log, so a damaged frame would silently undo every later commit. With
// `synchronous=FULL` only the last transaction can be torn by a power loss: a bad frame with two or more commits from
// there on is damage. Form of the file: "WAL-Index and WAL Format" of SQLite's documentation.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const MAGIC_BIG_ENDIAN = 0x377f0683;

/** What is wrong with the log in the file; null where nothing is, or where there is no log. */
export function findLogDamage(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return inspect(descriptor, fstatSync(descriptor).size);
  } finally {
    closeSync(descriptor);
  }
}

function inspect(descriptor: number, sizeBytes: number): string | null {
  if (sizeBytes < HEADER_BYTES) return null;
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(descriptor, header, 0, HEADER_BYTES, 0);
  if (header.every((byte) => byte === 0)) return null;
  const magic = header.readUInt32BE(0);
  const isBigEndian = magic === MAGIC_BIG_ENDIAN;
  const sum = new CheckSum(isBigEndian);
  sum.add(header.subarray(0, 24));
  if ((!isBigEndian && magic !== MAGIC_LITTLE_ENDIAN) || !sum.matches(header, 24))
    return 'the header of its write-ahead log does not match its check sum';
  return inspectFrames(descriptor, sizeBytes, header, sum);
}

function inspectFrames(descriptor: number, sizeBytes: number, header: Buffer, sum: CheckSum): string | null {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + header.readUInt32BE(8));
  const salts = header.subarray(16, 24);
  let bad = 0;
  let commitsFromBad = 0;
  for (let number = 1, at = HEADER_BYTES; at + frame.length <= sizeBytes; number += 1, at += frame.length) {
    readSync(descriptor, frame, 0, frame.length, at);
    const isOfThisRound = salts.equals(frame.subarray(8, 16));
    if (bad === 0) {
      sum.add(frame.subarray(0, 8));
      sum.add(frame.subarray(FRAME_HEADER_BYTES));
      if (isOfThisRound && sum.matches(frame, 16)) continue;
      bad = number;
    }
    // Past the end of this round lie frames of the one before, which count for nothing.
    if ((isOfThisRound || isAlmost(salts, frame.subarray(8, 16))) && frame.readUInt32BE(4) > 0) commitsFromBad += 1;
    if (commitsFromBad > 1) return `frame ${bad} of its write-ahead log does not match its check sum`;
  }
  return null;
}

/** Salts of the round before differ in half their bits; these differ in a few, so a bit of the frame has changed. */
function isAlmost(salts: Buffer, found: Buffer): boolean {
  let different = 0;
  for (let i = 4; i < 8; i += 1) {
    let bits = (salts[i] as number) ^ (found[i] as number);
    for (; bits > 0; bits >>= 1) different += bits & 1;
  }
  return different <= 2;
}

/** SQLite's: two running sums over 32-bit words. */
class CheckSum {
  readonly #isBigEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian;
  }

  add(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const little = !this.#isBigEndian;
    let first = this.#first;
    let second = this.#second;
    for (let at = 0; at < bytes.length; at += 8) {
      first = (first + view.getUint32(at, little) + second) >>> 0;
      second = (second + view.getUint32(at + 4, little) + first) >>> 0;
    }
    this.#first = first;
    this.#second = second;
  }

  matches(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first && bytes.readUInt32BE(at + 4) === this.#second;
  }
}

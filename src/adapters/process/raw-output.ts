// Moves what an attempt prints from its raw files into its captured log. The program appends to the raw files and needs no
// controller; we read behind it and give the disk back. Where we are in a raw file is what the log has of that stream, so a
// later controller goes on at that very byte. Space is given back by punching holes (fallocate(1): nothing can be lost);
// where that is missing, by cutting the file to nothing, where a line printed in that instant may be lost.
// While no controller lives nobody takes the output away: the raw files then grow as the program prints.

import { spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type CappedLog, LOG_LIMIT_BYTES, openCappedLog } from '../../workspace/capped-log.ts';
import type { LogStream } from '../../workspace/log-records.ts';

const STREAMS = ['stdout', 'stderr'] as const;
const BLOCK_BYTES = 256 * 1024;
/** Of one stream at one call, so that one attempt does not keep the others waiting. */
const BLOCKS_PER_DRAIN = 32;
const GIVE_BACK_BYTES = 16 * 1024 * 1024;
const block = Buffer.allocUnsafe(BLOCK_BYTES);

type Raw = { readonly path: string; file: number | undefined; cutBytes: number; returnedBytes: number };

let canPunch = true;

export class RawOutput {
  readonly #runDirectory: string;
  readonly #log: CappedLog;
  readonly #limitBytes: number;
  readonly #raws: Record<LogStream, Raw>;
  #punching: Promise<void> | undefined;
  #isClosed = false;

  constructor(runDirectory: string, logDirectory: string, limitBytes = LOG_LIMIT_BYTES) {
    this.#runDirectory = runDirectory;
    this.#limitBytes = limitBytes;
    this.#log = openCappedLog(logDirectory, { limitBytes });
    const cut = this.#readCut();
    const raw = (stream: LogStream): Raw => ({
      path: join(runDirectory, stream),
      file: undefined,
      cutBytes: cut[stream],
      returnedBytes: 0,
    });
    this.#raws = { stdout: raw('stdout'), stderr: raw('stderr') };
  }

  /** For the program to print to; the caller closes it. */
  openForProgram(stream: LogStream): number {
    return openSync(this.#raws[stream].path, 'a', 0o600);
  }

  note(atMs: number, text: string): void {
    this.#log.note(atMs, text);
  }

  /** Takes over what has been printed. True: there is more. */
  drain(nowMs: number): boolean {
    if (this.#isClosed) return false;
    let hasMore = false;
    for (const stream of STREAMS) hasMore = this.#drainStream(stream, nowMs) || hasMore;
    return hasMore;
  }

  /** Takes over what has been printed up to now; what somebody left behind goes on printing is not waited for. */
  drainRest(nowMs: number): void {
    const until = STREAMS.map((stream) => [stream, this.#sizeOf(stream)] as const);
    const position = (stream: LogStream): number => this.#log.appended[stream] - this.#raws[stream].cutBytes;
    for (let last = -1, sum = 0; sum > last && until.some(([stream, size]) => position(stream) < size); ) {
      last = sum;
      this.drain(nowMs);
      sum = this.#log.appended.stdout + this.#log.appended.stderr;
    }
  }

  flush(): void {
    this.#log.flush();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#punching;
    for (const raw of Object.values(this.#raws)) {
      if (raw.file !== undefined) closeSync(raw.file);
      raw.file = undefined;
    }
    await this.#log.close();
  }

  #sizeOf(stream: LogStream): number {
    return statSync(this.#raws[stream].path, { throwIfNoEntry: false })?.size ?? 0;
  }

  #drainStream(stream: LogStream, nowMs: number): boolean {
    const raw = this.#raws[stream];
    if (raw.file === undefined) {
      try {
        raw.file = openSync(raw.path, constants.O_RDWR);
      } catch {
        return false;
      }
    }
    const sizeBytes = fstatSync(raw.file).size;
    let position = this.#log.appended[stream] - raw.cutBytes;
    if (position >= sizeBytes) return false;
    position += this.#leaveOut(stream, sizeBytes - position, nowMs);
    for (let count = 0; count < BLOCKS_PER_DRAIN && position < sizeBytes; count += 1) {
      const bytesRead = readSync(raw.file, block, 0, Math.min(BLOCK_BYTES, sizeBytes - position), position);
      if (bytesRead === 0) break;
      this.#log.append(nowMs, stream, block.subarray(0, bytesRead));
      position += bytesRead;
    }
    if (position - raw.returnedBytes >= GIVE_BACK_BYTES) this.#giveBack(stream, raw, position);
    return position < sizeBytes;
  }

  /** Bytes that would be dropped in any case, because enough has come after them, are not even read. */
  #leaveOut(stream: LogStream, backlogBytes: number, nowMs: number): number {
    const { stdout, stderr } = this.#log.appended;
    const half = this.#limitBytes / 2;
    if (backlogBytes <= this.#limitBytes || stdout + stderr < half) return 0;
    const bytes = Math.floor(backlogBytes - half);
    const left = { stdout: 0, stderr: 0, [stream]: bytes };
    this.#log.leaveOut(nowMs, left, 'of long output only its beginning and its end are kept');
    return bytes;
  }

  #giveBack(stream: LogStream, raw: Raw, position: number): void {
    if (this.#punching) return;
    this.#log.flush();
    if (!canPunch) {
      this.#cut(stream, raw);
      return;
    }
    raw.returnedBytes = position;
    this.#punching = punchHole(raw.path, position).then((isDone) => {
      canPunch &&= isDone;
      this.#punching = undefined;
    });
  }

  #cut(stream: LogStream, raw: Raw): void {
    const taken = this.#log.appended[stream];
    if (raw.file === undefined || fstatSync(raw.file).size + raw.cutBytes > taken) return;
    ftruncateSync(raw.file, 0);
    raw.cutBytes = taken;
    raw.returnedBytes = 0;
    const cut = { stdout: this.#raws.stdout.cutBytes, stderr: this.#raws.stderr.cutBytes };
    writeFileSync(join(this.#runDirectory, 'cut'), `${JSON.stringify(cut)}\n`, { mode: 0o600 });
  }

  #readCut(): Record<LogStream, number> {
    try {
      return JSON.parse(readFileSync(join(this.#runDirectory, 'cut'), 'utf8')) as Record<LogStream, number>;
    } catch {
      return { stdout: 0, stderr: 0 };
    }
  }
}

/** False where the tool or the file system cannot. */
function punchHole(path: string, bytes: number): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('fallocate', ['--punch-hole', '--offset', '0', '--length', String(bytes), path], {
      stdio: 'ignore',
    });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

// Moves what is committed from the write-ahead log into the database file, when the log has grown enough. SQLite would do
// it by itself, but swallow a failed sync; here it is an error like any other. Reads two frame headers instead of asking
// SQLite for the log's length, which has no such question.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Driver, Statement } from './driver.ts';
import { sqliteCodeOf } from './store-errors.ts';

const PAGE_BYTES = 4096;
const FRAME_BYTES = PAGE_BYTES + 24;
const LOG_HEADER_BYTES = 32;
/** 16 MiB: long enough to write a page once that was changed often, short enough to be read at once after a crash. */
export const LOG_FRAMES_MAX = 4096;
/** A log that one huge transaction made longer than this is cut. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;
const SQLITE_FULL = 13;

export class Checkpointer {
  readonly #path: string;
  readonly #passive: Statement;
  readonly #truncate: Statement;
  readonly #salts = Buffer.alloc(8);
  readonly #frameSalts = Buffer.alloc(8);
  readonly #framesMax: number;
  #descriptor: number | undefined;

  constructor(driver: Driver, file: string, framesMax: number) {
    this.#framesMax = framesMax;
    this.#path = `${file}-wal`;
    driver.exec('PRAGMA wal_autocheckpoint = 0');
    this.#passive = driver.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    this.#truncate = driver.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** A full disk only puts it off: what was committed stays safe in the log. */
  afterCommit(): void {
    if (!this.#isLong()) return;
    const isHuge = fstatSync(this.#descriptor as number).size > LOG_BYTES_MAX;
    try {
      (isHuge ? this.#truncate : this.#passive).all();
    } catch (error) {
      if (sqliteCodeOf(error) !== SQLITE_FULL) throw error;
    }
  }

  /** True where frame number `framesMax` belongs to the log's present round. */
  #isLong(): boolean {
    this.#descriptor ??= openSync(this.#path, 'r');
    const at = LOG_HEADER_BYTES + (this.#framesMax - 1) * FRAME_BYTES + 8;
    if (readSync(this.#descriptor, this.#frameSalts, 0, 8, at) < 8) return false;
    return readSync(this.#descriptor, this.#salts, 0, 8, 16) === 8 && this.#salts.equals(this.#frameSalts);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

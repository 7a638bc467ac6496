// The items of arrays, as they arrive: chunks are gathered and written several to a transaction, and are durable at the
// latest with the commit of the job that names their set. A set that no job names is removed after an hour.

import type { Driver, Statement } from './driver.ts';
import { readable } from './readable.ts';
import type { RowReader } from './row-reader.ts';
import { cleanText, SALTS, sealOf } from './seal.ts';

/** Text is gathered up to this many characters before it is written. */
const GATHERED_MAX = 4_000_000;
const UNOWNED_KEPT_MS = 3_600_000;

type Gathered = { readonly set: string; readonly chunk: number; readonly items: string };

export class ItemSets {
  readonly #nowMs: () => number;
  readonly #reader: RowReader;
  /** By set and chunk, in the order of arrival. */
  readonly #gathered = new Map<string, Gathered>();
  #gatheredLength = 0;
  readonly #setId: Statement;
  readonly #touchSet: Statement;
  readonly #putChunk: Statement;
  readonly #getChunk: Statement;
  readonly #unowned: Statement;

  constructor(driver: Driver, reader: RowReader, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#reader = reader;
    this.#setId = driver.prepare('SELECT id + 0 FROM item_sets WHERE name = ?');
    this.#touchSet = driver.prepare(
      `INSERT INTO item_sets (name, touched_at_ms) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET touched_at_ms = excluded.touched_at_ms`,
    );
    this.#putChunk = driver.prepare(
      'INSERT OR REPLACE INTO item_chunks (set_id, chunk, items, seal) VALUES (?, ?, ?, ?)',
    );
    this.#getChunk = driver.prepare(
      `SELECT ${readable('set_id, chunk, items, seal', 'c')} FROM item_sets s JOIN item_chunks c ON c.set_id = s.id
       WHERE s.name = ? AND c.chunk = ?`,
    );
    this.#unowned = driver.prepare(
      `SELECT s.id + 0 FROM item_sets s WHERE s.touched_at_ms < ?
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.item_set_id = s.name) ORDER BY s.id`,
    );
  }

  /** True where the gathered text should be written now. */
  gather(set: string, chunk: number, items: string): boolean {
    const key = keyOf(set, chunk);
    this.drop(set, chunk);
    this.#gathered.set(key, { set: cleanText(set), chunk, items });
    this.#gatheredLength += items.length;
    return this.#gatheredLength >= GATHERED_MAX;
  }

  /** Forgets a gathered chunk whose writing failed: its caller will bring it again. */
  drop(set: string, chunk: number): void {
    const key = keyOf(set, chunk);
    this.#gatheredLength -= this.#gathered.get(key)?.items.length ?? 0;
    this.#gathered.delete(key);
  }

  get hasGathered(): boolean {
    return this.#gathered.size > 0;
  }

  isKnown(set: string): boolean {
    for (const gathered of this.#gathered.values()) if (gathered.set === set) return true;
    return this.#setId.get([cleanText(set)]) !== undefined;
  }

  /** Writes what is gathered, inside a transaction; `forgetGathered` after it was committed. */
  writeGathered(): void {
    const ids = new Map<string, number>();
    for (const { set, chunk, items } of this.#gathered.values()) {
      let id = ids.get(set);
      if (id === undefined) {
        this.#touchSet.run([set, this.#nowMs()]);
        id = Number(this.#setId.get([set])?.[0]);
        ids.set(set, id);
      }
      this.#putChunk.run([id, chunk, items, sealOf(SALTS.itemChunks, [id, chunk, items])]);
    }
  }

  forgetGathered(): void {
    this.#gathered.clear();
    this.#gatheredLength = 0;
  }

  get(set: string, chunk: number): string | undefined {
    const gathered = this.#gathered.get(keyOf(set, chunk));
    if (gathered !== undefined) return gathered.items;
    const row = this.#getChunk.get([cleanText(set), chunk]);
    return row === undefined ? undefined : this.#reader.items(row);
  }

  /** Sets that no job has named for an hour. */
  unownedSetIds(): number[] {
    return this.#unowned.all([this.#nowMs() - UNOWNED_KEPT_MS]).map((row) => Number(row[0]));
  }
}

const keyOf = (set: string, chunk: number): string => `${chunk}:${set}`;

// Texts that repeat in many rows (instance ids, runtime keys) are stored once and referred to by number.

import type { Driver, Statement } from './driver.ts';
import { readable, withTexts } from './readable.ts';
import { cleanText, SALTS, sealOf } from './seal.ts';
import { storeDamaged } from './store-errors.ts';

export class InternedTexts {
  readonly #file: string;
  readonly #idOf = new Map<string, number>();
  readonly #textOf = new Map<number, string>();
  readonly #insert: Statement;
  readonly #byText: Statement;
  readonly #byId: Statement;
  readonly #nextId: Statement;

  constructor(driver: Driver, file: string) {
    this.#file = file;
    this.#insert = driver.prepare('INSERT INTO texts (id, text, seal) VALUES (?, ?, ?)');
    this.#byText = driver.prepare('SELECT id + 0 FROM texts WHERE text = ?');
    this.#byId = driver.prepare(`SELECT ${readable('id, text, seal')} FROM texts WHERE id = ?`);
    this.#nextId = driver.prepare('SELECT coalesce(max(id), 0) + 1 FROM texts');
  }

  /** The number of a text, given to it now where it has none; inside a transaction. */
  idOf(given: string): number {
    const known = this.#idOf.get(given);
    if (known !== undefined) return known;
    const text = cleanText(given);
    const stored = this.#byText.get([text]);
    const id = Number(stored?.[0] ?? this.#nextId.get()?.[0]);
    if (stored === undefined) this.#insert.run([id, text, sealOf(SALTS.texts, [id, text])]);
    this.#idOf.set(given, id);
    return id;
  }

  textOf(id: number): string {
    const known = this.#textOf.get(id);
    if (known !== undefined) return known;
    const stored = this.#byId.get([id]);
    const row = withTexts(stored ?? [], [1]);
    if (stored === undefined || sealOf(SALTS.texts, row, 0, 2) !== row[2])
      throw storeDamaged(this.#file, `text ${id} does not match its check sum`);
    this.#textOf.set(id, row[1] as string);
    return row[1] as string;
  }

  /** After a rollback: numbers given since are not stored. */
  forget(): void {
    this.#idOf.clear();
    this.#textOf.clear();
  }
}

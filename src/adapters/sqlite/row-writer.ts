// Rows go to SQLite many to a statement, since a call into the driver costs more than the row itself (decision 0012).

import type { Driver, SqlValue, Statement } from './driver.ts';

/** Rows a statement; the rest of a batch goes one by one. */
const BLOCK = 50;

/** Runs one statement for rows that lie behind one another in a flat array; answers how many rows were changed. */
export class RowWriter {
  readonly #width: number;
  readonly #block: Statement;
  readonly #single: Statement;

  /** `sql` holds `$rows` where the list of value tuples stands. */
  constructor(driver: Driver, sql: string, width: number) {
    const tuple = `(${Array(width).fill('?').join(',')})`;
    this.#width = width;
    this.#block = driver.prepare(sql.replace('$rows', Array(BLOCK).fill(tuple).join(',')));
    this.#single = driver.prepare(sql.replace('$rows', tuple));
  }

  write(values: readonly SqlValue[]): number {
    const step = BLOCK * this.#width;
    let changes = 0;
    let at = 0;
    for (; at + step <= values.length; at += step)
      changes += this.#block.run(at === 0 && step === values.length ? values : values.slice(at, at + step));
    for (; at < values.length; at += this.#width) changes += this.#single.run(values.slice(at, at + this.#width));
    return changes;
  }
}

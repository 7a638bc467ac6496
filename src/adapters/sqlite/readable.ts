// How columns are read. A bit flipped on the disk can turn any value into text that is not UTF-8, and libsql ends the whole
// process on such text. So texts and bytes are asked for as bytes, and everything else as a number.

import type { Row, SqlValue } from './driver.ts';

const BYTES = new Set([
  'cancelled_by',
  'item_set_id',
  'items',
  'last_reason',
  'name',
  'reason',
  'spec',
  'state_reason',
  'states',
  'submission_key',
  'text',
  'value',
  'word',
]);

/** The columns of a SELECT, from those of a table; `alias` names the table where there are several. */
export function readable(columns: string, alias?: string): string {
  const prefix = alias === undefined ? '' : `${alias}.`;
  return columns
    .split(/,\s*/)
    .map((column) => (BYTES.has(column) ? `CAST(${prefix}${column} AS BLOB)` : `${prefix}${column} + 0`))
    .join(', ');
}

/** A row with the bytes at these places made text. */
export function withTexts(row: Row, places: readonly number[]): SqlValue[] {
  const values = row.slice();
  for (const place of places) {
    const value = values[place];
    if (value instanceof Uint8Array)
      values[place] = Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8');
  }
  return values;
}

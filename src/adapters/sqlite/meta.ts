// Facts about the store itself: its owner id and the ids that must not be given again.

import type { Driver } from './driver.ts';
import { readable, withTexts } from './readable.ts';
import { SALTS, sealOf } from './seal.ts';
import { storeDamaged } from './store-errors.ts';

export const OWNER_ID = 'owner-id';

export function readMeta(driver: Driver, file: string, name: string): string | undefined {
  const stored = driver.prepare(`SELECT ${readable('name, value, seal')} FROM meta WHERE name = ?`).get([name]);
  const row = stored === undefined ? undefined : withTexts(stored, [0, 1]);
  if (row !== undefined && sealOf(SALTS.meta, row, 0, 2) !== row[2])
    throw storeDamaged(file, `its ${name} does not match its check sum`);
  return row?.[1] as string | undefined;
}

/** The same by a connection that prepares nothing. */
export function askMeta(driver: Driver, file: string, name: string): string | undefined {
  const answer = driver.ask(`SELECT seal || ' ' || hex(value) FROM meta WHERE name = '${name}'`);
  if (answer === '') return undefined;
  const [seal, hex = ''] = answer.split(' ');
  const value = Buffer.from(hex, 'hex').toString('utf8');
  if (String(sealOf(SALTS.meta, [name, value])) !== seal)
    throw storeDamaged(file, `its ${name} does not match its check sum`);
  return value;
}

export function writeMeta(driver: Driver, name: string, value: string): void {
  driver
    .prepare('INSERT OR REPLACE INTO meta (name, value, seal) VALUES (?, ?, ?)')
    .run([name, value, sealOf(SALTS.meta, [name, value])]);
}

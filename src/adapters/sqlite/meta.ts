// Facts about the store itself: its owner id and the ids that must not be given again.

import type { Driver } from './driver.ts';
import { SALTS, sealOf } from './seal.ts';
import { storeDamaged } from './store-errors.ts';

export function readMeta(driver: Driver, file: string, name: string): string | undefined {
  const row = driver.prepare('SELECT name, value, seal FROM meta WHERE name = ?').get([name]);
  if (row !== undefined && sealOf(SALTS.meta, row, 0, 2) !== row[2])
    throw storeDamaged(file, `its ${name} does not match its check sum`);
  return row?.[1] as string | undefined;
}

export function writeMeta(driver: Driver, name: string, value: string): void {
  driver
    .prepare('INSERT OR REPLACE INTO meta (name, value, seal) VALUES (?, ?, ?)')
    .run([name, value, sealOf(SALTS.meta, [name, value])]);
}

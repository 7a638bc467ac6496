// Brings the schema of an open file to this version, one transaction a step; a kill in between leaves a whole step or none.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import type { Driver } from './driver.ts';
import { writeMeta } from './meta.ts';
import { FIRST } from './migrations/0001-first.ts';

/** `DSTB`: tells our files from others'. */
export const APPLICATION_ID = 0x44535442;

/** In order, from schema 1 on. What is released is never changed. */
export const MIGRATIONS: readonly string[] = [FIRST];

export function schemaVersion(driver: Driver): number {
  return Number(driver.prepare('PRAGMA user_version').get()?.[0] ?? 0);
}

/** The name of the fact what the schema's check sum is: a changed word in it would change what statements mean. */
export const SCHEMA_SUM = 'schema-sum';

export function schemaSum(driver: Driver): string {
  const text = driver.ask(
    "SELECT hex(group_concat(type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, ''), char(10))) FROM (SELECT * FROM sqlite_schema ORDER BY name)",
  );
  return createHash('sha256').update(text).digest('hex');
}

export function migrate(driver: Driver, migrations: readonly string[] = MIGRATIONS): void {
  for (let version = schemaVersion(driver); version < migrations.length; version += 1) {
    driver.exec('BEGIN IMMEDIATE');
    try {
      driver.exec(migrations[version] as string);
      driver.exec(`PRAGMA user_version = ${version + 1}`);
      writeMeta(driver, SCHEMA_SUM, schemaSum(driver));
      driver.exec('COMMIT');
    } catch (error) {
      driver.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Keeps the file as it was as `FILE.before-N` (N: the first schema it is brought to), unless that copy is there already. */
export function copyBefore(driver: Driver, file: string, version: number): void {
  const copy = `${file}.before-${version + 1}`;
  if (existsSync(copy)) return;
  const part = `${copy}.part`;
  rmSync(part, { force: true });
  driver.exec(`VACUUM INTO '${part.replaceAll("'", "''")}'`);
  syncPath(part);
  renameSync(part, copy);
}

export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

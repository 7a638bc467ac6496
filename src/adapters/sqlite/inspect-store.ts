// Looks whether a file is a sound store of a version we know, and leaves it byte for byte as it is: it is opened under a
// second name, which is gone before SQLite closes it, so that SQLite does not move the log into the file.

import { randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { type Driver, type DriverName, openDriver } from './driver.ts';
import { askMeta, OWNER_ID } from './meta.ts';
import { APPLICATION_ID, SCHEMA_SUM, schemaSum } from './migrate.ts';
import { sqliteCodeOf, storeDamaged, storeNewer } from './store-errors.ts';
import { findLogDamage } from './wal-log.ts';

/** Up to this size every page is looked at, about 0.1 s; above, only the tables a start reads. */
const CHECKED_WHOLE_MAX_BYTES = 32 * 1024 * 1024;
const TABLES_OF_A_START = ['meta', 'texts', 'runs', 'jobs', 'job_specs', 'attempt_states', 'task_chunks', 'retries'];

/** Throws STORE_LOCKED, STORE_DAMAGED or STORE_NEWER. */
export function inspectStore(file: string, name: DriverName, knownVersion: number): void {
  checkHeader(file);
  const check = `${file}.check-${process.pid}-${randomBytes(4).toString('hex')}`;
  const names = [check, `${check}-wal`, `${check}-journal`];
  try {
    linkSync(file, check);
    linkIfThere(`${file}-wal`, `${check}-wal`);
    linkIfThere(`${file}-journal`, `${check}-journal`);
  } catch (error) {
    for (const each of names) rmSync(each, { force: true });
    // A file system without links: look at it under its own name.
    if (!NO_LINKS.has(String((error as NodeJS.ErrnoException).code))) throw error;
    inspectAt(file, file, [], name, knownVersion);
    return;
  }
  inspectAt(file, check, names, name, knownVersion);
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

function inspectAt(file: string, path: string, names: readonly string[], name: DriverName, known: number): void {
  const driver = openDriver(path, name);
  try {
    driver.exec('PRAGMA locking_mode = EXCLUSIVE');
    driver.ask('SELECT count(*) FROM sqlite_schema'); // Takes the lock; nothing else is read before.
    const damage = findLogDamage(`${path}-wal`);
    if (damage !== null) throw storeDamaged(file, damage);
    if (Number(driver.ask('SELECT application_id FROM pragma_application_id')) !== APPLICATION_ID)
      throw storeDamaged(file, 'it is a SQLite file, but not a store of Distributo');
    const version = Number(driver.ask('SELECT user_version FROM pragma_user_version'));
    if (version > known) throw storeNewer(file, version, known);
    if (version === 0) throw storeDamaged(file, 'its schema number is missing');
    checkPages(driver, file);
    if (askMeta(driver, file, SCHEMA_SUM) !== schemaSum(driver))
      throw storeDamaged(file, 'its schema does not match its check sum');
    if (askMeta(driver, file, OWNER_ID) === undefined) throw storeDamaged(file, 'its owner id is missing');
  } catch (error) {
    throw asDamage(error, file);
  } finally {
    for (const each of names) rmSync(each, { force: true });
    driver.close();
  }
}

/** A file that is cut within a page reads like a broken disk. */
function asDamage(error: unknown, file: string): unknown {
  const isCut = sqliteCodeOf(error) === IOERR && statSync(file).size % PAGE_BYTES !== 0;
  if (isCut) return storeDamaged(file, 'it ends within a page', error);
  return sqliteCodeOf(error) === SQL_ERROR
    ? storeDamaged(file, `its schema cannot be read: ${String(error)}`, error)
    : error;
}

const PAGE_BYTES = 4096;
const SQL_ERROR = 1;
const IOERR = 10;

function checkPages(driver: Driver, file: string): void {
  const isSmall = (statSync(file).size ?? 0) <= CHECKED_WHOLE_MAX_BYTES;
  const checks = isSmall
    ? ['SELECT integrity_check FROM pragma_integrity_check LIMIT 1']
    : TABLES_OF_A_START.map((table) => `SELECT quick_check FROM pragma_quick_check('${table}') LIMIT 1`);
  for (const check of checks) {
    const found = driver.ask(check);
    if (found !== 'ok') throw storeDamaged(file, found.replaceAll('\n', ' '));
  }
}

/** Before SQLite holds a lock: closing a file that we opened ourselves would give up every lock of this process on it. */
function checkHeader(file: string): void {
  const header = Buffer.alloc(16);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header, 0, 16, 0);
  } finally {
    closeSync(descriptor);
  }
  if (statSync(file).size === 0) throw storeDamaged(file, 'it is empty');
  if (header.toString('latin1') !== 'SQLite format 3\0') throw storeDamaged(file, 'it is not a SQLite file');
}

function linkIfThere(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

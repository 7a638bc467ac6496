// Opens the store of a state directory, or makes it. Only one process at a time can have it open; a file that is damaged or
// newer is refused as it lies.

import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { History, Store } from '../../ports/store.ts';
import { LOG_FRAMES_MAX } from './checkpointer.ts';
import { type Driver, type DriverName, defaultDriver, openDriver } from './driver.ts';
import { inspectStore } from './inspect-store.ts';
import { OWNER_ID, writeMeta } from './meta.ts';
import { APPLICATION_ID, copyBefore, MIGRATIONS, migrate, schemaVersion, syncPath } from './migrate.ts';
import { SqliteStore } from './sqlite-store.ts';
import { storeDamaged, storeLocked, translateError } from './store-errors.ts';

export type StoreOptions = {
  /** Default: the driver of this Node version. */
  readonly driver?: DriverName;
  readonly nowMs?: () => number;
  /** Pages the write-ahead log may hold before they are moved into the file. */
  readonly logFramesMax?: number;
  /** For tests of the upgrade. */
  readonly migrations?: readonly string[];
};

/** Example: `const store = await openStore(join(stateDirectory, 'store.db'))`. */
export async function openStore(path: string, options: StoreOptions = {}): Promise<Store & History> {
  const file = resolve(path);
  const { driver: name = defaultDriver(), migrations = MIGRATIONS } = options;
  try {
    if (OPEN_HERE.has(identityOf(file))) throw storeLocked(file);
    if (!existsSync(file)) makeStore(file, name, migrations);
    else inspectStore(file, name, migrations.length);
    return openMade(file, name, migrations, options);
  } catch (error) {
    throw translateError(error, file);
  }
}

/** Stores this process has open: a lock keeps other processes out, but not ourselves. */
const OPEN_HERE = new Set<string>();

function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.dev}:${found.ino}`;
}

function openMade(
  file: string,
  name: DriverName,
  migrations: readonly string[],
  { nowMs = Date.now, logFramesMax = LOG_FRAMES_MAX }: StoreOptions,
): SqliteStore {
  const driver = openDriver(file, name);
  try {
    // Exclusive first: then no second process, no shared memory, and none of SQLite's races between two connections.
    driver.exec('PRAGMA locking_mode = EXCLUSIVE');
    driver.exec('PRAGMA journal_mode = WAL');
    driver.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -32000');
    driver.exec('BEGIN IMMEDIATE; COMMIT');
    removeLeftovers(file);
    const version = schemaVersion(driver);
    if (version < migrations.length) {
      copyBefore(driver, file, version);
      migrate(driver, migrations);
      driver.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    }
    const identity = identityOf(file);
    const store = new SqliteStore(driver, file, {
      nowMs,
      logFramesMax,
      onClose: () => OPEN_HERE.delete(identity),
    });
    OPEN_HERE.add(identity);
    store.resumeRemovals();
    return store;
  } catch (error) {
    driver.close();
    throw error;
  }
}

/** Made under another name and linked when it is whole: a store that exists is never an unfinished one. */
function makeStore(file: string, name: DriverName, migrations: readonly string[]): void {
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0 && !existsSync(file))
    throw storeDamaged(file, `its write-ahead log is there, but the file itself is gone`);
  const part = `${file}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    const driver = openDriver(part, name);
    try {
      fillNew(driver, migrations);
    } finally {
      driver.close();
    }
    syncPath(part);
    linkOrRename(part, file);
    syncPath(dirname(file));
  } catch (error) {
    // Another process that starts at the same moment has made it first.
    if (!existsSync(file)) throw error;
  } finally {
    rmSync(part, { force: true });
  }
}

function fillNew(driver: Driver, migrations: readonly string[]): void {
  driver.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
  driver.exec(`PRAGMA page_size = 4096; PRAGMA application_id = ${APPLICATION_ID}`);
  migrate(driver, migrations);
  writeMeta(driver, OWNER_ID, randomUUID());
}

function linkOrRename(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') throw error;
    renameSync(from, to); // A file system without links.
  }
}

/** Parts of killed starts; those of a start that is still at it are left alone. */
function removeLeftovers(file: string): void {
  const prefix = basename(file);
  for (const entry of readdirSync(dirname(file))) {
    const found = entry.startsWith(prefix) ? LEFTOVER.exec(entry.slice(prefix.length)) : null;
    if (found !== null && !isAlive(Number(found[2]))) rmSync(join(dirname(file), entry), { force: true });
  }
}

const LEFTOVER = /^\.(new|check)-(\d+)-[0-9a-f]{8}(-wal|-journal|-shm)?$/;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

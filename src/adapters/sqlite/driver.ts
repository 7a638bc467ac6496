// The one place that knows which SQLite library runs: `node:sqlite` from Node 22.13, else libsql. Both are synchronous and
// make the same file. Rows are arrays, in the order of the columns; numbers are bound as floats by both, so every number
// goes into a column of INTEGER affinity.

import { createRequire } from 'node:module';
import { DistributoError } from '../../domain/errors.ts';

export type SqlValue = number | string | Uint8Array | null;
export type Row = readonly SqlValue[];

export interface Statement {
  /** How many rows it changed. */
  run(values?: readonly SqlValue[]): number;
  get(values?: readonly SqlValue[]): Row | undefined;
  all(values?: readonly SqlValue[]): Row[];
}

export interface Driver {
  readonly name: DriverName;
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** One value of a question, as text, by a connection that prepares nothing; empty for NULL. */
  ask(sql: string): string;
  /** Gives up the lock. A connection that prepared nothing leaves the file's content alone unless a log is to be moved. */
  close(): void;
}

export type DriverName = 'libsql' | 'node:sqlite';

export function defaultDriver(nodeVersion: string = process.versions.node): DriverName {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13) ? 'node:sqlite' : 'libsql';
}

/** Opens or makes the file; does not wait for locks. `path` is absolute. */
export function openDriver(path: string, name: DriverName = defaultDriver()): Driver {
  return name === 'libsql' ? openLibsql(path) : openNodeSqlite(path);
}

const require = createRequire(import.meta.url);

function loadLibsql(): new (path: string) => LibsqlDatabase {
  try {
    return require('libsql');
  } catch (cause) {
    throw new DistributoError(
      'PLATFORM_UNSUPPORTED',
      `the SQLite library for Node ${process.versions.node} cannot be loaded`,
      {
        hint: 'install distributo again (`npm install`), or use Node 22.13 or later, which brings its own',
        cause,
      },
    );
  }
}

type LibsqlStatement = {
  raw(): LibsqlStatement;
  readonly reader: boolean;
  run(values: readonly SqlValue[]): { readonly changes: number };
  get(values: readonly SqlValue[]): Iterable<unknown> | undefined;
  all(values: readonly SqlValue[]): Iterable<unknown>[];
};
type LibsqlDatabase = { exec(sql: string): void; prepare(sql: string): LibsqlStatement; close(): void };

function openLibsql(path: string): Driver {
  const Database = loadLibsql();
  const database = new Database(path);
  let isPrepared = false;
  return {
    name: 'libsql',
    exec: (sql) => database.exec(sql),
    ask: (sql) => askByError(database, sql),
    close() {
      if (isPrepared) releaseLock(database);
      database.close();
    },
    prepare(sql) {
      isPrepared = true;
      const statement = database.prepare(sql);
      if (statement.reader) statement.raw();
      return {
        run: (values = []) => statement.run(values).changes,
        get: (values = []) => {
          const row = statement.get(values);
          return row === undefined ? undefined : Array.from(row, toValue);
        },
        all: (values = []) => statement.all(values).map((row) => Array.from(row, toValue)),
      };
    },
  };
}

/**
 * libsql closes a file only when every statement made for it has been collected, some time later. What leaves no statement
 * behind is `exec`, which gives no rows: so the answer is brought back in the text of an error.
 */
function askByError(database: LibsqlDatabase, sql: string): string {
  try {
    database.exec(`SELECT json_extract('{}', ':' || coalesce((${sql}), ''))`);
  } catch (error) {
    const answer = /^bad JSON path: ':(.*)'$/s.exec((error as Error).message)?.[1];
    if (answer === undefined) throw error;
    return answer.replaceAll("''", "'");
  }
  throw new Error(`no answer to ${sql}`);
}

/** For the same reason: leaving the log's mode is the one way to give up an exclusive lock without closing. */
function releaseLock(database: LibsqlDatabase): void {
  try {
    database.exec('PRAGMA journal_mode = DELETE');
    database.exec('PRAGMA locking_mode = NORMAL');
    database.exec('SELECT count(*) FROM sqlite_schema');
  } catch {
    // The file cannot be written: the lock goes with the process.
  }
}

type NodeStatement = {
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...values: readonly SqlValue[]): Readonly<Record<string, unknown>> | undefined;
  all(...values: readonly SqlValue[]): Readonly<Record<string, unknown>>[];
};
type NodeDatabase = { exec(sql: string): void; prepare(sql: string): NodeStatement; close(): void };
type NodeSqlite = { readonly DatabaseSync: new (path: string, options: object) => NodeDatabase };

function openNodeSqlite(path: string): Driver {
  const { DatabaseSync } = quietly(() => require('node:sqlite') as NodeSqlite);
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  return {
    name: 'node:sqlite',
    exec: (sql) => database.exec(sql),
    ask: (sql) => String(Object.values(database.prepare(sql).get() ?? {})[0] ?? ''),
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        run: (values = []) => Number(statement.run(...values).changes),
        get: (values = []) => {
          const row = statement.get(...values);
          return row === undefined ? undefined : Object.values(row).map(toValue);
        },
        all: (values = []) => statement.all(...values).map((row) => Object.values(row).map(toValue)),
      };
    },
  };
}

/** Bytes come as a Buffer, an ArrayBuffer or a Uint8Array, by driver and way of asking. */
const toValue = (value: unknown): SqlValue =>
  value instanceof Uint8Array || value instanceof ArrayBuffer ? new Uint8Array(value) : (value as SqlValue);

/** Node 22 warns that its SQLite is experimental each time it is loaded; that is nothing a user can act on. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

// What SQLite and the file system say, in the product's words. No vendor's error leaves this folder.

import { basename, dirname } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';

/** SQLite's primary result codes that we tell apart. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const CONSTRAINT = 19;
const NOTADB = 26;

/** The file ended where a page should be. */
const IOERR_SHORT_READ = 522;

/** The primary result code in an error of either driver; undefined where there is none. */
export function sqliteCodeOf(error: unknown): number | undefined {
  const code = extendedCodeOf(error);
  return code === undefined ? undefined : code & 0xff;
}

function extendedCodeOf(error: unknown): number | undefined {
  const { rawCode, errcode, message } = error as { rawCode?: unknown; errcode?: unknown; message?: unknown };
  const code = typeof rawCode === 'number' ? rawCode : errcode;
  if (typeof code === 'number') return code;
  // libsql gives no code when it cannot open at all: `Unable to open connection to local database PATH: 14`.
  const opening = /Unable to open connection .*: (\d+)"?\)?$/.exec(String(message));
  return opening === null ? undefined : Number(opening[1]);
}

export function translateError(error: unknown, file: string): DistributoError {
  if (error instanceof DistributoError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const options = { details: { file }, cause: error };
  const systemCode = (error as NodeJS.ErrnoException).code;
  if (systemCode === 'ENOSPC' || systemCode === 'EDQUOT') return storeFull(file, error);
  if (systemCode === 'EACCES' || systemCode === 'EPERM' || systemCode === 'EROFS' || systemCode === 'ENOENT')
    return unusable(file, said, error);
  if (extendedCodeOf(error) === IOERR_SHORT_READ) return storeDamaged(file, 'it is shorter than it should be', error);
  switch (sqliteCodeOf(error)) {
    case BUSY:
    case LOCKED:
      return storeLocked(file, error);
    case FULL:
      return storeFull(file, error);
    case CORRUPT:
    case NOTADB:
      return storeDamaged(file, said, error);
    case CANTOPEN:
    case READONLY:
      return unusable(file, said, error);
    case CONSTRAINT:
      return new DistributoError(
        'STORE_CONFLICT',
        `a write does not fit what the store ${file} holds: ${said}`,
        options,
      );
    case IOERR:
      return storeFailed(file, said, error);
    default:
      return storeFailed(file, said, error);
  }
}

export function storeLocked(file: string, cause?: unknown): DistributoError {
  return new DistributoError('STORE_LOCKED', `another controller holds the store ${file}`, {
    hint: 'run `distributo controller status` to see it; only one can use a state directory at a time',
    retryable: true,
    details: { file },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Nothing was written; the same write may be tried again. */
function storeFull(file: string, cause: unknown): DistributoError {
  return new DistributoError('STORE_FULL', `the disk of ${dirname(file)} has no room for the store ${basename(file)}`, {
    hint: `free some space on that disk (\`distributo prune\` removes old logs and workspaces); nothing is lost`,
    retryable: true,
    details: { file },
    cause,
  });
}

function storeFailed(file: string, said: string, cause: unknown): DistributoError {
  return new DistributoError('STORE_FAILED', `the store ${file} could not be read or written: ${said}`, {
    hint: 'look at the disk (`dmesg | tail`), then run the command again: it goes on from what is safely on the disk',
    details: { file },
    cause,
  });
}

function unusable(file: string, said: string, cause: unknown): DistributoError {
  return new DistributoError('STATE_DIRECTORY_UNUSABLE', `the store ${file} cannot be opened for writing: ${said}`, {
    hint: `make ${dirname(file)} a directory you can write to, or choose another one with --state DIR`,
    details: { file },
    cause,
  });
}

export function storeDamaged(file: string, what: string, cause?: unknown): DistributoError {
  const directory = dirname(file);
  return new DistributoError('STORE_DAMAGED', `the store ${file} is damaged: ${what}`, {
    hint:
      `nothing was changed. Put it aside and start afresh with: mkdir ${directory}/damaged && ` +
      `mv ${file}* ${directory}/damaged/ (or put back a copy of it that you have)`,
    details: { file },
    ...(cause === undefined ? {} : { cause }),
  });
}

export function storeNewer(file: string, found: number, known: number): DistributoError {
  return new DistributoError(
    'STORE_NEWER',
    `the store ${file} has schema ${found}; this version knows schemas up to ${known}`,
    {
      hint: `install the newer distributo that wrote it, or put back the copy made before the upgrade (${file}.before-${known + 1})`,
      details: { file, found, known },
    },
  );
}

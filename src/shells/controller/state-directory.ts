// The state directory as it must be before anything is opened in it: there, ours, closed to others, writable. Every refusal
// names the path and the next step. Where it lies is decided in configuration/.

import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';

/** Of files that only a state directory holds. */
const OUR_FILES = new Set(['controller.json', 'controller.lock', 'controller.log', 'store.db', 'attempts']);

export function prepareStateDirectory(path: string): void {
  try {
    // Parents keep the user's usual mode; the directory itself is closed.
    mkdirSync(join(path, '..'), { recursive: true });
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unusable(path, cannotMake(error), error);
  }
  checkOwnerAndMode(path);
  tryToWrite(path);
}

function checkOwnerAndMode(path: string): void {
  const stat = lookAt(path);
  if (!stat.isDirectory()) throw unusable(path, 'it is not a folder');
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid) {
    throw unusable(path, `it belongs to user id ${stat.uid}, and this process runs as user id ${uid}`, undefined, {
      hint: 'call distributo as that user, or choose another folder with --state',
    });
  }
  if ((stat.mode & 0o077) === 0) return;
  const names = readdirSync(path);
  if (names.length > 0 && !names.some((name) => OUR_FILES.has(name))) {
    const mode = (stat.mode & 0o777).toString(8);
    throw unusable(path, `others may open it (mode ${mode}) and it holds files that are not ours`, undefined, {
      hint: `choose an empty folder with --state, or chmod 700 ${path}`,
    });
  }
  try {
    chmodSync(path, 0o700);
  } catch (error) {
    throw unusable(path, `its mode cannot be set to 700 (${codeOf(error)})`, error);
  }
}

function lookAt(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw unusable(path, cannotMake(error), error);
  }
}

function tryToWrite(path: string): void {
  const probe = join(path, `.probe-${process.pid}`);
  try {
    const file = openSync(probe, 'wx', 0o600);
    try {
      writeSync(file, 'x');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') throw noRoom(path, error);
    throw unusable(path, cannotWrite(error), error);
  } finally {
    rmSync(probe, { force: true });
  }
}

function cannotMake(error: unknown): string {
  switch (codeOf(error)) {
    case 'EROFS':
      return 'it cannot be made: the disk is mounted read-only';
    case 'EACCES':
    case 'EPERM':
      return 'it cannot be made: this user may not write in the folder above';
    case 'ENOTDIR':
      return 'it cannot be made: a part of its path is a file';
    case 'ENOENT':
      return 'it is a link to nowhere';
    default:
      return `it cannot be made (${codeOf(error) ?? error})`;
  }
}

function cannotWrite(error: unknown): string {
  switch (codeOf(error)) {
    case 'EROFS':
      return 'nothing can be written in it: the disk is mounted read-only';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write in it';
    default:
      return `nothing can be written in it (${codeOf(error) ?? error})`;
  }
}

const noRoom = (path: string, cause: unknown): DistributoError =>
  new DistributoError('STORE_FULL', `the disk of the state directory ${path} is full: not even a small file fits`, {
    hint: `make room (df -h ${path} shows the disk), then call the command again; nothing is lost`,
    retryable: true,
    details: { path },
    cause,
  });

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const unusable = (path: string, why: string, cause?: unknown, more: { hint?: string } = {}): DistributoError =>
  new DistributoError('STATE_DIRECTORY_UNUSABLE', `the state directory ${path} cannot be used: ${why}`, {
    hint: more.hint ?? 'choose a writable folder on a local disk with --state or DISTRIBUTO_STATE',
    details: { path },
    cause,
  });

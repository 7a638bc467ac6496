// Makes one process the holder of a state directory, before anything in it is read. The lock is SQLite's on an empty file of
// its own: the system gives it up when the process dies, however it dies, and there is nothing stale to recognise.

import { join } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';
import { type Driver, openDriver } from './driver.ts';
import { translateError } from './store-errors.ts';

const LOCK_FILE = 'controller.lock';

/** Throws STORE_LOCKED where another process has it. The answer gives it up. */
export function holdDirectory(directory: string): () => void {
  const file = join(directory, LOCK_FILE);
  if (HELD_HERE.has(file)) throw lockedError(file);
  let driver: Driver | undefined;
  try {
    driver = openDriver(file);
    driver.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    driver?.close();
    const translated = translateError(error, file);
    throw translated.code === 'STORE_LOCKED' ? lockedError(file, error) : translated;
  }
  const held = driver;
  HELD_HERE.add(file);
  return () => {
    HELD_HERE.delete(file);
    held.close();
  };
}

/** The system's locks do not keep a process from itself. */
const HELD_HERE = new Set<string>();

const lockedError = (file: string, cause?: unknown): DistributoError =>
  new DistributoError('STORE_LOCKED', `another controller holds ${file}`, {
    hint: 'distributo controller status shows it; only one can use a state directory at a time',
    retryable: true,
    details: { file },
    cause,
  });

// `controller.log`: what the controller did and why it ended, for people. Bounded: at its limit it becomes
// `controller.log.1`. The file keeps its identity, since a crash of Node itself writes to the same open file.

import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';

export const LOG_BYTES_MAX = 4 * 1024 * 1024;

export const logPath = (stateDirectory: string): string => join(stateDirectory, 'controller.log');

export type ControllerLog = {
  write(text: string): void;
  /** With its stack where it is a fault of ours. Errors of the product never hold a secret. */
  writeError(what: string, error: unknown): void;
  close(): void;
};

export function openControllerLog(stateDirectory: string, bytesMax = LOG_BYTES_MAX): ControllerLog {
  const path = logPath(stateDirectory);
  const file = openSync(path, 'a', 0o600);
  let isOpen = true;

  function write(text: string): void {
    if (!isOpen) return;
    try {
      if (fstatSync(file).size > bytesMax) {
        copyFileSync(path, `${path}.1`);
        ftruncateSync(file, 0);
      }
      writeSync(file, `${new Date().toISOString()} [${process.pid}] ${text}\n`);
    } catch {
      // A full disk must not end the work; what matters is in the store.
    }
  }

  return {
    write,
    writeError: (what, error) => write(`${what}: ${describe(error)}`),
    close() {
      isOpen = false;
      closeSync(file);
    },
  };
}

function describe(error: unknown): string {
  if (error instanceof DistributoError && error.code !== 'INTERNAL') return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The last lines, for a message about a controller that did not come up. */
export function readLogTail(stateDirectory: string, lines: number, fromMs = 0): string[] {
  try {
    const all = readFileSync(logPath(stateDirectory), 'utf8').trimEnd().split('\n');
    // Lines without a time are Node's own and belong to the line before.
    const first = all.findIndex((line) => Date.parse(line.slice(0, 24)) >= fromMs);
    return (first === -1 ? all : all.slice(first)).slice(-lines);
  } catch {
    return []; // no log yet
  }
}

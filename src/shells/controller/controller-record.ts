// `controller.json` in the state directory: who holds it and where it listens. Written by the holder of the store's lock
// alone; a record of a process that is gone means nothing.

import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess, readProcessIdentity } from './process-identity.ts';

export type ControllerRecord = {
  readonly schema: 'distributo/controller-record/1';
  readonly version: string;
  readonly pid: number;
  readonly identity: string;
  readonly sinceMs: number;
  /** null until it listens. */
  readonly socket: string | null;
};

export const recordPath = (stateDirectory: string): string => join(stateDirectory, 'controller.json');

export function writeRecord(
  stateDirectory: string,
  record: Pick<ControllerRecord, 'version' | 'sinceMs' | 'socket'>,
): void {
  const whole: ControllerRecord = {
    schema: 'distributo/controller-record/1',
    ...record,
    pid: process.pid,
    identity: readProcessIdentity(process.pid) ?? '',
  };
  const path = recordPath(stateDirectory);
  writeFileSync(`${path}.new`, `${JSON.stringify(whole)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function readRecord(stateDirectory: string): ControllerRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(recordPath(stateDirectory), 'utf8')) as ControllerRecord;
    return value.schema === 'distributo/controller-record/1' ? value : undefined;
  } catch {
    return undefined; // none, or torn by a full disk: the lock decides, not the record
  }
}

/** The record of a holder that lives. */
export function readHolder(stateDirectory: string): ControllerRecord | undefined {
  const record = readRecord(stateDirectory);
  return record !== undefined && isSameProcess(record) ? record : undefined;
}

/** False where it is gone for sure, or names another process; a disk in trouble is no proof. */
export function ownsRecord(stateDirectory: string): boolean {
  try {
    if (statSync(recordPath(stateDirectory), { throwIfNoEntry: false }) === undefined) return false;
  } catch {
    return true;
  }
  const record = readRecord(stateDirectory);
  return record === undefined || record.pid === process.pid;
}

/** Takes away our own, never that of a controller that came after us. */
export function removeRecord(stateDirectory: string): void {
  if (readRecord(stateDirectory)?.pid === process.pid) rmSync(recordPath(stateDirectory), { force: true });
}

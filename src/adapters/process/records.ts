// Reads what a wrapper wrote and says in which state an executor is, from disk and the process table alone: the same
// answer for the controller that started it and for a later one.

import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type ProcessEntry, type ProcessTable, parseStat } from './process-table.ts';
import { claimPath, exitPath } from './wrapper.ts';

export type ExecutorSight =
  | { readonly kind: 'unclaimed' }
  /** A controller took the claim: it never ran and never will. */
  | { readonly kind: 'blocked' }
  /** The claim is there and not yet written. */
  | { readonly kind: 'claiming'; readonly sinceMs: number }
  | { readonly kind: 'running'; readonly wrapper: ProcessEntry; readonly startedAtMs: number }
  | {
      readonly kind: 'exited';
      readonly exitCode: number;
      readonly wrapper: ProcessEntry;
      readonly startedAtMs: number;
      readonly endedAtMs: number;
    }
  /** It ran, nobody is left, and there is no exit code. */
  | {
      readonly kind: 'gone';
      readonly isRebooted: boolean;
      readonly wrapper: ProcessEntry;
      readonly startedAtMs: number;
    };

const BLOCKED = 'blocked\n';

export function lookAtExecutor(runDirectory: string, executor: number, table: ProcessTable): ExecutorSight {
  const claim = readRecord(claimPath(runDirectory, executor));
  if (!claim) return { kind: 'unclaimed' };
  if (claim.text === BLOCKED) return { kind: 'blocked' };
  const wrapper = parseStat(claim.text.slice(claim.text.indexOf(' ') + 1));
  if (!claim.text.endsWith('\n') || !wrapper) return { kind: 'claiming', sinceMs: claim.atMs };
  const startedAtMs = claim.atMs;
  const exited = readExit(runDirectory, executor, wrapper, startedAtMs);
  if (exited) return exited;
  const isRebooted = claim.text.slice(0, claim.text.indexOf(' ')) !== table.bootId;
  if (!isRebooted && table.isAlive(wrapper.pid, wrapper.startTicks)) return { kind: 'running', wrapper, startedAtMs };
  // It may have written its last record between our two looks.
  return readExit(runDirectory, executor, wrapper, startedAtMs) ?? { kind: 'gone', isRebooted, wrapper, startedAtMs };
}

/** Takes the claim, so that no wrapper ever runs this executor. False where somebody has it already. */
export function blockExecutor(runDirectory: string, executor: number): boolean {
  try {
    writeFileSync(claimPath(runDirectory, executor), BLOCKED, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readExit(runDirectory: string, executor: number, wrapper: ProcessEntry, startedAtMs: number) {
  const record = readRecord(exitPath(runDirectory, executor));
  if (!record || !/^\d+\n$/.test(record.text)) return undefined;
  const endedAtMs = Math.max(record.atMs, startedAtMs);
  return { kind: 'exited' as const, exitCode: Number.parseInt(record.text, 10), wrapper, startedAtMs, endedAtMs };
}

function readRecord(path: string): { readonly text: string; readonly atMs: number } | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const text = readFileSync(file, 'latin1');
    return { text, atMs: Math.trunc(statSync(path).mtimeMs) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

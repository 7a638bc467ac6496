// `last-failure.json`: why the last controller had to end, for the next command to show. Written at best effort.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorView } from '../api/answers.ts';

export type FailureNote = { readonly atMs: number; readonly pid: number; readonly error: ErrorView };

const notePath = (stateDirectory: string): string => join(stateDirectory, 'last-failure.json');

export function writeFailureNote(stateDirectory: string, note: FailureNote): void {
  try {
    writeFileSync(notePath(stateDirectory), `${JSON.stringify(note)}\n`, { mode: 0o600 });
  } catch {
    // The disk that failed may be this one; the log of the process has the reason too.
  }
}

/** Reads the note and removes it: it is told once. */
export function takeFailureNote(stateDirectory: string): FailureNote | undefined {
  try {
    const note = JSON.parse(readFileSync(notePath(stateDirectory), 'utf8')) as FailureNote;
    rmSync(notePath(stateDirectory), { force: true });
    return note;
  } catch {
    return undefined; // none
  }
}

// Why we ended an attempt, on disk before the first signal: a controller killed in between is followed by one that goes on
// with the killing and gives the same reason. Once there, it stands, whatever the program then exits with.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptEnd } from '../../domain/attempt.ts';

export type Verdict = {
  readonly end: Pick<AttemptEnd, 'state' | 'cause' | 'reason'>;
  /** SIGKILL from then on. */
  readonly killAtMs: number;
  readonly peakMemoryMib: number | null;
};

export function readVerdict(runDirectory: string): Verdict | undefined {
  try {
    return JSON.parse(readFileSync(join(runDirectory, 'verdict'), 'utf8')) as Verdict;
  } catch {
    return undefined;
  }
}

/** On a full disk the verdict holds for this controller alone: stopping must not wait for room. */
export function writeVerdict(runDirectory: string, verdict: Verdict): void {
  try {
    const temporary = join(runDirectory, 'verdict.part');
    writeFileSync(temporary, JSON.stringify(verdict), { mode: 0o600 });
    renameSync(temporary, join(runDirectory, 'verdict'));
  } catch {
    // See above.
  }
}

// What ended an attempt outside of its program, as the end of the attempt: faults of the system in our words.

import type { AttemptEnd } from '../../domain/attempt.ts';
import { DistributoError } from '../../domain/errors.ts';

export type Trouble = Pick<AttemptEnd, 'state' | 'cause' | 'exitCode' | 'reason'>;

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const interruptedStart = (): DistributoError =>
  new DistributoError('START_FAILED', 'its shell ended before the command began', { details: { isInterrupted: true } });

export function spawnTrouble(error: NodeJS.ErrnoException): DistributoError {
  if (error.code === 'E2BIG')
    return new DistributoError(
      'START_FAILED',
      'its command and environment are longer than this system takes (E2BIG); pass large values as files: inputs',
    );
  return new DistributoError('START_FAILED', `no process could be started (${error.code ?? error.message})`);
}

/** What ended an attempt outside its program. */
export function troubleOf(error: unknown): Trouble {
  const reason = wordsOf(error);
  const base = { state: 'failed', exitCode: null, reason } as const;
  if (!(error instanceof DistributoError)) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC') return { ...base, cause: 'disk-full', reason: 'the disk of the state directory is full' };
    if (code === 'E2BIG')
      return { ...base, cause: 'start', reason: spawnTrouble(error as NodeJS.ErrnoException).message };
    return { ...base, cause: 'start', reason: `start failed: ${reason}` };
  }
  if (error.details.isInterrupted === true) return { ...base, state: 'interrupted', cause: 'engine' };
  if (error.code === 'INPUT_UNREADABLE' || error.code === 'PATH_ESCAPES') return { ...base, cause: 'input' };
  return { ...base, cause: 'start', reason: `start failed: ${reason}` };
}

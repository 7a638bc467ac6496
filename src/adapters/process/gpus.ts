// Which GPUs an attempt has. Kept in its run folder, so that a later controller gives none of them to another while it lives.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';

/** Numbers as CUDA_VISIBLE_DEVICES takes them; null where the machine has no GPU at all. */
export function takeGpus(
  runsRoot: string,
  { attemptId, resources }: Pick<AttemptOrder, 'attemptId' | 'resources'>,
  all: readonly number[],
  isOver: (attemptId: string) => boolean,
): readonly number[] | null {
  const count = resources.gpus;
  if (count === 0) return all.length === 0 ? null : [];
  const own = readGpus(runsRoot, attemptId);
  if (own !== undefined) return own;
  const taken = new Set(
    readdirSync(runsRoot)
      .filter((id) => !isOver(id))
      .flatMap((id) => readGpus(runsRoot, id) ?? []),
  );
  const free = all.filter((gpu) => !taken.has(gpu));
  if (free.length < count) {
    const text = `${count} GPUs were asked for, ${free.length} of ${all.length} are free`;
    throw new DistributoError('START_FAILED', text, {
      hint: 'wait for other work on this machine, or ask for fewer GPUs',
      retryable: true,
    });
  }
  const chosen = free.slice(0, count);
  writeFileSync(join(runsRoot, attemptId, 'gpus'), JSON.stringify(chosen), { mode: 0o600 });
  return chosen;
}

function readGpus(runsRoot: string, attemptId: string): readonly number[] | undefined {
  try {
    return JSON.parse(readFileSync(join(runsRoot, attemptId, 'gpus'), 'utf8')) as readonly number[];
  } catch {
    return undefined;
  }
}

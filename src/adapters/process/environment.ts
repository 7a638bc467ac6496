// The environment of a process: what its order says and the few variables that programs cannot do without. Nothing of the
// controller's own environment.

import { homedir } from 'node:os';
import type { Executor } from '../../domain/job.ts';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import { ATTEMPT_VARIABLE, OWNER_VARIABLE } from './process-table.ts';

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Surroundings = {
  readonly ownerId: string;
  readonly temporaryDirectory: string;
  /** null: this machine has none. */
  readonly gpus: readonly number[] | null;
};

export function environmentOf(
  order: AttemptOrder,
  executor: Executor,
  { ownerId, temporaryDirectory, gpus }: Surroundings,
): Record<string, string> {
  return {
    PATH: order.target.path ?? DEFAULT_PATH,
    HOME: homedir(),
    LANG: 'C.UTF-8',
    TMPDIR: temporaryDirectory,
    ...(gpus === null ? {} : { CUDA_VISIBLE_DEVICES: gpus.join(',') }),
    ...executor.env,
    ...order.secrets,
    DISTRIBUTO_NAME: order.name,
    [ATTEMPT_VARIABLE]: order.attemptId,
    [OWNER_VARIABLE]: ownerId,
  };
}

/** A shell drops variables whose names it could not use itself; env(1) gives them to the command. */
export function splitEnvironment(environment: Readonly<Record<string, string>>): {
  readonly shell: Record<string, string>;
  readonly words: readonly string[];
} {
  const entries = Object.entries(environment);
  const isShellName = ([name]: readonly [string, string]): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
  const odd = entries.filter((entry) => !isShellName(entry)).map(([name, value]) => `${name}=${value}`);
  return {
    shell: Object.fromEntries(entries.filter(isShellName)),
    words: odd.length === 0 ? [] : ['/usr/bin/env', ...odd],
  };
}

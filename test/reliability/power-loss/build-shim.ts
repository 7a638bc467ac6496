// Compiles the shim that stands between SQLite and the disk; says why where it cannot.

import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('../../../../test/reliability/power-loss/store-shim.c', import.meta.url));

export type Shim = { readonly path: string; readonly unavailable: null } | { readonly unavailable: string };

let built: Promise<Shim> | undefined;

/** Once a process; the folder goes when the process ends. */
export function buildShim(): Promise<Shim> {
  built ??= compile();
  return built;
}

async function compile(): Promise<Shim> {
  if (process.platform !== 'linux') return { unavailable: `LD_PRELOAD is Linux's; this is ${process.platform}` };
  const folder = await mkdtemp(join(tmpdir(), 'distributo-shim-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'store-shim.so');
  const problems: string[] = [];
  for (const compiler of ['cc', 'gcc', 'clang']) {
    try {
      await promisify(execFile)(compiler, ['-shared', '-fPIC', '-O2', '-o', path, SOURCE, '-ldl', '-lpthread']);
      return { path, unavailable: null };
    } catch (error) {
      problems.push(`${compiler}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  return { unavailable: `no C compiler for the shim (${problems.join('; ')}); install gcc` };
}

/** What a process needs in its environment to have the shim. */
export const shimEnvironment = (shim: string, folder: string, log?: string): NodeJS.ProcessEnv => ({
  ...process.env,
  LD_PRELOAD: shim,
  STORE_SHIM_FOLDER: folder,
  ...(log === undefined ? {} : { STORE_SHIM_LOG: log }),
});

// R11: full disk and broken disk. The n-th write or sync of the store's files fails, for every n (faulty-writer.ts tells what
// must hold then).

import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { memoryFolder } from './memory-folder.ts';
import { buildShim, shimEnvironment } from './power-loss/build-shim.ts';
import type { Row } from './row.ts';

const WRITER = fileURLToPath(new URL('./power-loss/faulty-writer.js', import.meta.url));

export const diskFaults: Row = async ({ trials, seed, seconds }) => {
  const shim = await buildShim();
  if (shim.unavailable !== null)
    return { trials: 0, faults: 0, violations: [], figures: {}, skipped: [shim.unavailable] };
  const folder = await memoryFolder('distributo-r11-');
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [WRITER, folder, trials, seed, seconds].map(String),
      {
        env: shimEnvironment(shim.path, 'faulty'),
        maxBuffer: 1 << 26,
      },
    );
    const { violations, ...counts } = JSON.parse(stdout) as Record<string, number> & { violations: string[] };
    const fired = ['enospc', 'eio-write', 'eio-sync'].map((kind) => counts[kind] ?? 0);
    return {
      trials: counts.trials ?? 0,
      faults: fired.reduce((sum, each) => sum + each, 0),
      violations: fired.includes(0) ? [...violations, `a kind of fault never fired: ${stdout}`] : violations,
      figures: {
        fullDisks: fired[0] ?? 0,
        failedWrites: fired[1] ?? 0,
        failedSyncs: fired[2] ?? 0,
        refusedFull: counts.refusedFull ?? 0,
        refusedFailed: counts.refusedFailed ?? 0,
      },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

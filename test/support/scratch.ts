// A folder for one test, removed when it ends.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export async function scratchFolder(context: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'distributo-test-')));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

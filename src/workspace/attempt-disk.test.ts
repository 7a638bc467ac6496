import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { attemptDirectory, logDirectory, workspaceDirectory } from './attempt-directory.ts';
import { createAttemptDisk } from './attempt-disk.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 1_795_456_800_000;

function aDisk(t: TestContext, attempts: Readonly<Record<string, number>>) {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'distributo-disk-'));
  t.after(() => rmSync(stateDirectory, { recursive: true, force: true }));
  for (const [id, ageHours] of Object.entries(attempts)) {
    const log = logDirectory(stateDirectory, id);
    const workspace = workspaceDirectory(stateDirectory, id);
    for (const folder of [log, workspace]) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'file'), Buffer.alloc(10_000, 1));
    }
    const at = new Date(NOW_MS - ageHours * HOUR_MS);
    for (const folder of [log, attemptDirectory(stateDirectory, id)]) utimesSync(folder, at, at);
  }
  const disk = createAttemptDisk({
    stateDirectory,
    keepWorkspacesMs: 24 * HOUR_MS,
    keepLogsMs: 240 * HOUR_MS,
    nowMs: () => NOW_MS,
  });
  const left = (id: string) => [
    existsSync(logDirectory(stateDirectory, id)),
    existsSync(workspaceDirectory(stateDirectory, id)),
  ];
  return { disk, left };
}

const ages = { aaaaaa0000000001: 1, aaaaaa0000000002: 30, aaaaaa0000000100: 300, aaaaaa0000000101: 300 };
const isLive = (id: string) => id === 'aaaaaa0000000101';

test('what is older than its setting goes, the rest and live attempts stay', async (t) => {
  const { disk, left } = aDisk(t, ages);
  const { freedBytes } = await disk.prune({ all: false, isLive });
  assert.ok(freedBytes >= 30_000);
  assert.deepEqual(Object.keys(ages).map(left), [
    [true, true],
    [true, false],
    [false, false],
    [true, true],
  ]);
});

test('with all, only live attempts keep their files', async (t) => {
  const { disk, left } = aDisk(t, ages);
  await disk.prune({ all: true, isLive });
  assert.deepEqual(Object.keys(ages).map(left), [
    [false, false],
    [false, false],
    [false, false],
    [true, true],
  ]);
  assert.equal((await disk.prune({ all: true, isLive })).freedBytes, 0);
});

test('what can be freed is exactly what pruning frees', async (t) => {
  const { disk } = aDisk(t, ages);
  const before = await disk.measure(isLive);
  const freeable = before.reduce((sum, use) => sum + use.freeable, 0);
  assert.equal((await disk.prune({ all: false, isLive })).freedBytes, freeable);
  const after = await disk.measure(isLive);
  const total = (uses: typeof before) => uses.reduce((sum, use) => sum + use.bytes, 0);
  assert.equal(total(before) - total(after), freeable);
});

test('without a single attempt there is nothing to say', async (t) => {
  const { disk } = aDisk(t, {});
  assert.deepEqual(await disk.measure(isLive), [
    { what: 'logs', bytes: 0, freeable: 0 },
    { what: 'workspaces', bytes: 0, freeable: 0 },
  ]);
});

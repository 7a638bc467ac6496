import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/adapters/sqlite/open-store.ts';
import { contentOf } from '../support/model-store.ts';
import { seededRandom } from '../support/random.ts';
import { scratchFolder } from '../support/scratch.ts';
import { WorkloadHistory } from '../support/store-workload.ts';

const CHILD = fileURLToPath(new URL('../support/store-child.js', import.meta.url));
const SEED = 11;
const ROWS = 40;
const KILLS = 12;

it('kill -9 in the middle of commits loses no acknowledged batch and leaves none half written', async (context) => {
  const file = join(await scratchFolder(context), 'store.db');
  const history = new WorkloadHistory(SEED, ROWS);
  const random = seededRandom(SEED);
  let stored = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const acknowledged = await writeUntilKilled(file, stored, random.below(60));
    const store = await openStore(file);
    const content = await contentOf(store);
    const batches = history.batchesAt(content.world.next.eventSequence, acknowledged + 1);
    assert.ok(batches !== undefined, `kill ${kill}: a part of a batch is there`);
    assert.ok(batches >= acknowledged, `kill ${kill}: ${acknowledged} were acknowledged, ${batches} are there`);
    assert.deepEqual(content, history.contentAfter(batches));
    await store.close();
    stored = batches;
  }
  assert.ok(stored > KILLS, 'some batches were written between the kills');
});

/** The last batch that was acknowledged. The wait counts from the first one, so that it falls among commits. */
async function writeUntilKilled(file: string, from: number, waitMs: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, 'write', file, SEED, from, 0, ROWS, '--until-killed'].map(String), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let acknowledged = from;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('acknowledged')) continue;
    if (acknowledged === from) void sleep(waitMs).then(() => child.kill('SIGKILL'));
    acknowledged = Number(line.split(' ')[1]);
  }
  await closed;
  return acknowledged;
}

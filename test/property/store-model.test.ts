import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import fc from 'fast-check';
import { openStore } from '../../src/adapters/sqlite/open-store.ts';
import { isRunEnded } from '../../src/domain/states.ts';
import { contentOf } from '../support/model-store.ts';
import { StoreWorkload } from '../support/store-workload.ts';

type Step = 'commit' | 'reopen' | 'remove' | 'look';

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Step>('commit') },
    { weight: 1, arbitrary: fc.constantFrom<Step>('reopen', 'remove', 'look') },
  ),
  { minLength: 5, maxLength: 60 },
);

it('a store holds what a plain model holds, whatever is written, removed and opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom(3, 12, 150), steps, async (seed, rows, each) => {
      const directory = await mkdtemp(join(tmpdir(), 'distributo-test-'));
      try {
        await compare(join(directory, 'store.db'), new StoreWorkload(seed, rows), each);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: 25 },
  );
});

async function compare(file: string, workload: StoreWorkload, steps: readonly Step[]): Promise<void> {
  let store = await openStore(file);
  try {
    for (const step of steps) {
      if (step === 'commit') await store.commit(workload.next());
      if (step === 'remove') {
        const runId = removable(workload);
        if (runId === undefined) continue;
        await store.removeRun(runId);
        workload.model.removeRun(runId);
      }
      if (step === 'reopen') {
        await store.close();
        store = await openStore(file);
      }
      if (step === 'look') assert.deepEqual(await contentOf(store), workload.model.content());
    }
    await store.close();
    store = await openStore(file);
    assert.deepEqual(await contentOf(store), workload.model.content());
  } finally {
    await store.close();
  }
}

/** An ended run of which nothing lives. */
function removable({ model }: StoreWorkload): number | undefined {
  const living = new Set([...model.attempts.values()].filter(({ end }) => end === null).map(({ runId }) => runId));
  return [...model.runs.values()].find((run) => isRunEnded(run.state) && !living.has(run.id))?.id;
}

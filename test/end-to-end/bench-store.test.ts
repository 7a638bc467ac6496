import assert from 'node:assert/strict';
import { it } from 'node:test';
import { run } from '../../bench/store.ts';

it('bench store measures each case against the bare driver, and a large job', async () => {
  const figures = await run({ rounds: 1, attempts: 2000, tasks: 4000 });
  assert.deepEqual(
    figures.map(({ bench, unit }) => `${bench} ${unit}`),
    [...Array(4).fill('store 1/s'), ...Array(3).fill('store s'), 'store B'],
  );
  for (const { value, ratio, bar, ok, unit } of figures) {
    assert.ok(value >= 0);
    assert.equal(ratio !== null, unit === '1/s');
    assert.equal(typeof bar, 'number');
    assert.equal(typeof ok, 'boolean');
  }
});

// The store's rows of the scorecard, each a little, so that every run of the tests sees them at work.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { damagedStore } from './damaged-store.ts';
import { diskFaults } from './disk-faults.ts';
import { powerLoss } from './power-loss.ts';
import type { Row } from './row.ts';

const ROWS: readonly (readonly [name: string, row: Row, trials: number])[] = [
  ['no power loss takes an acknowledged batch from the store, or leaves half of one', powerLoss, 150],
  ['on a full disk the store goes on when there is room, on a broken one it ends', diskFaults, 90],
  ['a damaged store is refused, or holds what was written', damagedStore, 150],
];

for (const [name, row, trials] of ROWS) {
  it(name, async (context) => {
    const report = await row({ trials, seed: 1, seconds: 60 });
    if (report.trials === 0 && process.env.CI !== 'true') {
      context.skip(report.skipped?.join('; '));
      return;
    }
    assert.deepEqual(report.violations, []);
    assert.ok(report.faults > 0, `no fault was done: ${report.skipped?.join('; ')}`);
  });
}

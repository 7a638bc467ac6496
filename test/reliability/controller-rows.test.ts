// The controller's rows of the scorecard, each a little, so that every run of the tests sees them at work.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { controllerStorm } from './controller-storm.ts';
import { realDocker } from './real-docker.ts';
import type { Row } from './row.ts';
import { secretsScan } from './secrets-scan.ts';
import { twoStarts } from './two-starts.ts';

const ROWS: readonly (readonly [name: string, row: Row, trials: number])[] = [
  ['of two controllers that start at once one acts, and the other says which', twoStarts, 8],
  ['a controller killed again and again loses, repeats and leaves nothing', controllerStorm, 8],
  ['a controller takes up the containers of one that was killed', realDocker, 1],
  ['no secret is seen anywhere but in the task that has it', secretsScan, 2],
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

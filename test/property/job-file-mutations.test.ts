import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJobFileMutations } from '../reliability/job-files.ts';

test('job files with one thing wrong are refused where it stands', async () => {
  const report = await runJobFileMutations({ trials: 500, seed: 20 });
  const timed = report.violations.filter((one) => / was refused after \d+ ms$/.test(one));
  // How long a refusal takes is judged by the scorecard, which runs alone.
  assert.deepEqual(
    report.violations.filter((one) => !timed.includes(one)),
    [],
  );
  assert.equal(report.trials, 500);
  assert.ok(report.faults > 300);
});

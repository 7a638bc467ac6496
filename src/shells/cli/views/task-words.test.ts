import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aJobAnswer, aRunView, NOW_MS } from '../../../../test/support/a-run-view.ts';
import { createStyle } from '../../terminal/style.ts';
import { describeCounts, exitCodeOfRun, timeSentence } from './task-words.ts';

const style = createStyle({ hasColour: false, isAscii: false });
const context = { style, time: { isLocal: false }, nowMs: NOW_MS };
const MINUTE_MS = 60_000;

test('counts name succeeded always and the others where there are any', () => {
  const counts = { total: 0, succeeded: 0, failed: 0, cancelled: 0, running: 0, waiting: 0 };
  assert.equal(describeCounts(counts, style), '0 succeeded');
  assert.equal(
    describeCounts({ total: 1239, succeeded: 1234, failed: 1, cancelled: 2, running: 1, waiting: 1 }, style),
    '1,234 succeeded, 1 failed, 2 cancelled, 1 running, 1 waiting',
  );
});

test('the exit code tells a script how a run ended; a failure weighs more than a missed deadline', () => {
  const code = (state: 'running' | 'succeeded' | 'failed' | 'cancelled', deadlineMissed = false): number =>
    exitCodeOfRun({ state, deadlineMissed, endedAtMs: state === 'running' ? null : NOW_MS });
  assert.deepEqual(
    [code('succeeded'), code('failed'), code('running'), code('cancelled'), code('succeeded', true)],
    [0, 100, 101, 103, 105],
  );
  assert.equal(code('failed', true), 100);
});

test('times are a clock and a distance: forecast, deadline, what is to spare', () => {
  const run = aRunView([aJobAnswer('dock', [1, 1, 1, 0])]);
  assert.equal(timeSentence(run, context), null);
  assert.equal(
    timeSentence({ ...run, finishForecastAtMs: NOW_MS + 21 * MINUTE_MS }, context),
    '14:31 UTC forecast, in 21 min',
  );
  assert.equal(
    timeSentence(
      { ...run, finishForecastAtMs: NOW_MS + 21 * MINUTE_MS, deadlineAtMs: NOW_MS + 50 * MINUTE_MS },
      context,
    ),
    '14:31 UTC forecast, in 21 min   deadline 15:00 UTC, 29 min to spare',
  );
  assert.equal(
    timeSentence({ ...run, endedAtMs: NOW_MS, deadlineAtMs: NOW_MS - 5 * MINUTE_MS }, context),
    'deadline 14:05 UTC, 5 min late',
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aJobAnswer, aRunView, aTaskAnswer, NOW_MS, screening } from '../../../../test/support/a-run-view.ts';
import { createStyle } from '../../terminal/style.ts';
import { nextAfter, renderEnd, TASKS_SHOWN } from './end-table.ts';

const run = aRunView([aJobAnswer('render', [8, 0, 0, 2], { state: 'failed' })], { state: 'failed', endedAtMs: NOW_MS });
const tasks = Array.from({ length: 10 }, (_, index) => aTaskAnswer(index))
  .with(
    3,
    aTaskAnswer(3, {
      state: 'failed',
      attempts: 2,
      exitCode: 1,
      reason: 'exit 1: "frame file is empty: /in/frame-0118.exr has 0 bytes"',
    }),
  )
  .with(
    4,
    aTaskAnswer(4, {
      state: 'failed',
      peakMemoryMib: null,
      startedAtMs: null,
      reason: 'start failed: the image dock:2.3 does not exist',
    }),
  );
const style = createStyle({ hasColour: false, isAscii: false });
const end = (width: number, isAscii = false): string =>
  renderEnd({
    run,
    tasks,
    results: './out (8 files, 214 KiB)',
    style: createStyle({ hasColour: false, isAscii }),
    width,
  }).join('\n');

test('a small run ends with a line a task, the sum, and the place of its results', () => {
  assert.equal(
    end(100),
    `
  TASK  STATUS     ATTEMPTS        TIME  MEMORY  REASON
  0     succeeded         1  1 min 04 s  61 MiB  -
  1     succeeded         1  1 min 04 s  61 MiB  -
  2     succeeded         1  1 min 04 s  61 MiB  -
  3     failed            2  1 min 04 s  61 MiB  exit 1: "frame file is empty: /in/frame-0118.exr h…
  4     failed            1           -       -  start failed: the image dock:2.3 does not exist
  5     succeeded         1  1 min 04 s  61 MiB  -
  6     succeeded         1  1 min 04 s  61 MiB  -
  7     succeeded         1  1 min 04 s  61 MiB  -
  8     succeeded         1  1 min 04 s  61 MiB  -
  9     succeeded         1  1 min 04 s  61 MiB  -

  8 succeeded, 2 failed in 2 h 10 min. Results: ./out (8 files, 214 KiB)`,
  );
});

test('at 80 columns in ASCII the reason is cut at its end', () => {
  const text = end(80, true);
  assert.equal(
    text,
    `
  TASK  STATUS     ATTEMPTS        TIME  MEMORY  REASON
  0     succeeded         1  1 min 04 s  61 MiB  -
  1     succeeded         1  1 min 04 s  61 MiB  -
  2     succeeded         1  1 min 04 s  61 MiB  -
  3     failed            2  1 min 04 s  61 MiB  exit 1: "frame file is empty:..
  4     failed            1           -       -  start failed: the image dock:..
  5     succeeded         1  1 min 04 s  61 MiB  -
  6     succeeded         1  1 min 04 s  61 MiB  -
  7     succeeded         1  1 min 04 s  61 MiB  -
  8     succeeded         1  1 min 04 s  61 MiB  -
  9     succeeded         1  1 min 04 s  61 MiB  -

  8 succeeded, 2 failed in 2 h 10 min. Results: ./out (8 files, 214 KiB)`,
  );
  assert.match(text, /^[\x20-\x7e\n]*$/);
});

test('into a file nothing is cut', () => {
  assert.match(end(Number.POSITIVE_INFINITY), /frame-0118\.exr has 0 bytes"$/m);
});

test('a large run shows failed and repeated tasks, a line a job, and that the deadline was missed', () => {
  const large = screening({ state: 'failed', endedAtMs: NOW_MS, deadlineMissed: true });
  const failed = [aTaskAnswer(118, { state: 'failed', attempts: 2, reason: 'exit 1' })];
  assert.equal(
    renderEnd({ run: large, tasks: failed, results: null, style, width: 100 }).join('\n'),
    `
  TASK        STATUS  ATTEMPTS        TIME  MEMORY  REASON
  render/118  failed         2  1 min 04 s  61 MiB  exit 1

  JOB      TASKS  SUCCEEDED  FAILED  CANCELLED  REPEATS  TIME A TASK
  dock     6,400      2,487       0          0        0          6 s
  embed    3,280      1,171       0          0        0          6 s
  render  13,500      5,236       2          0        0          3 s

  8,894 succeeded, 2 failed, 5 running, 14,279 waiting in 2 h 10 min.
  the deadline was missed`,
  );
  const many = Array.from({ length: TASKS_SHOWN }, (_, index) => aTaskAnswer(index, { state: 'failed' }));
  assert.match(
    renderEnd({ run: large, tasks: many, results: null, style, width: 100 }).join('\n'),
    /the first 20 failed or repeated tasks are shown; all: distributo status screening-7 --tasks/,
  );
});

test('after an end the commands that make sense are named, and none after a success', () => {
  assert.deepEqual(nextAfter(run, [...tasks]), [
    ['distributo logs screening-7/render/3', 'what it printed'],
    ['distributo explain screening-7/render/3', 'why it failed and what would help'],
    ['distributo retry screening-7', 'only the 2 failed tasks again'],
  ]);
  assert.deepEqual(nextAfter(aRunView([aJobAnswer('render', [8, 0, 0, 0])]), []), []);
  const cancelled = aRunView([aJobAnswer('render', [0, 0, 0, 0])]);
  assert.deepEqual(nextAfter({ ...cancelled, tasks: { ...cancelled.tasks, cancelled: 1 } }, []), [
    ['distributo retry screening-7', 'the 1 cancelled task again'],
  ]);
});

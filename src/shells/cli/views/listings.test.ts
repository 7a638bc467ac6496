// Views of commands as people see them, at several widths, in ASCII and piped. The pictures lie in test/pictures.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDrawing } from '../../../../test/support/a-context.ts';
import { aJobAnswer, aRunView, NOW_MS, screening } from '../../../../test/support/a-run-view.ts';
import { expectPicture } from '../../../../test/support/expect-picture.ts';
import type { ExplainAnswer } from '../../../engine/engine-api.ts';
import { stripStyle, textWidth } from '../../terminal/text-width.ts';
import { renderExplain } from '../commands/explain.ts';
import { columnsFor } from '../commands/ps.ts';
import { renderStatus } from '../commands/status.ts';
import type { Context } from '../context.ts';
import { printListing, renderNext } from '../print-listing.ts';
import { renderNeeds, restWords } from './end-table.ts';

const SHOTS = {
  '100 columns': { width: 100 },
  '80 columns': { width: 80 },
  '50 columns': { width: 50 },
  '100 columns, ASCII': { width: 100, isAscii: true },
  piped: { width: Number.POSITIVE_INFINITY },
};

const draw = (view: (context: Context) => readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(
    Object.entries(SHOTS).map(([title, shot]) => {
      const { context, lines } = aDrawing(shot);
      return [title, [...view(context), ...lines]];
    }),
  );

const failed = aRunView(
  [
    aJobAnswer('dock', [56, 0, 0, 4], { state: 'failed', repeats: { interruptions: 1, retries: 4 } }),
    aJobAnswer('a-job-with-a-name-that-fills-a-whole-line-of-the-table', [0, 0, 0, 0], {
      state: 'cancelled',
      tasks: { total: 30, succeeded: 0, running: 0, waiting: 0, failed: 0, cancelled: 30 },
    }),
  ],
  { state: 'failed', endedAtMs: NOW_MS, instances: [], warnings: ['4 tasks failed'] },
);

const attempt = (number: number, reason: string): ExplainAnswer['attempts'][number] => ({
  sequence: number,
  runId: 7,
  jobId: 3,
  taskIndex: 118,
  number,
  instanceId: 'local',
  runtimeKey: 'process',
  state: 'failed',
  createdAtMs: NOW_MS - 60_000 + number * 10_000,
  startedAtMs: NOW_MS - 59_000 + number * 10_000,
  end: {
    state: 'failed',
    cause: 'exit',
    exitCode: 1,
    reason,
    startedAtMs: NOW_MS - 59_000 + number * 10_000,
    endedAtMs: NOW_MS - 55_000 + number * 10_000,
    peakMemoryMib: 61,
  },
  attemptId: `abcdef000000000${number}`,
  name: `screening-7/render/118#${number}`,
  activity: null,
});

const explained: ExplainAnswer = {
  subject: { kind: 'task', id: 'screening-7/render/118' },
  state: 'failed',
  headline: 'screening-7/render/118 failed on attempt 2: exit 1: "frame file is empty: /in/frame-0118.exr"',
  because: [
    'attempt 1: exit 1: "frame file is empty: /in/frame-0118.exr"',
    'attempt 2: exit 1: "frame file is empty: /in/frame-0118.exr"',
    'every attempt failed in the same way: look at the task or its input, not the machine',
  ],
  asks: { cpuUnits: 512, memoryMib: 1000, diskMib: 0, gpus: 0 },
  looked: 0,
  rejections: [],
  queue: null,
  attempts: [1, 2].map((number) => attempt(number, 'exit 1: "frame file is empty: /in/frame-0118.exr"')),
  wouldHelp: ['distributo logs screening-7/render/118', 'distributo retry screening-7'],
};

const waiting: ExplainAnswer = {
  ...explained,
  subject: { kind: 'task', id: 'screening-7/embed/40' },
  state: 'waiting',
  headline: 'screening-7/embed/40 is waiting: for a free place: 7,000 MiB of memory asked, 829 MiB free',
  because: ['memory: 7,000 MiB asked, local has 829 MiB free of 15,770 MiB (1 of 1 machines)'],
  queue: { position: 1, of: 2108 },
  attempts: [],
  wouldHelp: ['it starts by itself as soon as running tasks end'],
};

test('status says what is, what waits for what, and when it ends', () => {
  expectPicture(
    'status-running',
    draw((context) => renderStatus(screening(), context)),
  );
});

test('status of a failed run accounts for every task', () => {
  expectPicture(
    'status-failed',
    draw((context) => renderStatus(failed, context)),
  );
});

test('explain says what is, why with numbers, and what would change it', () => {
  expectPicture(
    'explain-failed',
    draw((context) => renderExplain(explained, context)),
  );
  expectPicture(
    'explain-waiting',
    draw((context) => renderExplain(waiting, context)),
  );
});

test('ps is a line a run; columns go before names are cut, and wide names move nothing', () => {
  const runs = [
    screening(),
    failed,
    screening({ run: 'nightly-embed-with-a-name-that-is-too-long-for-any-table-31', state: 'waiting' }),
    screening({
      run: '画像-8',
      state: 'cancelled',
      stateReason: 'cancelled by you',
      endedAtMs: NOW_MS - 3 * 86_400_000,
    }),
  ];
  expectPicture(
    'ps',
    draw((context) => {
      printListing(context, {
        view: { schema: 'distributo/runs/1', runs },
        rows: runs,
        name: (run) => run.run,
        columns: columnsFor(context, runs),
        empty: 'none',
      });
      return [];
    }),
  );
});

test('a trial tells what a task needed, and how long the rest would take', () => {
  const trial = aRunView([aJobAnswer('dock', [3, 0, 997, 0], { meanDurationMs: 64_000, peakMemoryMib: 410 })], {
    trialTasks: 3,
    concurrencyMax: 8,
  });
  assert.deepEqual(renderNeeds(trial), [
    '  a task of dock asks 1 vCPU, 1000 MiB; most memory used 410 MiB; 1 min 04 s on average'.replace('1000', '1,000'),
  ]);
  assert.equal(restWords(trial), 'about 2 h 13 min, 8 at a time');
  assert.equal(restWords(screening()), null, 'several jobs: not one number');
});

test('next commands drop what they are for where there is no room, never the command', () => {
  const next = [['distributo logs screening-7 --failed', 'what the failed tasks printed']] as const;
  assert.deepEqual(renderNext(aDrawing({ width: 100 }).context, next).at(-1), `  ${next[0][0]}    ${next[0][1]}`);
  assert.deepEqual(renderNext(aDrawing({ width: 50 }).context, next).at(-1), `  ${next[0][0]}`);
});

test('no view is wider than its terminal', () => {
  for (let width = 60; width <= 130; width += 1) {
    const { context } = aDrawing({ width });
    const views = [screening(), failed].flatMap((run) => renderStatus(run, context));
    for (const line of [...views, ...renderExplain(explained, context), ...renderExplain(waiting, context)])
      assert.ok(textWidth(stripStyle(line)) <= width, `${width}: ${line}`);
  }
});

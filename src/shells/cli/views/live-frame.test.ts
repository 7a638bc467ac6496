import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aJobAnswer, aRunView, NOW_MS, screening } from '../../../../test/support/a-run-view.ts';
import { createStyle } from '../../terminal/style.ts';
import { stripStyle, textWidth } from '../../terminal/text-width.ts';
import { drawRunFrame } from './live-frame.ts';

const frame = (columns: number, rows: number, { isAscii = false, hasColour = false, run = screening() } = {}): string =>
  drawRunFrame(run, {
    style: createStyle({ hasColour, isAscii }),
    time: { isLocal: false },
    nowMs: NOW_MS,
    columns,
    rows,
  }).join('\n');

test('at 100 columns a run shows its counts, a bar a job, the machine, what is under way and what happened', () => {
  assert.equal(
    frame(100, 29),
    `screening-7  ▶ running 2:10:00                                                          14:10:00 UTC
  tasks    8,894 of 23,180 done   5 running   14,279 waiting   2 failed   1.1/s
  dock     ███████████████▌░░░░░░░░░░░░░░░░░░░░░░░░  2,487 of  6,400   finish 17:25
  embed    ██████████████▎░░░░░░░░░░░░░░░░░░░░░░░░░  1,171 of  3,280   finish 17:23
  render   ███████████████▌░░░░░░░░░░░░░░░░░░░░░░░░  5,236 of 13,500   finish 17:29   2 failed
  finish   17:31 UTC forecast, in 3 h 21 min   deadline 18:00 UTC, 29 min to spare
  ! memory limits are not kept by this engine

  machine  █ dock  ▓ embed  ▒ render  · free
  cpu      ████████████████████▓▓▓▓▓▒▒▒▒▒··········   75 %  6 of 8 vCPU
  memory   ██████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▒▒··   95 %  14.7 GiB of 15.4 GiB
  now      dock/2488 pulling the image dock:2.3, 12 s

  14:04:55 ✕ render/118#2 failed: exit 1: "frame file is empty"
  14:09:30 ◆ dock/2470 waits to be tried again: interrupted, the engine was restarted
  ctrl-c leaves it running · distributo explain screening-7 says what waits`,
  );
});

test('at 80 columns the bars are shorter and times go on in a second line', () => {
  assert.equal(
    frame(80, 23),
    `screening-7  ▶ running 2:10:00                                      14:10:00 UTC
  tasks    8,894 of 23,180 done   5 running   14,279 waiting   2 failed   1.1/s
  dock     █████████▍░░░░░░░░░░░░░░  2,487 of  6,400   finish 17:25
  embed    ████████▋░░░░░░░░░░░░░░░  1,171 of  3,280   finish 17:23
  render   █████████▎░░░░░░░░░░░░░░  5,236 of 13,500   finish 17:29   2 failed
  finish   17:31 UTC forecast, in 3 h 21 min
           deadline 18:00 UTC, 29 min to spare
  ! memory limits are not kept by this engine

  machine  █ dock  ▓ embed  ▒ render  · free
  cpu      ██████████████████▓▓▓▓▒▒▒▒·········   75 %  6 of 8 vCPU
  memory   ████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▒▒··   95 %  14.7 GiB of 15.4 GiB
  now      dock/2488 pulling the image dock:2.3, 12 s

  14:04:55 ✕ render/118#2 failed: exit 1: "frame file is empty"
  14:09:30 ◆ dock/2470 waits to be tried again: interrupted, the engine was res…
  ctrl-c leaves it running · distributo explain screening-7 says what waits`,
  );
});

test('in ASCII each job has its own fill and every sign a letter form', () => {
  const text = frame(80, 23, { isAscii: true });
  assert.equal(
    text,
    `screening-7  > running 2:10:00                                      14:10:00 UTC
  tasks    8,894 of 23,180 done   5 running   14,279 waiting   2 failed   1.1/s
  dock     #########...............  2,487 of  6,400   finish 17:25
  embed    #########...............  1,171 of  3,280   finish 17:23
  render   #########...............  5,236 of 13,500   finish 17:29   2 failed
  finish   17:31 UTC forecast, in 3 h 21 min
           deadline 18:00 UTC, 29 min to spare
  ! memory limits are not kept by this engine

  machine  # dock  = embed  - render  . free
  cpu      ##################====----.........   75 %  6 of 8 vCPU
  memory   ################===============--..   95 %  14.7 GiB of 15.4 GiB
  now      dock/2488 pulling the image dock:2.3, 12 s

  14:04:55 x render/118#2 failed: exit 1: "frame file is empty"
  14:09:30 * dock/2470 waits to be tried again: interrupted, the engine was re..
  ctrl-c leaves it running - distributo explain screening-7 says what waits`,
  );
  assert.match(text, /^[\x20-\x7e\n]*$/);
});

test('on a terminal of 40 by 10 figures stay whole, bars and parts go', () => {
  assert.equal(
    frame(40, 9, { isAscii: true }),
    `screening-7  > running 2:10:00
  tasks    8,894 of 23,180 done
           5 running   14,279 waiting
           2 failed   1.1/s
  3 jobs
  finish   17:31 UTC forecast
           deadline 18:00 UTC
           29 min to spare
  ! memory limits are not kept by this..`,
  );
});

test('no size of a terminal gets a wider or higher frame than it has', () => {
  for (let columns = 20; columns <= 130; columns += 5)
    for (const hasColour of [false, true]) {
      for (const line of frame(columns, 50, { hasColour }).split('\n'))
        assert.ok(textWidth(stripStyle(line)) <= columns, `${columns}: ${line}`);
    }
  for (let rows = 9; rows <= 30; rows += 1) assert.ok(frame(100, rows).split('\n').length <= rows, String(rows));
});

test('without colour no escape code is written, and colour takes nothing away', () => {
  assert.ok(!frame(100, 29).includes('\x1b'));
  const coloured = frame(100, 29, { hasColour: true });
  assert.ok(coloured.includes('\x1b['));
  assert.equal(stripStyle(coloured), frame(100, 29));
});

test('many jobs fold where the terminal is low, and the number of folded ones is said', () => {
  const jobs = Array.from({ length: 40 }, (_, at) => aJobAnswer(`job-${at}`, [1, 0, 9, 0]));
  const lines = frame(100, 20, { run: aRunView(jobs) }).split('\n');
  const shown = lines.filter((line) => line.startsWith('  job-')).length;
  assert.ok(shown > 10);
  assert.ok(lines.includes(`  ${40 - shown} more jobs`), lines.join('\n'));
});

test('a job of which nothing runs says what it waits for; a late run says by how much', () => {
  const waiting = aJobAnswer('after', [0, 0, 5, 0], {
    waitsFor: { kind: 'dependency', text: 'job before', help: null },
  });
  const text = frame(100, 29, { run: aRunView([waiting], { deadlineAtMs: NOW_MS - 120_000 }) });
  assert.match(text, /after .* 0 of 5 {3}waits for job before/);
  assert.match(text, /finish .*deadline 14:08 UTC, 2 min late/);
});

test('names and reasons cannot turn the line round or paint the terminal', () => {
  const run = aRunView([aJobAnswer('dock', [0, 1, 0, 0])], {
    recentEvents: screening().recentEvents.map((event) => ({ ...event, reason: 'a\x1b[2Jb\nc\u202e' })),
  });
  assert.ok(!frame(100, 29, { run }).includes('\x1b'));
  assert.match(frame(100, 29, { run }), /failed: a\\x1b\[2Jb c\\u202e/);
});

// The command line on a real terminal: the live view and what it leaves, ctrl-c once and twice, questions and their defaults.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliHouse } from '../support/cli-house.ts';
import { noTerminal, startOnTerminal } from '../support/on-terminal.ts';

const SMALL = 'resources: { cpu: 0.1, memory: 16MiB }';
const CTRL_C = '\x03';
/** Of what was written last, the end of the line decides: cursor and wrap are given back. */
const modesOf = (written: string): string[] => [
  written.lastIndexOf('\x1b[?25h') > written.lastIndexOf('\x1b[?25l') ? 'cursor' : 'no cursor',
  written.lastIndexOf('\x1b[?7h') > written.lastIndexOf('\x1b[?7l') ? 'wrap' : 'no wrap',
];

test('the live view is replaced by the end table, and the terminal is as it was', { skip: noTerminal }, async (t) => {
  const house = await CliHouse.build(t);
  const go = house.path('go');
  const wait = `while [ ! -e ${go} ]; do sleep 0.05; done`;
  const file = await house.job('live', `command: [sh, -c, "${wait}"]`, 'array: { count: 4 }', SMALL);
  const run = startOnTerminal(house, ['run', file], { columns: 80, rows: 24 });
  await run.sees(/^ {2}tasks +0 of 4 done {3}4 running {3}0 waiting$/m);
  await run.sees(/^ {2}cpu +█/m);
  assert.match(run.screen(), /^live-1 {2}▶ running 0:\d\d +\d\d:\d\d:\d\d UTC$/m);
  assert.match(run.screen(), /^ {2}ctrl-c leaves it running · distributo explain live-1 says what waits$/m);
  await house.write('go', '');
  assert.equal(await run.ended, 0, run.screen());
  assert.match(run.screen(), /^ {2}4 succeeded in /m);
  assert.doesNotMatch(run.screen(), /ctrl-c|▶ running/);
  assert.deepEqual(modesOf(run.written()), ['cursor', 'wrap']);
  assert.ok(run.written().includes('\x1b[32msucceeded'), 'green on a terminal');

  const plain = startOnTerminal(house, ['status', 'live-1'], { env: { NO_COLOR: '1' } });
  assert.equal(await plain.ended, 0);
  assert.ok(!plain.written().includes('\x1b['), 'no colour with NO_COLOR');
  const ascii = startOnTerminal(house, ['run', file], { env: { LC_ALL: 'C' } });
  assert.equal(await ascii.ended, 0);
  assert.doesNotMatch(ascii.written(), /[^\p{ASCII}]/u);
});

test('ctrl-c twice asks whether to cancel, with the number of tasks; yes cancels', { skip: noTerminal }, async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('slow', 'command: [sleep, "60"]', 'array: { count: 3 }', 'stop_grace_period: 1s', SMALL);
  const run = startOnTerminal(house, ['run', file]);
  await run.sees(/3 running/);
  run.type(CTRL_C);
  await run.sees(/^Detached; slow-1 goes on without this window\./m);
  assert.deepEqual(modesOf(run.written()), ['cursor', 'wrap']);
  run.type(CTRL_C);
  await run.sees(/Cancel slow-1\? 3 running tasks are stopped; results and records are kept\. \[y\/N\]/);
  run.type('y\r');
  assert.equal(await run.ended, 130);
  assert.match(run.screen(), /slow-1: 3 tasks cancelled/);
  assert.equal((await house.run('wait', 'slow-1')).code, 103);
});

test('the second ctrl-c answered with no, or not pressed, leaves the run alone', { skip: noTerminal }, async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('kept', 'command: [sleep, "60"]', 'stop_grace_period: 1s', SMALL);
  const run = startOnTerminal(house, ['run', file]);
  await run.sees(/1 running/);
  run.type(CTRL_C);
  await run.sees(/^Detached/m);
  run.type(CTRL_C);
  await run.sees(/\[y\/N\]/);
  run.type('\r');
  assert.equal(await run.ended, 130);
  const again = startOnTerminal(house, ['run', '--attach', 'kept-1'], { columns: 60, rows: 12 });
  await again.sees(/1 running/);
  again.type(CTRL_C);
  assert.equal(await again.ended, 130);
  assert.match(again.screen(), /Back: distributo run --attach kept-1\nStop it: distributo cancel kept-1/);
  assert.match((await house.run('ps')).out, /kept-1 +running/);
  await house.run('cancel', 'kept-1');
});

test('a trial asks for the rest, a removal asks first, and return means what is safe', {
  skip: noTerminal,
}, async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('ask', 'command: ["true"]', 'array: { count: 5 }', SMALL);
  const trial = startOnTerminal(house, ['run', file, '--first', '2']);
  await trial.sees(/Run the other 3 tasks.*\? \[Y\/n\]/);
  trial.type('\r');
  assert.equal(await trial.ended, 0, trial.screen());
  assert.match(trial.screen(), /5 succeeded/);

  const kept = startOnTerminal(house, ['rm', 'ask-1']);
  await kept.sees(/Remove the history and logs of ask-1\? They cannot be had back; results stay\. \[y\/N\]/);
  kept.type('\r');
  assert.equal(await kept.ended, 1);
  assert.match(kept.screen(), /nothing was removed/);
  const removed = startOnTerminal(house, ['rm', 'ask-1']);
  await removed.sees(/\[y\/N\]/);
  removed.type('maybe\r');
  await removed.sees(/answer y or n/);
  removed.type('y\r');
  assert.equal(await removed.ended, 0);
  assert.match(removed.screen(), /removed ask-1/);
});

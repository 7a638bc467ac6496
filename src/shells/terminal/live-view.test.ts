import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aVirtualTerminal } from '../../../test/support/virtual-terminal.ts';
import { createLiveView, type LiveViewOptions } from './live-view.ts';

function aClock() {
  let now = 0;
  let timers: { atMs: number; wake: () => void }[] = [];
  const exits = new Set<() => void>();
  const options: LiveViewOptions = {
    nowMs: () => now,
    setTimer: (wake, delayMs) => {
      const timer = { atMs: now + delayMs, wake };
      timers.push(timer);
      const cancel = (): void => {
        timers = timers.filter((other) => other !== timer);
      };
      return { cancel };
    },
    atExit: (restore) => {
      exits.add(restore);
      return () => exits.delete(restore);
    },
  };
  const advance = (ms: number): void => {
    now += ms;
    const due = timers.filter((timer) => timer.atMs <= now);
    timers = timers.filter((timer) => timer.atMs > now);
    for (const timer of due) timer.wake();
  };
  const exit = (): void => {
    for (const restore of exits) restore();
  };
  return { options, advance, exit, exits };
}

test('a frame replaces the last one without left-overs of longer lines or more lines', () => {
  const terminal = aVirtualTerminal();
  const clock = aClock();
  terminal.write('before\r\n');
  const view = createLiveView(terminal, clock.options);
  view.update(() => ['a long first line', 'second', 'third']);
  clock.advance(200);
  view.update(() => ['short', 'two']);
  assert.deepEqual(terminal.lines(), ['before', 'short', 'two']);
  clock.advance(200);
  view.update(() => ['one', 'two', 'three', 'four']);
  view.stop();
  terminal.write('after\r\n');
  assert.deepEqual(terminal.lines(), ['before', 'one', 'two', 'three', 'four', 'after']);
});

test('a frame is one write, and there are at most ten a second', () => {
  const terminal = aVirtualTerminal();
  const clock = aClock();
  const view = createLiveView(terminal, clock.options);
  for (let step = 0; step < 1000; step++) {
    view.update(() => [`step ${step}`]);
    clock.advance(1);
  }
  assert.ok(terminal.writes.length <= 11, `${terminal.writes.length} writes in a second`);
  view.stop();
  assert.deepEqual(terminal.lines(), ['step 999']);
});

test('what is higher than the terminal becomes one line that says so, and nothing scrolls away', () => {
  const terminal = aVirtualTerminal(40, 6);
  const clock = aClock();
  const view = createLiveView(terminal, clock.options);
  for (let step = 0; step < 3; step++) {
    view.update(() => Array.from({ length: 30 }, (_, n) => `line ${n} of step ${step}`));
    clock.advance(200);
  }
  assert.deepEqual(terminal.lines(), [
    'line 0 of step 2',
    'line 1 of step 2',
    'line 2 of step 2',
    'line 3 of step 2',
    '  26 more lines',
  ]);
});

test('a line is cut at the edge of the terminal and a resize redraws with the new room', () => {
  const terminal = aVirtualTerminal(20, 10);
  const clock = aClock();
  const view = createLiveView(terminal, clock.options);
  view.update((size) => [`${size.columns} columns`, 'x'.repeat(50)]);
  assert.deepEqual(terminal.lines(), ['20 columns', 'x'.repeat(20)]);
  terminal.resize(30, 10);
  assert.deepEqual(terminal.lines(), ['30 columns', 'x'.repeat(30)]);
});

test('cursor and wrap are given back at the end and when the process ends in another way', () => {
  const terminal = aVirtualTerminal();
  const clock = aClock();
  const view = createLiveView(terminal, clock.options);
  view.update(() => ['frame']);
  assert.equal(terminal.isCursorShown, false);
  assert.equal(terminal.isWrapOn, false);
  view.stop();
  assert.equal(terminal.isCursorShown && terminal.isWrapOn, true);
  assert.equal(clock.exits.size, 0);

  createLiveView(terminal, clock.options).update(() => ['frame']);
  clock.exit();
  assert.equal(terminal.isCursorShown && terminal.isWrapOn, true);
});

test('a frame can be taken away for what takes its place', () => {
  const terminal = aVirtualTerminal();
  const view = createLiveView(terminal, aClock().options);
  view.update(() => ['one', 'two']);
  view.clear();
  terminal.write('table\r\n');
  assert.deepEqual(terminal.lines(), ['table']);
});

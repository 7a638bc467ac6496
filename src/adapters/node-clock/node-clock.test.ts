import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeClock } from './node-clock.ts';

test('a wake comes once, not before its time', async () => {
  const clock = createNodeClock();
  const from = clock.monotonicMs();
  let wakes = 0;
  await new Promise<void>((resolve) => {
    clock.wakeAfter(30, () => {
      wakes++;
      resolve();
    });
  });
  assert.ok(clock.monotonicMs() - from >= 29);
  assert.equal(wakes, 1);
});

test('a wake that was called off does not come', async () => {
  const clock = createNodeClock();
  let wakes = 0;
  const callOff = clock.wakeAfter(1, () => wakes++);
  callOff();
  await new Promise<void>((resolve) => clock.wakeAfter(20, resolve));
  assert.equal(wakes, 0);
});

test('a wake in a month does not come at once', async () => {
  const clock = createNodeClock();
  let wakes = 0;
  const callOff = clock.wakeAfter(30 * 86_400_000, () => wakes++);
  await new Promise<void>((resolve) => clock.wakeAfter(20, resolve));
  callOff();
  assert.equal(wakes, 0);
});

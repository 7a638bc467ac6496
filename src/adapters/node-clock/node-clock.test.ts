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

/** A machine whose wall clock can be set; `pass` lets both clocks go on. */
function aMachine() {
  let wallMs = 1_795_456_800_000;
  let monotonicMs = 5_000;
  const clock = createNodeClock({ wallMs: () => wallMs, monotonicMs: () => monotonicMs });
  const start = clock.nowMs();
  return {
    elapsed: () => clock.nowMs() - start,
    pass(ms: number, asleepMs = 0) {
      wallMs += ms + asleepMs;
      monotonicMs += ms;
    },
    set(byMs: number) {
      wallMs += byMs;
    },
  };
}

const DAY_MS = 86_400_000;

test('a clock that is set back does not take time back or stop it, and setting it right again changes nothing', () => {
  const machine = aMachine();
  machine.pass(1_000);
  machine.set(-DAY_MS);
  assert.equal(machine.elapsed(), 1_000);
  machine.pass(2_000);
  assert.equal(machine.elapsed(), 3_000);
  machine.set(-DAY_MS);
  machine.pass(1_000);
  assert.equal(machine.elapsed(), 4_000);
  machine.set(2 * DAY_MS);
  machine.pass(1_000);
  assert.equal(machine.elapsed(), 5_000);
});

test('the time of a machine that slept has passed', () => {
  const machine = aMachine();
  machine.pass(1_000, 8 * 3_600_000);
  assert.equal(machine.elapsed(), 1_000 + 8 * 3_600_000);
});

test('the slow correction of a time server is followed, and never runs backwards', () => {
  const machine = aMachine();
  let before = 0;
  for (let second = 0; second < 1_000; second++) {
    machine.pass(1_000);
    machine.set(-1);
    assert.ok(machine.elapsed() >= before);
    before = machine.elapsed();
  }
  assert.equal(machine.elapsed(), 999_000);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aShape, columnsOf } from '../../test/support/scheduler-view.ts';
import { meanUtilisation, utilisationAfter } from './fitness/mean-utilisation.ts';
import { placeTasks } from './place-tasks.ts';
import type { SchedulerDecision, Shape } from './view.ts';

type Machine = Parameters<typeof columnsOf>[0][number];

function place(shapes: readonly Shape[], machines: readonly Machine[]): SchedulerDecision {
  return placeTasks({ nowMs: 0, seed: 1, shapes, instances: columnsOf(machines) });
}

/** The machine that one task of 500 CPU units and 500 MiB goes to. */
function bestFor(machines: readonly Machine[]): string | undefined {
  const [placement] = place([aShape({ cpuUnits: 500, memoryMib: 500 })], machines).placements;
  return placement === undefined ? undefined : machines[placement.instance]?.id;
}

test('fitness of one resource is its utilisation after placing (seed F1, F2)', () => {
  assert.equal(utilisationAfter(1000, 600, 500), 0.9);
  assert.equal(utilisationAfter(1000, 600, 400), 0.8);
});

test('fitness is the mean over CPU and memory (seed F3)', () => {
  assert.ok(Math.abs(meanUtilisation(1000, 600, 500, 1000, 600, 400) - 0.85) < 0.0001);
});

test('a task that fits exactly is placed, one that misses in one dimension is not (seed F4, F5)', () => {
  const machine = { id: 'i1', capacity: { cpuUnits: 500, memoryMib: 1000 } };
  assert.equal(place([aShape({ cpuUnits: 500, memoryMib: 1000 })], [machine]).placements.length, 1);
  assert.equal(place([aShape({ cpuUnits: 1000, memoryMib: 100 })], [machine]).placements.length, 0);
});

test('best fit takes the fullest machine on which the task fits (seed F6 to F10)', () => {
  const i1 = { id: 'i1', capacity: { cpuUnits: 400, memoryMib: 1000 } };
  const i2 = { id: 'i2', capacity: { cpuUnits: 1000, memoryMib: 1000 }, free: { cpuUnits: 800, memoryMib: 800 } };
  const i3 = { id: 'i3', capacity: { cpuUnits: 1000, memoryMib: 1000 }, free: { cpuUnits: 500, memoryMib: 500 } };
  assert.equal(bestFor([]), undefined);
  assert.equal(bestFor([i1]), undefined);
  assert.equal(place([aShape({ cpuUnits: 2000, memoryMib: 500 })], [i1, i2, i3]).placements.length, 0);
  assert.equal(bestFor([i1, i2]), 'i2');
  assert.equal(bestFor([i1, i2, i3]), 'i3');
});

test('equal fitness goes to the machine that stands first', () => {
  const twin = { capacity: { cpuUnits: 1000, memoryMib: 1000 } };
  assert.equal(
    bestFor([
      { id: 'a', ...twin },
      { id: 'b', ...twin },
    ]),
    'a',
  );
});

test('five tasks on two m4.large: two fit on each, one stays waiting with the numbers (seed S5)', () => {
  const m4 = { cpuUnits: 2048, memoryMib: 7987 };
  const decision = place(
    [aShape({ cpuUnits: 1000, memoryMib: 1024 }, { count: 5 })],
    [
      { id: 'arn-1', capacity: m4 },
      { id: 'arn-2', capacity: m4 },
    ],
  );
  assert.deepEqual(
    decision.placements.map(({ count }) => count),
    [2, 2],
  );
  const [cpu] = decision.rejections.get(0) ?? [];
  assert.deepEqual(cpu, {
    rule: 'cpu',
    instances: 2,
    asked: 1000,
    nearest: { instanceId: 'arn-1', had: 48, capacity: 2048 },
    isNever: false,
  });
});

test('what no machine could ever hold is told from what has no room now', () => {
  const decision = place(
    [aShape({ cpuUnits: 100, memoryMib: 9000 })],
    [{ id: 'i', capacity: { cpuUnits: 2048, memoryMib: 8000 } }],
  );
  assert.deepEqual(
    decision.rejections.get(0)?.map(({ rule, isNever }) => ({ rule, isNever })),
    [{ rule: 'memory', isNever: true }],
  );
});

test('a machine that is not open or lacks the runtime gets nothing, and the rejection says which', () => {
  const capacity = { cpuUnits: 2048, memoryMib: 8000 };
  const machines = [
    { id: 'draining', capacity, isOpen: false },
    { id: 'other', capacity, runtimeKeys: ['docker:tcp://x'] },
  ];
  const decision = place([aShape({ cpuUnits: 1, memoryMib: 1 })], machines);
  assert.deepEqual(decision.placements, []);
  assert.deepEqual(
    decision.rejections.get(0)?.map(({ rule, instances }) => [rule, instances]),
    [
      ['state', 1],
      ['runtime', 1],
    ],
  );
});

test('a host port is given to one task of a machine at a time', () => {
  const capacity = { cpuUnits: 9000, memoryMib: 9000 };
  const shape = aShape({ cpuUnits: 1, memoryMib: 1 }, { count: 5, ports: [8080] });
  const decision = place(
    [shape],
    [
      { id: 'a', capacity },
      { id: 'b', capacity, takenPorts: [8080] },
    ],
  );
  assert.deepEqual(decision.placements, [{ shape: 0, instance: 0, count: 1 }]);
});

test('a higher priority is placed first, and of equal ones the earlier submitted', () => {
  const demand = { cpuUnits: 1000, memoryMib: 1000 };
  const shapes = [
    aShape(demand, { firstId: 1 }),
    aShape(demand, { firstId: 2, priority: 5 }),
    aShape(demand, { firstId: 0 }),
  ];
  const decision = place(shapes, [{ id: 'i', capacity: { cpuUnits: 2000, memoryMib: 2000 } }]);
  assert.deepEqual(
    decision.placements.map(({ shape }) => shape),
    [1, 2],
  );
  assert.ok(decision.rejections.has(0));
});

// Laws of the scheduler on generated shapes and machines: no oversubscription, nothing placed twice, true rejections, an
// answer that depends on the input alone, and agreement with a scheduler that places task by task.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RESOURCE_DIMENSIONS, type Resources } from '../../src/domain/resources.ts';
import { meanUtilisation } from '../../src/scheduler/fitness/mean-utilisation.ts';
import { placeTasks } from '../../src/scheduler/place-tasks.ts';
import {
  DIMENSIONS,
  demandVector,
  type InstanceColumns,
  type SchedulerView,
  type Shape,
} from '../../src/scheduler/view.ts';
import { aShape, columnsOf } from '../support/scheduler-view.ts';

const resources = (max: number): fc.Arbitrary<Resources> =>
  fc.record({ cpuUnits: fc.nat(max), memoryMib: fc.nat(max), diskMib: fc.nat(max), gpus: fc.nat(3) });

const views: fc.Arbitrary<SchedulerView> = fc
  .record({
    shapes: fc.array(
      fc.record({
        demand: resources(40),
        count: fc.nat(12),
        priority: fc.nat(2),
        ports: fc.constantFrom([], [], [80]),
      }),
      { maxLength: 5 },
    ),
    machines: fc.array(
      fc.record({
        capacity: resources(100),
        used: resources(60),
        isOpen: fc.boolean(),
        key: fc.constantFrom('process', 'process', 'docker:x'),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ shapes, machines }) => ({
    nowMs: 0,
    seed: 1,
    shapes: shapes.map((shape, index) => aShape(shape.demand, { ...shape, firstId: index })),
    instances: columnsOf(
      machines.map((machine, index) => ({
        id: `i${index}`,
        capacity: machine.capacity,
        free: Object.fromEntries(
          RESOURCE_DIMENSIONS.map((dimension) => [
            dimension,
            Math.max(machine.capacity[dimension] - machine.used[dimension], 0),
          ]),
        ),
        isOpen: machine.isOpen,
        runtimeKeys: [machine.key],
      })),
    ),
  }));

const given = (view: SchedulerView): Float64Array => {
  const free = view.instances.free.slice();
  for (const { shape, instance, count } of placeTasks(view).placements) {
    demandVector((view.shapes[shape] as Shape).demand).forEach((amount, dimension) => {
      free[instance * DIMENSIONS + dimension] = (free[instance * DIMENSIONS + dimension] as number) - count * amount;
    });
  }
  return free;
};

test('no machine is ever given more than it has free, in any dimension', () => {
  fc.assert(fc.property(views, (view) => assert.ok(given(view).every((left) => left >= 0))));
});

test('no shape starts more tasks than it has, and what stays has a reason', () => {
  fc.assert(
    fc.property(views, (view) => {
      const decision = placeTasks(view);
      view.shapes.forEach((shape, index) => {
        const placed = decision.placements
          .filter((one) => one.shape === index)
          .reduce((sum, one) => sum + one.count, 0);
        assert.ok(placed <= shape.count);
        assert.equal(decision.rejections.has(index), placed < shape.count);
      });
    }),
  );
});

test('work goes only to open machines that offer the runtime', () => {
  fc.assert(
    fc.property(views, (view) => {
      for (const { shape, instance } of placeTasks(view).placements) {
        assert.ok(view.instances.isOpen[instance]);
        assert.ok(view.instances.runtimeKeys[instance]?.has((view.shapes[shape] as Shape).runtimeKey));
      }
    }),
  );
});

test('the same view gives the same answer and is not changed', () => {
  fc.assert(
    fc.property(views, (view) => {
      const before = view.instances.free.slice();
      assert.deepEqual(placeTasks(view), placeTasks(view));
      assert.deepEqual(view.instances.free, before);
    }),
  );
});

/** The seed's way: one task at a time, each on the fitting machine with the highest fitness, the first of equals. */
function placeOneByOne(view: SchedulerView): number[][] {
  const free = view.instances.free.slice();
  const ports = view.instances.takenPorts.map((taken) => new Set(taken));
  const order = view.shapes
    .map((shape, index) => ({ shape, index }))
    .sort((a, b) => b.shape.priority - a.shape.priority || a.index - b.index);
  const counts = view.shapes.map(() => view.instances.ids.map(() => 0));
  for (const { shape, index } of order) {
    for (let task = 0; task < shape.count; task += 1) {
      const row = bestRow(shape, view.instances, free, ports);
      if (row === -1) break;
      demandVector(shape.demand).forEach((amount, dimension) => {
        free[row * DIMENSIONS + dimension] = (free[row * DIMENSIONS + dimension] as number) - amount;
      });
      for (const port of shape.ports) ports[row]?.add(port);
      (counts[index] as number[])[row] = ((counts[index] as number[])[row] as number) + 1;
    }
  }
  return counts;
}

function bestRow(shape: Shape, instances: InstanceColumns, free: Float64Array, ports: Set<number>[]): number {
  const demand = demandVector(shape.demand);
  let best = -1;
  let bestFitness = -1;
  for (let row = 0; row < instances.ids.length; row += 1) {
    const at = row * DIMENSIONS;
    const fits = demand.every((amount, dimension) => amount <= (free[at + dimension] as number));
    if (!fits || !instances.isOpen[row] || !instances.runtimeKeys[row]?.has(shape.runtimeKey)) continue;
    if (shape.ports.some((port) => ports[row]?.has(port))) continue;
    const column = (values: Float64Array, dimension: number): number => values[at + dimension] as number;
    const fitness = meanUtilisation(
      column(instances.capacity, 0),
      column(free, 0),
      demand[0] as number,
      column(instances.capacity, 1),
      column(free, 1),
      demand[1] as number,
    );
    if (fitness > bestFitness) {
      best = row;
      bestFitness = fitness;
    }
  }
  return best;
}

test('placing by shapes and counts gives exactly what placing task by task gives', () => {
  fc.assert(
    fc.property(views, (view) => {
      const counts = view.shapes.map(() => view.instances.ids.map(() => 0));
      for (const { shape, instance, count } of placeTasks(view).placements)
        (counts[shape] as number[])[instance] = count;
      assert.deepEqual(counts, placeOneByOne(view));
    }),
    { numRuns: 500 },
  );
});

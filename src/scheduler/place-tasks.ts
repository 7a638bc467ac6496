// Decides how many tasks of which shape start on which instance. Starts nothing.
//
// Shapes go by priority, then by submission. Each takes the instance with the highest fitness until no more of its tasks
// fit there, then the next: placing one makes that instance fuller, so it stays the best until it is full. Ties go to the
// instance that stands first in the columns (the lower id), which keeps the order of input out of the answer.

import type { Constraint } from './constraints/constraint.ts';
import { OPEN_CONSTRAINT } from './constraints/open.ts';
import { PORTS_CONSTRAINT } from './constraints/ports.ts';
import { RESOURCE_CONSTRAINTS } from './constraints/resources.ts';
import { RUNTIME_CONSTRAINT } from './constraints/runtime.ts';
import { meanUtilisation } from './fitness/mean-utilisation.ts';
import type { Rejection } from './rejection.ts';
import {
  DIMENSIONS,
  demandVector,
  type InstanceColumns,
  type Placement,
  type SchedulerDecision,
  type SchedulerView,
  type Shape,
} from './view.ts';

export const CONSTRAINTS: readonly Constraint[] = [
  OPEN_CONSTRAINT,
  RUNTIME_CONSTRAINT,
  ...RESOURCE_CONSTRAINTS,
  PORTS_CONSTRAINT,
];

const CPU = 0;
const MEMORY = 1;

/** Fitness of a shape on an instance as it now stands: mean utilisation of CPU and memory after placing one task. */
function fitnessOn(demand: readonly number[], instances: InstanceColumns, row: number): number {
  const at = row * DIMENSIONS;
  return meanUtilisation(
    instances.capacity[at + CPU] as number,
    instances.free[at + CPU] as number,
    demand[CPU] as number,
    instances.capacity[at + MEMORY] as number,
    instances.free[at + MEMORY] as number,
    demand[MEMORY] as number,
  );
}

/** How many tasks of the demand fit on a row, at most `count`. */
function fitCount(demand: readonly number[], free: Float64Array, row: number, count: number): number {
  let fits = count;
  for (let dimension = 0; dimension < DIMENSIONS; dimension += 1) {
    const asked = demand[dimension] as number;
    if (asked > 0) fits = Math.min(fits, Math.floor((free[row * DIMENSIONS + dimension] as number) / asked));
  }
  return Math.max(fits, 0);
}

/** Rows on which the shape fits, best fitness first, the first row first among equals. */
function rankRows(shape: Shape, demand: readonly number[], instances: InstanceColumns): number[] {
  const rows: number[] = [];
  for (let row = 0; row < instances.ids.length; row += 1) {
    if (CONSTRAINTS.every((constraint) => constraint.passes(shape, instances, row))) rows.push(row);
  }
  const fitness = new Map(rows.map((row) => [row, fitnessOn(demand, instances, row)]));
  return rows.sort((a, b) => (fitness.get(b) as number) - (fitness.get(a) as number) || a - b);
}

/** Why no (further) task of the shape fits: one rejection for each rule that an instance fails, fewest instances last. */
export function explainShape(shape: Shape, instances: InstanceColumns): Rejection[] {
  const rejections = CONSTRAINTS.map((constraint) => rejectBy(constraint, shape, instances));
  return rejections.filter((rejection) => rejection !== null).sort((a, b) => b.instances - a.instances);
}

function rejectBy(constraint: Constraint, shape: Shape, instances: InstanceColumns): Rejection | null {
  let failing = 0;
  let canEverPass = false;
  let asked: number | null = null;
  let nearest: Rejection['nearest'] = null;
  let leastMissing = Number.POSITIVE_INFINITY;
  for (let row = 0; row < instances.ids.length; row += 1) {
    if (constraint.couldPass(shape, instances, row)) canEverPass = true;
    if (constraint.passes(shape, instances, row)) continue;
    failing += 1;
    const amounts = constraint.amounts?.(shape, instances, row) ?? null;
    const missing = amounts === null ? 0 : amounts.asked - amounts.had;
    if (missing >= leastMissing) continue;
    leastMissing = missing;
    asked = amounts?.asked ?? null;
    nearest = {
      instanceId: instances.ids[row] as string,
      had: amounts?.had ?? null,
      capacity: amounts?.capacity ?? null,
    };
  }
  return failing === 0 ? null : { rule: constraint.rule, instances: failing, asked, nearest, isNever: !canEverPass };
}

function copyColumns(instances: InstanceColumns): InstanceColumns & { readonly takenPorts: Set<number>[] } {
  return {
    ...instances,
    free: instances.free.slice(),
    takenPorts: instances.takenPorts.map((ports) => new Set(ports)),
  };
}

function placeShape(
  index: number,
  shape: Shape,
  work: ReturnType<typeof copyColumns>,
): { placed: Placement[]; left: number } {
  const demand = demandVector(shape.demand);
  const placed: Placement[] = [];
  let left = shape.count;
  for (const row of left > 0 ? rankRows(shape, demand, work) : []) {
    if (left === 0) break;
    const count = fitCount(demand, work.free, row, shape.ports.length > 0 ? 1 : left);
    if (count === 0) continue;
    for (let dimension = 0; dimension < DIMENSIONS; dimension += 1) {
      const at = row * DIMENSIONS + dimension;
      work.free[at] = (work.free[at] as number) - count * (demand[dimension] as number);
    }
    for (const port of shape.ports) work.takenPorts[row]?.add(port);
    placed.push({ shape: index, instance: row, count });
    left -= count;
  }
  return { placed, left };
}

/** The view is not changed; the answer depends on it alone. */
export function placeTasks(view: SchedulerView): SchedulerDecision {
  const work = copyColumns(view.instances);
  const order = view.shapes
    .map((shape, index) => ({ shape, index }))
    .sort((a, b) => b.shape.priority - a.shape.priority || a.shape.firstId - b.shape.firstId || a.index - b.index);
  const placements: Placement[] = [];
  const rejections = new Map<number, readonly Rejection[]>();
  for (const { shape, index } of order) {
    const { placed, left } = placeShape(index, shape, work);
    placements.push(...placed);
    if (left > 0) rejections.set(index, explainShape(shape, work));
  }
  return { placements, rejections };
}

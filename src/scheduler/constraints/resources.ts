// One rule for each packed dimension: exactly equal fits.

import { RESOURCE_DIMENSIONS, type ResourceDimension } from '../../domain/resources.ts';
import { DIMENSIONS } from '../view.ts';
import type { Constraint } from './constraint.ts';

const RULE_NAMES: Readonly<Record<ResourceDimension, string>> = {
  cpuUnits: 'cpu',
  memoryMib: 'memory',
  diskMib: 'disk',
  gpus: 'gpus',
};

export const RESOURCE_CONSTRAINTS: readonly Constraint[] = RESOURCE_DIMENSIONS.map((dimension, column) => ({
  rule: RULE_NAMES[dimension],
  passes: (shape, instances, row) => shape.demand[dimension] <= (instances.free[row * DIMENSIONS + column] as number),
  couldPass: (shape, instances, row) =>
    shape.demand[dimension] <= (instances.capacity[row * DIMENSIONS + column] as number),
  amounts: (shape, instances, row) => ({
    asked: shape.demand[dimension],
    had: instances.free[row * DIMENSIONS + column] as number,
    capacity: instances.capacity[row * DIMENSIONS + column] as number,
  }),
}));

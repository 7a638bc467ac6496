// The instance must offer the runtime (Docker engine, processes) that the run was submitted to.

import type { Constraint } from './constraint.ts';

export const RUNTIME_CONSTRAINT: Constraint = {
  rule: 'runtime',
  passes: (shape, instances, row) => instances.runtimeKeys[row]?.has(shape.runtimeKey) === true,
  couldPass: (shape, instances, row) => instances.runtimeKeys[row]?.has(shape.runtimeKey) === true,
  amounts: null,
};

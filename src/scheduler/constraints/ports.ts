// A host port can be held by one task of an instance.

import type { Constraint } from './constraint.ts';

export const PORTS_CONSTRAINT: Constraint = {
  rule: 'ports',
  passes: (shape, instances, row) => shape.ports.every((port) => instances.takenPorts[row]?.has(port) !== true),
  couldPass: () => true,
  amounts: null,
};

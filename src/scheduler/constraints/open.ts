// New work goes only to instances that are ready: not booting, draining or unreachable.

import type { Constraint } from './constraint.ts';

export const OPEN_CONSTRAINT: Constraint = {
  rule: 'state',
  passes: (_shape, instances, row) => instances.isOpen[row] === true,
  couldPass: () => true,
  amounts: null,
};

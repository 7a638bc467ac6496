// A hard rule: may a task of this shape go on this instance now? Rules with an amount say how much was asked and had.

import type { InstanceColumns, Shape } from '../view.ts';

export type Constraint = {
  /** The word that rejections carry. */
  readonly rule: string;
  /** True where it passes on what is free now. */
  readonly passes: (shape: Shape, instances: InstanceColumns, row: number) => boolean;
  /** True where it would pass on the instance if it were empty and open. */
  readonly couldPass: (shape: Shape, instances: InstanceColumns, row: number) => boolean;
  /** null for rules without an amount. */
  readonly amounts:
    | ((shape: Shape, instances: InstanceColumns, row: number) => { asked: number; had: number; capacity: number })
    | null;
};

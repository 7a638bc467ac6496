// What the scheduler looks at and what it answers. Shapes stand for all their tasks, so a decision costs what differs, not
// how many tasks there are; instances are columns of whole numbers.

import type { Resources } from '../domain/resources.ts';
import { RESOURCE_DIMENSIONS } from '../domain/resources.ts';
import type { Rejection } from './rejection.ts';

/** Tasks that ask the same. */
export type Shape = {
  readonly demand: Resources;
  /** How many of its tasks may start now. */
  readonly count: number;
  /** Higher goes first; of equal ones, the lower `firstId`. */
  readonly priority: number;
  /** Orders shapes of equal priority: ascending by submission. */
  readonly firstId: number;
  /** The runtime its tasks need. */
  readonly runtimeKey: string;
  /** Host ports that each of its tasks takes for itself: at most one such task an instance. */
  readonly ports: readonly number[];
};

/** Instances as columns: row i of each belongs to the same instance. `free` and `capacity` hold RESOURCE_DIMENSIONS side by side, row by row. */
export type InstanceColumns = {
  readonly ids: readonly string[];
  readonly capacity: Float64Array;
  readonly free: Float64Array;
  /** True where new work may go: ready, not draining, reachable. */
  readonly isOpen: readonly boolean[];
  readonly runtimeKeys: readonly ReadonlySet<string>[];
  readonly takenPorts: readonly ReadonlySet<number>[];
};

export type SchedulerView = {
  readonly nowMs: number;
  readonly seed: number;
  readonly shapes: readonly Shape[];
  readonly instances: InstanceColumns;
};

/** `count` tasks of `shapes[shape]` start on `instances.ids[instance]`. */
export type Placement = { readonly shape: number; readonly instance: number; readonly count: number };

export type SchedulerDecision = {
  readonly placements: readonly Placement[];
  /** For each shape of which a task stays: why none of its tasks fits any more. */
  readonly rejections: ReadonlyMap<number, readonly Rejection[]>;
};

export const DIMENSIONS = RESOURCE_DIMENSIONS.length;

/** A demand in the order of the columns. */
export const demandVector = (demand: Resources): number[] => RESOURCE_DIMENSIONS.map((dimension) => demand[dimension]);

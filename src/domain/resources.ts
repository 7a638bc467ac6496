// Amounts of what a machine has and a task asks: whole numbers in every dimension, so that sums never drift.

/** Amounts in every packed dimension. All are integers >= 0. */
export type Resources = {
  /** 1,024 = one vCPU. */
  readonly cpuUnits: number;
  readonly memoryMib: number;
  readonly diskMib: number;
  readonly gpus: number;
};

/** The dimensions in the order in which they are compared and named. */
export const RESOURCE_DIMENSIONS = [
  'cpuUnits',
  'memoryMib',
  'diskMib',
  'gpus',
] as const satisfies readonly (keyof Resources)[];

export type ResourceDimension = (typeof RESOURCE_DIMENSIONS)[number];

export const NO_RESOURCES: Resources = { cpuUnits: 0, memoryMib: 0, diskMib: 0, gpus: 0 };

/** True where `demand` is at most `free` in every dimension; exactly equal fits. */
export function fitsIn(demand: Resources, free: Resources): boolean {
  return RESOURCE_DIMENSIONS.every((dimension) => demand[dimension] <= free[dimension]);
}

function combine(a: Resources, b: Resources, operation: (x: number, y: number) => number): Resources {
  return {
    cpuUnits: operation(a.cpuUnits, b.cpuUnits),
    memoryMib: operation(a.memoryMib, b.memoryMib),
    diskMib: operation(a.diskMib, b.diskMib),
    gpus: operation(a.gpus, b.gpus),
  };
}

export const addResources = (a: Resources, b: Resources): Resources => combine(a, b, (x, y) => x + y);
export const subtractResources = (a: Resources, b: Resources): Resources => combine(a, b, (x, y) => x - y);
export const leastResources = (a: Resources, b: Resources): Resources => combine(a, b, Math.min);

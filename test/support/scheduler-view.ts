// Builders of what the scheduler looks at: shapes and machines, with only what matters to a test.

import { NO_RESOURCES, type Resources } from '../../src/domain/resources.ts';
import { DIMENSIONS, demandVector, type InstanceColumns, type Shape } from '../../src/scheduler/view.ts';

export type Machine = {
  readonly id: string;
  readonly capacity: Partial<Resources>;
  readonly free?: Partial<Resources>;
  readonly isOpen?: boolean;
  readonly runtimeKeys?: readonly string[];
  readonly takenPorts?: readonly number[];
};

export const RUNTIME = 'process';

export const aShape = (demand: Partial<Resources>, fields: Partial<Shape> = {}): Shape => ({
  demand: { ...NO_RESOURCES, ...demand },
  count: 1,
  priority: 0,
  firstId: 0,
  runtimeKey: RUNTIME,
  ports: [],
  ...fields,
});

export function columnsOf(machines: readonly Machine[]): InstanceColumns {
  const capacity = new Float64Array(machines.length * DIMENSIONS);
  const free = new Float64Array(machines.length * DIMENSIONS);
  machines.forEach((machine, row) => {
    capacity.set(demandVector({ ...NO_RESOURCES, ...machine.capacity }), row * DIMENSIONS);
    free.set(demandVector({ ...NO_RESOURCES, ...machine.capacity, ...machine.free }), row * DIMENSIONS);
  });
  return {
    ids: machines.map((machine) => machine.id),
    capacity,
    free,
    isOpen: machines.map((machine) => machine.isOpen ?? true),
    runtimeKeys: machines.map((machine) => new Set(machine.runtimeKeys ?? [RUNTIME])),
    takenPorts: machines.map((machine) => new Set(machine.takenPorts ?? [])),
  };
}

// Compares a run with the machine it is meant for, before it is submitted: a task that could never be placed is told with the
// machine's size and the smallest change that helps. Whether there is room just now is the scheduler's question.

import { DistributoError } from '../../domain/errors.ts';
import type { Job, RunSpec } from '../../domain/job.ts';
import { RESOURCE_DIMENSIONS, type ResourceDimension, type Resources } from '../../domain/resources.ts';

/** Of a runtime's description: what may be given out, the machine's own size, its name. */
export type LargestMachine = { readonly label: string; readonly capacity: Resources; readonly total: Resources };

export type TooLarge = {
  readonly job: string;
  readonly dimension: ResourceDimension;
  readonly asked: number;
  /** Most that one task may ask there. */
  readonly capacity: number;
};

/** Every dimension of every job in which one task asks more than the largest machine gives. */
export function findTooLarge(
  jobs: readonly Pick<Job, 'name' | 'resources'>[],
  machine: LargestMachine,
): readonly TooLarge[] {
  return jobs.flatMap((job) =>
    RESOURCE_DIMENSIONS.filter((dimension) => job.resources[dimension] > machine.capacity[dimension]).map(
      (dimension) => ({
        job: job.name,
        dimension,
        asked: job.resources[dimension],
        capacity: machine.capacity[dimension],
      }),
    ),
  );
}

/** Throws JOB_UNPLACEABLE where a task can never be placed. */
export function refuseTooLarge(spec: Pick<RunSpec, 'jobs'>, machine: LargestMachine): void {
  const tooLarge = findTooLarge(spec.jobs, machine);
  const [first] = tooLarge;
  if (first === undefined) return;
  throw new DistributoError('JOB_UNPLACEABLE', tooLarge.map(describeTooLarge).join('\n'), {
    hint: tooLarge.map(helpFor).join('\n'),
    details: { tooLarge, largest: { label: machine.label, capacity: machine.capacity, total: machine.total } },
  });
}

export const describeTooLarge = ({ job, dimension, asked, capacity }: TooLarge): string =>
  `a task of ${job} asks ${say(dimension, asked)}; the largest machine gives ${say(dimension, capacity)}`;

const FIELDS = { cpuUnits: 'cpu', memoryMib: 'memory', diskMib: 'disk', gpus: 'gpu' } as const;

/** The smallest change that helps, as it is written in the file. */
export function helpFor({ job, dimension, capacity }: TooLarge): string {
  const field = `resources.${FIELDS[dimension]}`;
  if (capacity === 0) return `leave ${field} of ${job} out: the machine has none`;
  return `write at most ${field}: ${written(dimension, capacity)} for ${job}`;
}

/** Rounded down to what can be read and still fits. */
function written(dimension: ResourceDimension, amount: number): string {
  if (dimension === 'cpuUnits') return String(Math.floor((amount * 1000) / 1024) / 1000);
  return dimension === 'gpus' ? String(amount) : `${amount}MiB`;
}

/** What is asked is rounded up and what is given down, so that the two never look equal where they are not. */
function say(dimension: ResourceDimension, amount: number): string {
  if (dimension === 'gpus') return amount === 1 ? '1 GPU' : `${amount} GPUs`;
  if (dimension === 'cpuUnits') return `${Number((amount / 1024).toFixed(3))} vCPU`;
  return `${amount.toLocaleString('en-US')} MiB of ${FIELDS[dimension]}`;
}

// Says in words, from the same numbers that the scheduler rejected by, what tasks wait for and what would help.

import type { Rejection } from '../scheduler/rejection.ts';
import type { WaitReason } from './engine-api.ts';

const count = (value: number): string => value.toLocaleString('en-US');
const vcpu = (cpuUnits: number): string => `${Number((cpuUnits / 1024).toFixed(2))} vCPU`;

/** An amount of a rule in people's units. */
export function describeAmount(rule: string, amount: number): string {
  if (rule === 'cpu') return vcpu(amount);
  if (rule === 'gpus') return `${count(amount)} GPU`;
  return `${count(amount)} MiB`;
}

const UNIT_SAYS_ALL: ReadonlySet<string> = new Set(['cpu', 'gpus']);

const FIELD: Readonly<Record<string, string>> = {
  cpu: 'resources.cpu',
  memory: 'resources.memory',
  disk: 'resources.disk',
  gpus: 'resources.gpu',
};

/** @param looked how many instances there are */
export function describeRejections(rejections: readonly Rejection[], looked: number): WaitReason {
  const never = rejections.find((rejection) => rejection.isNever && rejection.asked !== null);
  if (never !== undefined && looked > 0) {
    const capacity = describeAmount(never.rule, never.nearest?.capacity ?? 0);
    return {
      kind: 'never-fits',
      text: `a larger machine: it asks ${describeAmount(never.rule, never.asked as number)}, the largest here gives ${capacity}`,
      help: `ask at most ${capacity} in ${FIELD[never.rule] ?? never.rule}`,
    };
  }
  const first = rejections.find((rejection) => rejection.asked !== null);
  if (first === undefined)
    return {
      kind: 'room',
      text: rejections[0] === undefined ? 'a free place' : `a free place (${rejections[0].rule})`,
      help: null,
    };
  const had = first.nearest?.had ?? 0;
  const asked = describeAmount(first.rule, first.asked as number);
  return {
    kind: 'room',
    text: `a free place: ${asked}${UNIT_SAYS_ALL.has(first.rule) ? '' : ` of ${first.rule}`} asked, ${describeAmount(first.rule, had)} free`,
    help: null,
  };
}

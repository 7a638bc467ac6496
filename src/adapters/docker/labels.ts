// The labels and names of what we make on an engine: on it from its creation, so that nothing of ours is ever without them,
// and nothing without our owner id is ever touched.

import type { AttemptOrder } from '../../ports/attempt-runtime.ts';

export const LABEL = {
  owner: 'distributo:owner',
  cluster: 'distributo:cluster',
  attempt: 'distributo:attempt',
  name: 'distributo:name',
  /** Which executor of the attempt, from 0. */
  executor: 'distributo:executor',
  /** Device ids given to the attempt, comma-separated. */
  gpus: 'distributo:gpus',
} as const;

export type Ownership = { readonly ownerId: string; readonly clusterName: string };

/** The user's labels never replace ours. */
export function labelsOf(order: AttemptOrder, ownership: Ownership): Record<string, string> {
  return {
    ...order.labels,
    [LABEL.owner]: ownership.ownerId,
    [LABEL.cluster]: ownership.clusterName,
    [LABEL.attempt]: order.attemptId,
    [LABEL.name]: order.name,
  };
}

export const containerName = (attemptId: string, executor: number): string =>
  executor === 0 ? attemptId : `${attemptId}-${executor}`;

/** The volume that is the attempt's workspace. */
export const volumeName = (attemptId: string): string => attemptId;

/** A filter of the API: only what carries all these labels. */
export const labelFilter = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify({ label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) });

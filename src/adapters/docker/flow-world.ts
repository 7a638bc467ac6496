// What every step of an attempt works with: the engine, and what is shared between attempts on it. Only names and small calls.

import { DistributoError } from '../../domain/errors.ts';
import type { RuntimeObservation } from '../../ports/attempt-runtime.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Objects } from '../../ports/objects.ts';
import type { EngineFacts } from './describe-engine.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';
import type { EngineContact } from './engine-contact.ts';
import type { ContainerDetails } from './engine-types.ts';
import type { GpuAssignment } from './gpu-assignment.ts';
import type { Images } from './images.ts';
import type { Ownership } from './labels.ts';
import type { MemoryWatch } from './memory-watch.ts';
import type { Signals } from './signals.ts';

export type FlowWorld = {
  readonly client: DockerClient;
  readonly contact: EngineContact;
  readonly images: Images;
  readonly gpus: GpuAssignment;
  readonly memory: MemoryWatch;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly objects: Objects;
  readonly ownership: Ownership;
  readonly stateDirectory: string;
  readonly logLimitBytes: number | undefined;
  /** Where credential helpers are looked for. */
  readonly path: string | undefined;
  /** Known once there was contact. */
  readonly engine: () => EngineFacts;
  readonly emit: (observation: RuntimeObservation) => void;
};

/** undefined: there is no such container. */
export async function inspectContainer(world: FlowWorld, nameOrId: string): Promise<ContainerDetails | undefined> {
  try {
    return await world.contact.call((signal) =>
      world.client.json<ContainerDetails>('GET', `/containers/${nameOrId}/json`, { signal }),
    );
  } catch (error) {
    if (refusedWith(error) === 404) return undefined;
    throw error;
  }
}

/** What happened and what to do, in one line. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof DistributoError && error.hint !== undefined
    ? `${error.message}; ${error.hint}`
    : error.message;
}

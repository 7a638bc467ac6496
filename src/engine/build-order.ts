// Makes the complete order for one attempt: its task's item from the store, templates filled in, secrets looked up. An order
// carries all that a runtime needs; nothing is looked up later.

import { DistributoError } from '../domain/errors.ts';
import { attemptName, runName } from '../domain/ids.ts';
import { expandTask } from '../domain/interpolate.ts';
import { type AwsCredentials, ITEMS_PER_CHUNK, type Job } from '../domain/job.ts';
import type { AttemptOrder } from '../ports/attempt-runtime.ts';
import type { Store } from '../ports/store.ts';
import type { LiveAttempt, LiveRun } from './world.ts';

export type ReadSecretFile = (path: string) => Promise<string>;

/** Tasks start in order, so the chunk just used is nearly always the next one asked for. */
const CHUNKS_KEPT = 8;

export class OrderBuilder {
  readonly #store: Store;
  readonly #readSecretFile: ReadSecretFile;
  readonly #chunks = new Map<string, Promise<readonly (readonly string[])[]>>();

  constructor(store: Store, readSecretFile: ReadSecretFile) {
    this.#store = store;
    this.#readSecretFile = readSecretFile;
  }

  /**
   * @param isStarted what runs already has its secrets; those that are not here any more are left out
   * Throws SECRET_UNAVAILABLE where a secret has no value, JOB_FILE_INVALID where a value does not fit its template.
   */
  async build(attempt: LiveAttempt, isStarted: boolean): Promise<AttemptOrder> {
    const { run, job, taskIndex } = attempt;
    const spec = job.record.spec;
    const { source, target, owner, labels } = run.run.spec;
    const expanded = expandTask(spec, taskIndex, await this.itemOf(spec, taskIndex), source.directory);
    const secrets = Object.keys(spec.secrets).length === 0 ? {} : await this.#secretsOf(run, spec, isStarted);
    return {
      attemptId: attempt.attemptId,
      name: attemptName(runName(run.run.name, run.run.number), spec.name, taskIndex, attempt.number),
      instanceId: attempt.instanceId,
      ...expanded,
      resources: attempt.demand,
      timeoutMs: spec.timeoutMs,
      stopGracePeriodMs: spec.stopGracePeriodMs,
      labels,
      target,
      owner,
      secrets,
      awsCredentials: awsCredentialsOf(run),
    };
  }

  /** The values of one task's item; null where the array has no items. */
  async itemOf(job: Job, taskIndex: number): Promise<readonly string[] | null> {
    if (job.array.kind !== 'items') return null;
    const { itemSetId } = job.array;
    const chunk = Math.floor(taskIndex / ITEMS_PER_CHUNK);
    const key = `${itemSetId}/${chunk}`;
    const items = this.#chunks.get(key) ?? this.#readChunk(itemSetId, chunk);
    this.#chunks.delete(key);
    this.#chunks.set(key, items);
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= CHUNKS_KEPT) break;
      this.#chunks.delete(oldest);
    }
    const item = (await items)[taskIndex % ITEMS_PER_CHUNK];
    if (item === undefined)
      throw new DistributoError('STORE_DAMAGED', `item ${taskIndex} of set ${itemSetId} is not in the store`);
    return item;
  }

  async #readChunk(itemSetId: string, chunk: number): Promise<readonly (readonly string[])[]> {
    const json = await this.#store.getItems(itemSetId, chunk);
    return json === undefined ? [] : (JSON.parse(json) as string[][]);
  }

  async #secretsOf(run: LiveRun, job: Job, isStarted: boolean): Promise<Record<string, string>> {
    const secrets: Record<string, string> = {};
    for (const [target, reference] of Object.entries(job.secrets)) {
      if (reference.source === 'file') {
        secrets[target] = await this.#readSecretFile(reference.name);
        continue;
      }
      const value = run.secretValues[reference.name];
      if (value === undefined && isStarted) continue;
      if (value === undefined) {
        throw new DistributoError('SECRET_UNAVAILABLE', `the secret env:${reference.name} has no value`, {
          hint: `distributo run --attach ${runName(run.run.name, run.run.number)} from a shell where ${reference.name} is set`,
        });
      }
      secrets[target] = value;
    }
    return secrets;
  }
}

/** Of the submitting client; null where it had none, or where they are not here any more. */
function awsCredentialsOf(run: LiveRun): AwsCredentials | null {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN,
  } = run.secretValues;
  if (run.run.spec.target.aws?.hasKeys !== true || accessKeyId === undefined || secretAccessKey === undefined)
    return null;
  return {
    accessKeyId,
    secretAccessKey,
    ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
  };
}

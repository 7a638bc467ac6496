// A Docker runtime on a state directory of its own, for tests against a real engine; everything it made is removed at the end.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createDockerRuntime, type DockerRuntimeOptions } from '../../src/adapters/docker/docker-runtime.ts';
import { createNodeClock } from '../../src/adapters/node-clock/node-clock.ts';
import { createFileObjects } from '../../src/adapters/objects/file.ts';
import type { AttemptEnd } from '../../src/domain/attempt.ts';
import { attemptId } from '../../src/domain/ids.ts';
import type { Executor, Target } from '../../src/domain/job.ts';
import type { AttemptOrder, AttemptRuntime } from '../../src/ports/attempt-runtime.ts';
import { anExecutor, anOrder, type OrderParts } from './an-order.ts';
import { BUSYBOX_IMAGE } from './docker-image.ts';
import { ObservedRuntime } from './observed-runtime.ts';

export type Parts = Partial<OrderParts>;

export class DockerHouse {
  readonly ownerId = randomUUID();
  readonly directory: string;
  readonly target: Target;
  readonly #ids: string[] = [];
  readonly #options: Partial<DockerRuntimeOptions>;
  #observed: ObservedRuntime | undefined;

  static async build(target: Target, options: Partial<DockerRuntimeOptions> = {}): Promise<DockerHouse> {
    const house = new DockerHouse(target, await mkdtemp(join(tmpdir(), 'distributo-docker-')), options);
    await house.reopen();
    return house;
  }

  private constructor(target: Target, directory: string, options: Partial<DockerRuntimeOptions>) {
    this.target = target;
    this.directory = directory;
    this.#options = options;
  }

  get observed(): ObservedRuntime {
    return this.#observed as ObservedRuntime;
  }

  get runtime(): AttemptRuntime {
    return this.observed.runtime;
  }

  async reopen(): Promise<ObservedRuntime> {
    await this.#observed?.runtime.close();
    this.#observed = new ObservedRuntime(
      await createDockerRuntime({
        target: this.target,
        stateDirectory: join(this.directory, 'state'),
        ownerId: this.ownerId,
        clusterName: 'end-to-end',
        objectsOf: createFileObjects,
        clock: createNodeClock(),
        ...this.#options,
      }),
    );
    return this.#observed;
  }

  nextId(): string {
    const id = attemptId(this.ownerId, this.#ids.length + 1);
    this.#ids.push(id);
    return id;
  }

  sh(script: string, more: Partial<Executor> = {}): Executor {
    return anExecutor(BUSYBOX_IMAGE, ['/bin/sh', '-c', script], more);
  }

  order(parts: Parts & { readonly executors: readonly Executor[] }): AttemptOrder {
    return anOrder({ attemptId: this.nextId(), target: this.target, ...parts });
  }

  /** Starts an order of one script, or of the executors given, and waits for its end. */
  async run(script: string | readonly Executor[], parts: Parts = {}): Promise<{ id: string; end: AttemptEnd }> {
    const executors = typeof script === 'string' ? [this.sh(script)] : script;
    const order = this.order({ executors, ...parts });
    this.runtime.start(order);
    return { id: order.attemptId, end: await this.observed.ended(order.attemptId) };
  }

  /** What the attempt wrote, both streams, one text a line. */
  async texts(id: string): Promise<string[]> {
    return (await this.observed.logs(id)).map((line) => line.text);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  url(name: string): string {
    return pathToFileURL(this.path(name)).href;
  }

  async clear(): Promise<void> {
    try {
      for (const { attemptId: id, isRunning } of await this.runtime.list()) {
        if (isRunning) await this.#end(id);
        await this.runtime.forget(id, false);
      }
    } finally {
      await this.runtime.close();
      await rm(this.directory, { recursive: true, force: true });
    }
  }

  async #end(id: string): Promise<void> {
    const end = { state: 'cancelled', cause: 'cancelled', reason: 'the test is over' } as const;
    this.runtime.stop(id, { gracePeriodMs: 0, end });
    await this.observed.ended(id);
  }
}

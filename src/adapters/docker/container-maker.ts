// Makes the containers of one attempt and gets them started: image, creation, files in, secrets, start. What an earlier
// controller made is found and taken up. Following a container and ending an attempt are not here.

import { mkdirSync } from 'node:fs';
import { posix } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';
import type { Executor } from '../../domain/job.ts';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import { stageIn } from '../../workspace/staging.ts';
import { createContainerFiles, openFolders } from './container-files.ts';
import { containerSpec, hasWorkspace, inWorkspace, userOf, WORKSPACE } from './container-spec.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';
import type { ContainerSummary, ImageDetails } from './engine-types.ts';
import { type FlowWorld, inspectContainer } from './flow-world.ts';
import { containerName, LABEL, labelFilter } from './labels.ts';
import { putSecretFiles } from './secret-files.ts';

export type Container = { readonly id: string; readonly isFresh: boolean };

/** An attempt that was to be started is there already, and further than its first container. */
export class FoundFurther extends Error {}

export class ContainerMaker {
  /** Ids by executor. */
  readonly ids: string[] = [];
  readonly #order: AttemptOrder;
  readonly #world: FlowWorld;
  readonly #logDirectory: string;
  /** Ends what is done before a container runs. */
  readonly #giveUp: AbortSignal;
  #hasInit = true;

  constructor(order: AttemptOrder, world: FlowWorld, logDirectory: string, giveUp: AbortSignal) {
    this.#order = order;
    this.#world = world;
    this.#logDirectory = logDirectory;
    this.#giveUp = giveUp;
  }

  /** Of an earlier controller, by executor; the last may not have been started. */
  async find(): Promise<Container[]> {
    const filters = labelFilter({
      [LABEL.owner]: this.#world.ownership.ownerId,
      [LABEL.attempt]: this.#order.attemptId,
    });
    // Not given up on a stop: what runs has to be found to be stopped.
    const found = await this.#world.contact.call((signal) =>
      this.#world.client.json<ContainerSummary[]>('GET', '/containers/json', { query: { all: true, filters }, signal }),
    );
    const containers: Container[] = [];
    for (const { Id, Labels } of found) {
      const index = Number(Labels?.[LABEL.executor] ?? 0);
      containers[index] = { id: Id, isFresh: false };
      this.ids[index] = Id;
      const gpus = Labels?.[LABEL.gpus];
      if (gpus) this.#world.gpus.learn(this.#order.attemptId, gpus.split(','));
    }
    return containers;
  }

  async create(index: number): Promise<Container> {
    for (let isSecondTry = false; ; isSecondTry = true) {
      const image = await this.#ensureImage(index);
      const gpuIds =
        this.#order.resources.gpus > 0 ? this.#world.gpus.take(this.#order.attemptId, this.#order.resources.gpus) : [];
      const engine = this.#world.engine();
      const spec = containerSpec(this.#order, index, {
        ownership: this.#world.ownership,
        engine,
        image,
        gpuIds,
        hasInit: this.#hasInit,
      });
      const query = {
        name: containerName(this.#order.attemptId, index),
        platform: this.#order.container.platform ?? undefined,
      };
      try {
        // Not given up in its midst: a container that nobody knows of would be left.
        const { Id } = await this.#world.contact.call((signal) =>
          this.#world.client.json<{ Id: string }>('POST', '/containers/create', { query, json: spec, signal }),
        );
        this.ids[index] = Id;
        this.#giveUp.throwIfAborted();
        return { id: Id, isFresh: true };
      } catch (error) {
        if (refusedWith(error) === 409) return await this.#takeExisting(index, error);
        const isImageGone = refusedWith(error) === 404 && /no such image/i.test((error as Error).message);
        if (!isImageGone || isSecondTry) throw error;
        this.#world.images.forget(this.#executor(index).image);
      }
    }
  }

  /** The name is taken: by this very attempt where an answer was lost or it was started before, else by a stranger. */
  async #takeExisting(index: number, refusal: unknown): Promise<Container> {
    const name = containerName(this.#order.attemptId, index);
    const details = await inspectContainer(this.#world, name);
    const labels = details?.Config.Labels ?? {};
    const isOurs =
      labels[LABEL.owner] === this.#world.ownership.ownerId && labels[LABEL.attempt] === this.#order.attemptId;
    if (!details || !isOurs) {
      throw new DistributoError('START_FAILED', `a container named ${name} is there that is not ours`, {
        hint: `remove or rename it: docker rename ${name} other`,
        cause: refusal,
      });
    }
    const later = await this.find();
    if (later.length - 1 > index) throw new FoundFurther();
    return { id: details.Id, isFresh: false };
  }

  #ensureImage(index: number): Promise<ImageDetails> {
    const { container, target } = this.#order;
    const wish = {
      image: this.#executor(index).image,
      pull: container.pull,
      platform: container.platform,
      dockerConfigDirectory: target.dockerConfigDirectory,
      path: target.path ?? this.#world.path,
    };
    return this.#untilReady().then(() =>
      this.#world.images.ensure(
        wish,
        this.#world.engine().platform,
        (activity) => this.#progress(activity),
        this.#giveUp,
      ),
    );
  }

  /** Facts of the engine are known from the first contact on. */
  #untilReady(): Promise<void> {
    return this.#world.contact.call(async () => undefined, this.#giveUp);
  }

  async prepare(index: number, id: string): Promise<void> {
    const order = this.#order;
    const { client, objects } = this.#world;
    const executor = this.#executor(index);
    const inputs = index === 0 ? order.inputs : order.inputs.filter((input) => input.path.startsWith('/'));
    const folders = [executor.stdout, executor.stderr].flatMap((path) =>
      path === null ? [] : foldersTo(inWorkspace(path)),
    );
    if (hasWorkspace(order) && (index === 0 || folders.length > 0)) {
      await this.#ask((_, signal) => openFolders(client, id, folders, signal));
    }
    if (inputs.length > 0) {
      this.#progress('bringing inputs');
      await this.#ask((_, signal) => stageIn(inputs, createContainerFiles(client, [id], signal), objects, signal));
    }
    if (Object.keys(order.secrets).length > 0) {
      const user = userOf(order, this.#world.engine().isRootless) ?? (await this.#imageUser(index));
      await this.#ask((_, signal) => putSecretFiles(client, id, order, user, signal));
    }
  }

  async #imageUser(index: number): Promise<string> {
    return (await this.#ensureImage(index)).Config?.User ?? '';
  }

  /** Starting one that is started is no fault, so a lost answer is no trouble. */
  async start(index: number, id: string): Promise<void> {
    this.#giveUp.throwIfAborted();
    // The mark that it may have run: without it, an attempt whose container is gone would be started again.
    mkdirSync(this.#logDirectory, { recursive: true, mode: 0o700 });
    try {
      await this.#world.contact.call((signal) =>
        this.#world.client.plain('POST', `/containers/${id}/start`, { signal }),
      );
    } catch (error) {
      const isInitMissing =
        this.#hasInit && /docker-init|catatonit|init binary/i.test(String(error)) && refusedWith(error) !== undefined;
      if (!isInitMissing) throw error;
      // The engine has no init program: the container is made again without one.
      this.#hasInit = false;
      await this.#world.contact.call((signal) => this.#remove(id, signal));
      const again = await this.create(index);
      await this.prepare(index, again.id);
      await this.start(index, again.id);
    }
  }

  #remove(id: string, signal: AbortSignal): Promise<void> {
    return this.#world.client
      .plain('DELETE', `/containers/${id}`, { query: { force: true }, signal })
      .catch((error: unknown) => {
        if (refusedWith(error) !== 404) throw error;
      });
  }

  #executor(index: number): Executor {
    return this.#order.executors[index] as Executor;
  }

  #ask<T>(work: (client: DockerClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#world.contact.call((signal) => work(this.#world.client, signal), this.#giveUp);
  }

  #progress(activity: string): void {
    this.#world.emit({ kind: 'progress', attemptId: this.#order.attemptId, activity });
  }
}

/** Folders between the workspace and a file in it, outermost first. */
function foldersTo(path: string): string[] {
  const folders: string[] = [];
  for (let at = posix.dirname(path); at.startsWith(`${WORKSPACE}/`); at = posix.dirname(at)) folders.unshift(at);
  return folders;
}

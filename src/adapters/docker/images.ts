// Sees that an image is on the engine before a container is made of it: looks, pulls as the policy says, tries again what may
// get better. Attempts that need the same image at once share one look and one pull.

import { DistributoError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { normalisePlatform } from './describe-engine.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';
import { type EngineContact, orAborted } from './engine-contact.ts';
import type { ImageDetails } from './engine-types.ts';
import { parseImageReference } from './image-reference.ts';
import { readJsonLines } from './json-lines.ts';
import { registryAuth } from './registry-login.ts';

export type ImageWish = {
  readonly image: string;
  readonly pull: 'missing' | 'always' | 'never';
  /** null: the engine's own. */
  readonly platform: string | null;
  readonly dockerConfigDirectory: string | undefined;
  /** Where credential helpers are looked for. */
  readonly path: string | undefined;
};

type Progress = (activity: string) => void;
type Shared = {
  readonly promise: Promise<ImageDetails>;
  readonly listeners: Set<Progress>;
  readonly abort: AbortController;
};

/** What was seen is taken as true for this long: an array's tasks start in thousands from one image. */
const SEEN_FOR_MS = 10_000;
const PULL_TRIES = 5;
const PULL_PAUSE_MS = 1_000;

export class Images {
  readonly #client: DockerClient;
  readonly #contact: EngineContact;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly details: ImageDetails; readonly untilMs: number }>();
  readonly #shared = new Map<string, Shared>();

  constructor(client: DockerClient, contact: EngineContact, clock: Clock) {
    this.#client = client;
    this.#contact = contact;
    this.#clock = clock;
  }

  /** The image, here. Throws IMAGE_UNAVAILABLE, or START_FAILED where it is for another platform than the engine's. */
  async ensure(
    wish: ImageWish,
    enginePlatform: string,
    progress: Progress,
    giveUp: AbortSignal,
  ): Promise<ImageDetails> {
    const seen = this.#seen.get(wish.image);
    const isFresh = seen !== undefined && seen.untilMs > this.#clock.monotonicMs();
    if (isFresh && wish.pull !== 'always' && this.#fits(seen.details, wish, enginePlatform)) return seen.details;
    const details = await this.#share(wish, enginePlatform, progress, giveUp);
    checkPlatform(wish, details, enginePlatform);
    return details;
  }

  /** After the engine said that it is not there. */
  forget(image: string): void {
    this.#seen.delete(image);
  }

  #fits(details: ImageDetails, wish: ImageWish, enginePlatform: string): boolean {
    return platformOf(details) === normalisePlatform(wish.platform ?? enginePlatform);
  }

  async #share(
    wish: ImageWish,
    enginePlatform: string,
    progress: Progress,
    giveUp: AbortSignal,
  ): Promise<ImageDetails> {
    const key = JSON.stringify([wish.image, wish.pull, wish.platform, wish.dockerConfigDirectory]);
    let shared = this.#shared.get(key);
    if (!shared) {
      const listeners = new Set<Progress>();
      const abort = new AbortController();
      const say: Progress = (activity) => {
        for (const listener of listeners) listener(activity);
      };
      const promise = this.#obtain(wish, enginePlatform, say, abort.signal).finally(() => this.#shared.delete(key));
      promise.catch(() => undefined);
      shared = { promise, listeners, abort };
      this.#shared.set(key, shared);
    }
    shared.listeners.add(progress);
    try {
      return await orAborted(shared.promise, giveUp);
    } finally {
      shared.listeners.delete(progress);
      if (shared.listeners.size === 0 && this.#shared.get(key) === shared) {
        this.#shared.delete(key);
        shared.abort.abort();
      }
    }
  }

  async #obtain(wish: ImageWish, enginePlatform: string, say: Progress, signal: AbortSignal): Promise<ImageDetails> {
    const present = wish.pull === 'always' ? undefined : await this.#look(wish.image, signal);
    const isWrongPlatform =
      present !== undefined && wish.platform !== null && !this.#fits(present, wish, enginePlatform);
    if (present && !isWrongPlatform) return this.#remember(wish.image, present);
    if (wish.pull === 'never') {
      if (present) return present;
      throw new DistributoError('IMAGE_UNAVAILABLE', `image ${wish.image} is not on this engine, and pull is never`, {
        hint: `docker pull ${wish.image}, or pull: missing in the job file`,
      });
    }
    try {
      await this.#pull(wish, say, signal);
    } catch (error) {
      if (!present || !(error instanceof DistributoError)) throw error;
      throw new DistributoError(
        'IMAGE_UNAVAILABLE',
        `image ${wish.image} is here for ${platformOf(present)}, asked for ${wish.platform}; ${error.message}`,
        { ...(error.hint === undefined ? {} : { hint: error.hint }), cause: error },
      );
    }
    const pulled = await this.#look(wish.image, signal);
    if (pulled) return this.#remember(wish.image, pulled);
    throw new DistributoError('IMAGE_UNAVAILABLE', `image ${wish.image} was pulled, but the engine does not show it`, {
      hint: `docker image inspect ${wish.image}`,
      retryable: true,
    });
  }

  #remember(image: string, details: ImageDetails): ImageDetails {
    this.#seen.set(image, { details, untilMs: this.#clock.monotonicMs() + SEEN_FOR_MS });
    return details;
  }

  async #look(image: string, giveUp: AbortSignal): Promise<ImageDetails | undefined> {
    try {
      return await this.#contact.call(
        (signal) => this.#client.json<ImageDetails>('GET', `/images/${encodeURIComponent(image)}/json`, { signal }),
        giveUp,
      );
    } catch (error) {
      if (refusedWith(error) === 404) return undefined;
      if (refusedWith(error) === 400) throw badReference(image, error);
      throw error;
    }
  }

  async #pull(wish: ImageWish, say: Progress, giveUp: AbortSignal): Promise<void> {
    say(`pulling image ${wish.image}`);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#contact.call((signal) => this.#pullOnce(wish, say, signal), giveUp);
        return;
      } catch (error) {
        giveUp.throwIfAborted();
        if (!(error instanceof DistributoError) || !error.retryable || attempt >= PULL_TRIES) throw error;
        const pauseMs = PULL_PAUSE_MS * 2 ** attempt * (0.5 + Math.random());
        say(`pulling image ${wish.image}: ${error.message}; next try in ${Math.round(pauseMs / 1000)} s`);
        await this.#contact.pause(pauseMs, giveUp);
      }
    }
  }

  async #pullOnce(wish: ImageWish, say: Progress, signal: AbortSignal): Promise<void> {
    const { name, version, registry } = parseImageReference(wish.image);
    let loginTrouble: unknown;
    const auth = await registryAuth(registry, wish.dockerConfigDirectory, wish.path).catch((error: unknown) => {
      // A public image needs no login; a private one is refused, and then this is why.
      loginTrouble = error;
      return undefined;
    });
    const fail = (words: string, cause?: unknown) => {
      const failure = pullFailure(wish.image, registry, words, auth !== undefined, cause);
      return loginTrouble !== undefined && isLoginTrouble(words) ? loginTrouble : failure;
    };
    try {
      const stream = await this.#client.stream('POST', '/images/create', {
        query: { fromImage: name, tag: version, ...(wish.platform === null ? {} : { platform: wish.platform }) },
        headers: auth === undefined ? {} : { 'x-registry-auth': auth },
        signal,
        timeoutMs: 0,
      });
      await followPull(wish.image, stream, say, fail);
    } catch (error) {
      if (refusedWith(error) !== undefined) throw fail((error as Error).message, error);
      throw error;
    }
  }
}

type PullLine = {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
};

/** Reads a pull to its end; says how much of what is known has come, whenever a whole percentage is passed. */
async function followPull(
  image: string,
  stream: AsyncIterable<Uint8Array>,
  say: Progress,
  fail: (words: string) => unknown,
): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>();
  let said = -1;
  for await (const line of readJsonLines<PullLine>(stream)) {
    if (line.error !== undefined) throw fail(line.error);
    const { current, total } = line.progressDetail ?? {};
    if (line.id === undefined) continue;
    if (line.status === 'Downloading' && current !== undefined && total) layers.set(line.id, { current, total });
    const known = layers.get(line.id);
    if (known && /^(Download|Pull) complete/.test(line.status ?? '')) known.current = known.total;
    let have = 0;
    let all = 0;
    for (const layer of layers.values()) {
      have += layer.current;
      all += layer.total;
    }
    const percent = all === 0 ? -1 : Math.floor((have * 100) / all);
    if (percent <= said) continue;
    said = percent;
    say(`pulling image ${image}: ${percent} % of ${Math.ceil(all / 1024 / 1024)} MiB`);
  }
}

const isLoginTrouble = (words: string): boolean =>
  /unauthorized|authentication|denied|no basic auth|incorrect username or password|token.*expired|\b40[13]\b/i.test(
    words,
  );

function pullFailure(
  image: string,
  registry: string,
  words: string,
  hasLogin: boolean,
  cause: unknown,
): DistributoError {
  const login = registry === 'docker.io' ? 'docker login' : `docker login ${registry}`;
  const detail = { details: { image, registry }, ...(cause === undefined ? {} : { cause }) };
  if (isLoginTrouble(words)) {
    const what = hasLogin ? `the registry ${registry} refused the login` : `the registry ${registry} wants a login`;
    return new DistributoError('IMAGE_UNAVAILABLE', `image ${image} could not be pulled: ${what} (${words})`, {
      hint: hasLogin ? `it may have expired; log in again: ${login}` : `if the image's name is right: ${login}`,
      ...detail,
    });
  }
  if (/no space left on device/i.test(words)) {
    return new DistributoError(
      'IMAGE_UNAVAILABLE',
      `image ${image} could not be pulled: Docker's disk is full (${words})`,
      {
        hint: 'make room, for example with: docker system prune',
        ...detail,
      },
    );
  }
  if (/not found|manifest unknown|does not exist|no match(ing manifest)?|invalid reference/i.test(words)) {
    return new DistributoError('IMAGE_UNAVAILABLE', `image ${image} does not exist in ${registry}: ${words}`, {
      hint: 'check its name and tag; an image made on this machine needs pull: missing and the name of docker images',
      ...detail,
    });
  }
  return new DistributoError('IMAGE_UNAVAILABLE', `image ${image} could not be pulled from ${registry}: ${words}`, {
    hint: `try by hand: docker pull ${image}`,
    retryable: true,
    ...detail,
  });
}

function badReference(image: string, cause: unknown): DistributoError {
  return new DistributoError('IMAGE_UNAVAILABLE', `"${image}" is no name of an image: ${(cause as Error).message}`, {
    hint: 'names are lower case, such as registry.example/team/name:tag',
    cause,
  });
}

const platformOf = (details: ImageDetails): string =>
  normalisePlatform(
    [details.Os ?? 'linux', details.Architecture ?? 'amd64', ...(details.Variant ? [details.Variant] : [])].join('/'),
  );

/** Another architecture runs only by emulation, and only where the job asks for that platform by name. */
function checkPlatform(wish: ImageWish, details: ImageDetails, enginePlatform: string): void {
  const has = platformOf(details);
  const wanted = normalisePlatform(wish.platform ?? enginePlatform);
  if (has === wanted || (has.startsWith('linux/arm/') && wanted.startsWith('linux/arm'))) return;
  const message =
    wish.platform === null
      ? `image ${wish.image} is for ${has}, and this engine runs ${enginePlatform}`
      : `image ${wish.image} is for ${has}, and the job asks for platform ${wish.platform}`;
  throw new DistributoError('START_FAILED', message, {
    hint:
      wish.platform === null
        ? `use an image for ${enginePlatform}, or set platform: ${has} to run it by emulation`
        : `use an image for ${wish.platform}, or set platform: ${has}`,
    details: { image: has, wanted },
  });
}

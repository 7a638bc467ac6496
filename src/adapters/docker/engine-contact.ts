// Keeps contact with one engine: says when it is there, notices when it goes, tries again with growing pauses. While there is
// no contact, calls wait; a call that was cut off is made again, so every call given to it must bear being repeated.

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../ports/clock.ts';
import { type DockerClient, isAbort, isUnreachable, refusedWith } from './docker-client.ts';
import type { EngineEvent, EngineInfo } from './engine-types.ts';
import { readJsonLines } from './json-lines.ts';
import { LABEL, labelFilter } from './labels.ts';

const PING_EVERY_MS = 15_000;
const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 15_000;
/** A request that is cut off though the engine answers is tried this often. */
const CUT_OFF_MAX = 5;

export type ContactListener = {
  /** Contact is there, for the first time or again; calls wait until this has resolved. */
  ready(info: EngineInfo, apiVersion: string): Promise<void>;
  lost(reason: string): void;
  /** Somebody had the engine send a signal to a container of ours. */
  signalled(containerId: string, signal: number): void;
};

export class EngineContact {
  readonly #client: DockerClient;
  readonly #clock: Clock;
  readonly #ownerId: string;
  readonly #listener: ContactListener;
  readonly #closing = new AbortController();
  /** Aborted when contact is lost or closed; a new one at each contact. */
  #present: AbortController | undefined;
  #whenReady: Promise<void>;
  #sayReady: () => void = () => undefined;
  #cancelTimer: () => void = () => undefined;
  #losses = 0;
  /** The engine's clock less our monotonic one. */
  #engineClockMs: number | undefined;
  #checking: Promise<boolean> | undefined;

  constructor(client: DockerClient, clock: Clock, ownerId: string, listener: ContactListener) {
    this.#client = client;
    this.#clock = clock;
    this.#ownerId = ownerId;
    this.#listener = listener;
    this.#whenReady = this.#newReady();
    setMaxListeners(0, this.#closing.signal);
  }

  /** How often contact was lost: a change between two looks says that the engine may have been restarted in between. */
  get losses(): number {
    return this.#losses;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** What the engine's clock shows now, as far as is known. */
  engineNowMs(): number {
    return this.#engineClockMs === undefined ? this.#clock.nowMs() : this.#engineClockMs + this.#clock.monotonicMs();
  }

  open(): void {
    void this.#connect();
  }

  close(): void {
    this.#closing.abort();
    this.#cancelTimer();
    this.#present?.abort();
  }

  /** One try, for those who want to be told: throws CONTAINERS_UNREACHABLE where nobody answers. */
  async once<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (!this.#present) await this.#client.negotiate(this.#closing.signal);
    return await work(this.#closing.signal);
  }

  /**
   * Does work at the engine, waiting for contact and repeating what was cut off. The work gets a signal that ends it with the
   * contact; `giveUp` ends the waiting with its own reason.
   */
  async call<T>(work: (signal: AbortSignal) => Promise<T>, giveUp?: AbortSignal): Promise<T> {
    for (let cutOff = 1; ; ) {
      await this.#untilReady(giveUp);
      const present = this.#present as AbortController;
      const joined = joinSignals(present.signal, giveUp);
      try {
        return await work(joined.signal);
      } catch (error) {
        giveUp?.throwIfAborted();
        this.#closing.signal.throwIfAborted();
        if (present.signal.aborted) continue;
        if (!isUnreachable(error) && refusedWith(error) !== 503) throw error;
        if (await this.#isStillThere(error)) {
          if (cutOff >= CUT_OFF_MAX) throw error;
          await this.pause(RETRY_FIRST_MS * 2 ** cutOff, giveUp);
          cutOff += 1;
        }
      } finally {
        joined.release();
      }
    }
  }

  async pause(delayMs: number, giveUp?: AbortSignal): Promise<void> {
    const { signal, release } = joinSignals(this.#closing.signal, giveUp);
    let cancel: () => void = () => undefined;
    try {
      await orAborted(
        new Promise<void>((resolve) => {
          cancel = this.#clock.wakeAfter(delayMs, resolve);
        }),
        signal,
      );
    } finally {
      cancel();
      release();
    }
  }

  async #untilReady(giveUp: AbortSignal | undefined): Promise<void> {
    const { signal, release } = joinSignals(this.#closing.signal, giveUp);
    try {
      while (!this.#present || this.#present.signal.aborted) await orAborted(this.#whenReady, signal);
      signal.throwIfAborted();
    } finally {
      release();
    }
  }

  #newReady(): Promise<void> {
    return new Promise((resolve) => {
      this.#sayReady = resolve;
    });
  }

  async #connect(): Promise<void> {
    let said = '';
    for (let delayMs = RETRY_FIRST_MS; !this.isClosed; delayMs = Math.min(delayMs * 2, RETRY_LONGEST_MS)) {
      try {
        await this.#establish();
        return;
      } catch (error) {
        if (this.isClosed) return;
        const reason = wordsOf(error);
        if (reason !== said) this.#listener.lost(reason);
        said = reason;
        await this.pause(delayMs * (0.75 + Math.random() / 2)).catch(() => undefined);
      }
    }
  }

  async #establish(): Promise<void> {
    const present = new AbortController();
    setMaxListeners(0, present.signal);
    const { signal } = joinSignals(present.signal, this.#closing.signal);
    const apiVersion = await this.#client.negotiate(signal);
    const info = await this.#client.json<EngineInfo>('GET', '/info', { signal, timeoutMs: 30_000 });
    const engineNowMs = Date.parse(info.SystemTime ?? '');
    if (Number.isFinite(engineNowMs)) this.#engineClockMs = engineNowMs - this.#clock.monotonicMs();
    await this.#watchSignals(present, signal);
    await this.#listener.ready(info, apiVersion);
    signal.throwIfAborted();
    this.#present = present;
    this.#sayReady();
    this.#schedulePing();
  }

  /** Follows the engine's events; their end is the first sign that the engine goes. */
  async #watchSignals(present: AbortController, signal: AbortSignal): Promise<void> {
    const filters = JSON.stringify({
      type: ['container'],
      event: ['kill'],
      ...(JSON.parse(labelFilter({ [LABEL.owner]: this.#ownerId })) as object),
    });
    const stream = await this.#client.stream('GET', '/events', { query: { filters }, signal });
    void this.#read(stream, present, signal);
  }

  async #read(stream: AsyncIterable<Uint8Array>, present: AbortController, signal: AbortSignal): Promise<void> {
    let failure: unknown = new Error('the engine closed its connections');
    try {
      for await (const { Actor } of readJsonLines<EngineEvent>(stream)) {
        if (Actor?.ID !== undefined) this.#listener.signalled(Actor.ID, Number(Actor.Attributes?.signal ?? 0));
      }
    } catch (error) {
      failure = error;
    }
    if (present === this.#present && !signal.aborted) await this.#isStillThere(failure, true);
  }

  #schedulePing(): void {
    this.#cancelTimer = this.#clock.wakeAfter(PING_EVERY_MS, () => {
      void this.#isStillThere(undefined).then((isThere) => {
        if (isThere && !this.isClosed) this.#schedulePing();
      });
    });
  }

  /** Asks the engine; without an answer the contact is lost. With `renew` it is made anew even if there is one. */
  #isStillThere(error: unknown, renew = false): Promise<boolean> {
    this.#checking ??= this.#check(error, renew).finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(error: unknown, renew: boolean): Promise<boolean> {
    const before = this.#present;
    let reason = wordsOf(this.#client.translate(error ?? new Error('it does not answer')));
    try {
      await this.#client.negotiate(this.#closing.signal);
      if (!renew) return true;
    } catch (pingError) {
      if (this.isClosed || isAbort(pingError)) return true;
      reason = wordsOf(pingError);
    }
    if (this.isClosed || this.#present !== before) return true;
    this.#losses += 1;
    this.#cancelTimer();
    this.#present = undefined;
    this.#whenReady = this.#newReady();
    before?.abort();
    this.#listener.lost(reason);
    void this.#connect();
    return false;
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Aborted with the first of the two. Released when done with, since the two may live long; `AbortSignal.any` keeps them. */
function joinSignals(
  first: AbortSignal,
  second: AbortSignal | undefined,
): { signal: AbortSignal; release: () => void } {
  if (!second) return { signal: first, release: () => undefined };
  const joined = new AbortController();
  const abortFirst = () => joined.abort(first.reason);
  const abortSecond = () => joined.abort(second.reason);
  first.addEventListener('abort', abortFirst);
  second.addEventListener('abort', abortSecond);
  if (first.aborted) abortFirst();
  if (second.aborted) abortSecond();
  const release = () => {
    first.removeEventListener('abort', abortFirst);
    second.removeEventListener('abort', abortSecond);
  };
  return { signal: joined.signal, release };
}

/** What the promise gives, or the signal's reason as soon as it is aborted. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

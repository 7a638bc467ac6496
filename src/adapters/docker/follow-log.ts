// Copies a container's output into the attempt's log while it comes, each message once: after a cut or a restart it is asked
// for again from the last instant that was kept, and what is kept already of that instant is passed over.

import type { Readable } from 'node:stream';
import { type CappedLog, openCappedLog } from '../../workspace/capped-log.ts';
import { decodeBytes } from '../../workspace/decode-bytes.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';
import type { EngineContact } from './engine-contact.ts';
import { FrameSplitter, type LogMessage } from './log-frames.ts';

const LAST_WORDS_MAX_BYTES = 4_096;
const NEWLINE = 10;

/** The log of one attempt, with the last line that went to stderr. */
export class AttemptLog {
  readonly directory: string;
  readonly log: CappedLog;
  /** How many came, so that silence can be told. */
  messages = 0;
  #lastWords: Buffer = Buffer.alloc(0);
  #openLine: Buffer = Buffer.alloc(0);

  constructor(directory: string, limitBytes?: number) {
    this.directory = directory;
    this.log = openCappedLog(directory, limitBytes === undefined ? {} : { limitBytes });
  }

  append(message: LogMessage): void {
    this.messages += 1;
    this.log.append(message.atMs, message.stream, message.bytes);
    if (message.stream === 'stderr') this.#listen(message.bytes);
  }

  /** The last line on stderr with something in it, as far as it was seen since `forgetWords`. */
  lastWords(): string | null {
    const line = isBlank(this.#openLine) ? this.#lastWords : this.#openLine;
    return line.length === 0 ? null : decodeBytes(line).trim();
  }

  forgetWords(): void {
    this.#lastWords = Buffer.alloc(0);
    this.#openLine = Buffer.alloc(0);
  }

  #listen(bytes: Buffer): void {
    const end = bytes.lastIndexOf(NEWLINE);
    if (end < 0) {
      this.#openLine = Buffer.concat([this.#openLine, bytes]).subarray(0, LAST_WORDS_MAX_BYTES);
      return;
    }
    const whole =
      this.#openLine.length === 0 ? bytes.subarray(0, end) : Buffer.concat([this.#openLine, bytes.subarray(0, end)]);
    for (let stop = whole.length; stop > 0; ) {
      const start = whole.lastIndexOf(NEWLINE, stop - 1) + 1;
      const line = whole.subarray(start, stop);
      if (!isBlank(line)) {
        this.#lastWords = Buffer.from(line.subarray(0, LAST_WORDS_MAX_BYTES));
        break;
      }
      stop = start - 1;
    }
    this.#openLine = Buffer.from(bytes.subarray(end + 1, end + 1 + LAST_WORDS_MAX_BYTES));
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte <= 0x20);

/** Beyond this much output an engine may have turned its log files over, and loses its place in them while it follows. */
const TURNED_OVER_BYTES = 32 * 1024 * 1024;

export type FollowedContainer = {
  readonly id: string;
  readonly isFresh: boolean;
  readonly mendsLineEnds: boolean;
  /** Its output is the first in the log, so that all that is kept is of it. */
  readonly isFirst: boolean;
};

/** After the end of a container that printed much: what the engine still has of its output and did not give while it followed. */
export async function catchUpLog(
  client: DockerClient,
  contact: EngineContact,
  container: FollowedContainer,
  to: AttemptLog,
): Promise<void> {
  if (to.log.appended.stdout + to.log.appended.stderr < TURNED_OVER_BYTES) return;
  await copyLog(client, contact, container, to, { follow: false, mayRepeat: true });
}

/** Ends with the container's output; `giveUp` ends it sooner. A container without a log that can be read is said in the log. */
export async function followLog(
  client: DockerClient,
  contact: EngineContact,
  container: FollowedContainer,
  to: AttemptLog,
  giveUp: AbortSignal,
): Promise<void> {
  await copyLog(client, contact, container, to, { follow: true, mayRepeat: !container.isFresh }, giveUp);
}

async function copyLog(
  client: DockerClient,
  contact: EngineContact,
  container: FollowedContainer,
  to: AttemptLog,
  how: { readonly follow: boolean; readonly mayRepeat: boolean },
  giveUp?: AbortSignal,
): Promise<void> {
  let { mayRepeat } = how;
  const before = to.messages;
  try {
    await contact.call(async (signal) => {
      const isContinued = container.isFirst || to.messages > before || !how.follow;
      const skip = mayRepeat ? new Repetition(to.log, isContinued) : null;
      mayRepeat = true;
      const since = skip ? { since: skip.since } : {};
      const stream = await client.stream('GET', `/containers/${container.id}/logs`, {
        query: { stdout: 1, stderr: 1, follow: how.follow, timestamps: 1, ...since },
        signal,
        timeoutMs: 0,
      });
      await copy(stream, new FrameSplitter(container.mendsLineEnds), skip, to, (error) => client.translate(error));
    }, giveUp);
  } catch (error) {
    giveUp?.throwIfAborted();
    const status = refusedWith(error);
    // 404, 409: it is gone. Anything else: the engine keeps no log that it can give.
    if (status === undefined) throw error;
    if (status !== 404 && status !== 409)
      to.log.note(Date.now(), `the engine gives no log: ${(error as Error).message}`);
  }
}

async function copy(
  stream: Readable,
  splitter: FrameSplitter,
  skip: Repetition | null,
  to: AttemptLog,
  translate: (error: unknown) => unknown,
): Promise<void> {
  try {
    for await (const chunk of stream) {
      for (const message of splitter.split(chunk as Buffer)) {
        const fresh = skip ? skip.pass(message) : message;
        if (skip?.isGap) to.log.note(message.atMs, 'output is missing here: it came faster than the engine gave it');
        if (fresh) to.append(fresh);
      }
    }
  } catch (error) {
    throw translate(error);
  }
}

/** What a log read again from the last kept instant gives a second time. */
class Repetition {
  readonly since: string;
  readonly #atMs: number;
  readonly #left: { stdout: number; stderr: number };
  #mayBeGap: boolean;
  /** True at the first message where it is no continuation of what is kept: the engine has dropped what lay between. */
  isGap = false;

  constructor(log: CappedLog, isContinued: boolean) {
    this.#mayBeGap = isContinued;
    this.#atMs = log.lastAtMs ?? 0;
    this.#left = { ...log.appendedAtLast };
    this.since = `${Math.floor(this.#atMs / 1000)}.${String(this.#atMs % 1000).padStart(3, '0')}000000`;
  }

  pass(message: LogMessage): LogMessage | null {
    if (message.atMs < this.#atMs) return null;
    this.isGap =
      this.#mayBeGap && this.#atMs > 0 && message.atMs > this.#atMs && this.#left.stdout + this.#left.stderr > 0;
    this.#mayBeGap = false;
    const left = this.#left[message.stream];
    if (message.atMs > this.#atMs || left === 0) return message;
    this.#left[message.stream] = Math.max(left - message.bytes.length, 0);
    return message.bytes.length <= left ? null : { ...message, bytes: message.bytes.subarray(left) };
  }
}

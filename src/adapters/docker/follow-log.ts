// Copies a container's output into the attempt's log while it comes, each message once: after a cut or a restart it is asked
// for again from the last instant that was kept, and what is kept already of that instant is passed over.

import { type CappedLog, openCappedLog } from '../../workspace/capped-log.ts';
import { decodeBytes } from '../../workspace/decode-bytes.ts';
import type { StreamBytes } from '../../workspace/log-records.ts';
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

/** Up to this much, what is there already is read again and passed over by count; beyond it, by the last instant kept. */
const COUNTED_BYTES_MAX = 4 * 1024 * 1024;

export type LoggedContainer = {
  readonly id: string;
  readonly mendsLineEnds: boolean;
  /** What the log held when this container began; null where an earlier controller saw it begin after other containers. */
  readonly before: StreamBytes | null;
};

/**
 * Reads a container's output into the log. With `follow` it ends with the container; without, it gives what there is. An
 * engine that is followed may lose the last lines of a container, and its place where its files turn over: so a container that
 * was followed is read once more after its end. `giveUp` ends it sooner.
 */
export async function copyLog(
  client: DockerClient,
  contact: EngineContact,
  container: LoggedContainer,
  to: AttemptLog,
  follow: boolean,
  giveUp?: AbortSignal,
): Promise<void> {
  try {
    await contact.call(async (signal) => {
      const skip = repetitionOf(to.log, container.before);
      const stream = await client.stream('GET', `/containers/${container.id}/logs`, {
        query: { stdout: 1, stderr: 1, follow, timestamps: 1, since: skip.since },
        signal,
        timeoutMs: 0,
      });
      await copy(stream, new FrameSplitter(container.mendsLineEnds), skip, to);
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
  stream: AsyncIterable<Buffer>,
  splitter: FrameSplitter,
  skip: Repetition,
  to: AttemptLog,
): Promise<void> {
  for await (const chunk of stream) {
    for (const message of splitter.split(chunk)) {
      const fresh = skip.pass(message);
      if (fresh === null) continue;
      if (skip.isGap()) to.log.note(message.atMs, 'output is missing here: it came faster than the engine gave it');
      to.append(fresh);
    }
  }
}

/** What an output read again gives a second time. */
interface Repetition {
  readonly since: string | undefined;
  /** What of a message is new; null where nothing is. */
  pass(message: LogMessage): LogMessage | null;
  /** True once, where the engine has dropped what should have come before. */
  isGap(): boolean;
}

function repetitionOf(log: CappedLog, before: StreamBytes | null): Repetition {
  const { appended } = log;
  if (before !== null) {
    const left = { stdout: appended.stdout - before.stdout, stderr: appended.stderr - before.stderr };
    if (left.stdout + left.stderr <= COUNTED_BYTES_MAX) return countedRepetition(left);
  }
  return timedRepetition(log.lastAtMs ?? 0, log.appendedAtLast, before !== null);
}

/** Exact: all is read again from the beginning. */
const countedRepetition = (left: { stdout: number; stderr: number }): Repetition => ({
  since: undefined,
  pass: (message) => dropLeft(message, left),
  isGap: () => false,
});

/** From the last instant kept on. Of that instant the first bytes are passed over. */
function timedRepetition(lastAtMs: number, appendedAtLast: StreamBytes, isOfContainer: boolean): Repetition {
  const left = { ...appendedAtLast };
  let mayBeGap = isOfContainer && left.stdout + left.stderr > 0;
  let isGap = false;
  return {
    since: `${Math.floor(lastAtMs / 1000)}.${String(lastAtMs % 1000).padStart(3, '0')}000000`,
    pass(message) {
      if (message.atMs < lastAtMs) return null;
      isGap = mayBeGap && message.atMs > lastAtMs;
      mayBeGap = false;
      return message.atMs > lastAtMs ? message : dropLeft(message, left);
    },
    isGap: () => isGap,
  };
}

function dropLeft(message: LogMessage, left: { stdout: number; stderr: number }): LogMessage | null {
  const count = left[message.stream];
  if (count === 0) return message;
  left[message.stream] = Math.max(count - message.bytes.length, 0);
  return message.bytes.length <= count ? null : { ...message, bytes: message.bytes.subarray(count) };
}

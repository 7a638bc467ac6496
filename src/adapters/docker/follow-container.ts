// Follows one started container to its end, with its output in the attempt's log, and gathers all that tells what the end
// means; the judgement itself is in container-end.ts.

import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import { readCappedLog } from '../../workspace/capped-log.ts';
import { type ContainerEnd, instantOf, judgeEnd } from './container-end.ts';
import { refusedWith } from './docker-client.ts';
import type { ContainerState } from './engine-types.ts';
import { type FlowWorld, inspectContainer, wordsOf } from './flow-world.ts';
import { type AttemptLog, copyLog, type LoggedContainer } from './follow-log.ts';
import { isShellComplaint, programPlatform } from './program-format.ts';
import { freeDisk } from './see-machine.ts';

/**
 * Of short containers the log is read once, at their end: all that a bare client does, and half of what following costs. Longer,
 * and a fast writer turns the engine's own files over before anybody reads: the beginning would be lost.
 */
const FOLLOW_AFTER_MS = 250;
/** After the end of a container its log may be silent this long and is then taken as ended: some engines forget to close it. */
const LOG_SILENCE_MS = 10_000;
const FULL_DISK_BYTES = 64 * 1024 * 1024;

export type FollowedContainer = {
  readonly order: AttemptOrder;
  /** Which executor. */
  readonly index: number;
  readonly id: string;
  /** It ran already when this controller came to it. */
  readonly isFoundStarted: boolean;
  /** True once we have asked for its end ourselves. */
  readonly isStopped: () => boolean;
};

export type FollowedEnd = {
  readonly end: ContainerEnd;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly peakMemoryMib: number | null;
};

/** Its end, however long the engine is away meanwhile; nothing but the closing of the contact comes before it. */
export async function followContainer(
  world: FlowWorld,
  log: AttemptLog,
  followed: FollowedContainer,
): Promise<FollowedEnd> {
  const { id, index, isFoundStarted } = followed;
  const { contact, memory, engine, clock } = world;
  const lossesBefore = contact.losses;
  const before = !isFoundStarted ? log.log.appended : index === 0 ? { stdout: 0, stderr: 0 } : null;
  log.forgetWords();
  memory.begin(id);
  try {
    await logUntilEnd(world, log, { id, mendsLineEnds: engine().logDriver === 'local', before });
  } catch (error) {
    memory.end(id);
    throw error;
  }
  const peakMemoryMib = memory.end(id);
  const details = await inspectContainer(world, id);
  if (!details) return goneContainer(world);
  const { State } = details;
  const end = await judge(world, log, followed, State, peakMemoryMib, contact.losses !== lossesBefore);
  return {
    end,
    startedAtMs: instantOf(State.StartedAt),
    endedAtMs: instantOf(State.FinishedAt) ?? clock.nowMs(),
    peakMemoryMib,
  };
}

export function goneContainer(world: FlowWorld): FollowedEnd {
  const reason = 'its container is gone: it was removed from outside, as by docker rm or docker system prune';
  const end: ContainerEnd = { state: 'lost', cause: 'lost', exitCode: null, reason };
  return { end, startedAtMs: null, endedAtMs: world.clock.nowMs(), peakMemoryMib: null };
}

/** Waits for the container's end with its output in the log. One that ends soon is not followed, only read. */
async function logUntilEnd(world: FlowWorld, log: AttemptLog, logged: LoggedContainer): Promise<void> {
  const { client, contact, clock } = world;
  const logEnd = new AbortController();
  let following: Promise<void> | undefined;
  const cancelFollow = clock.wakeAfter(FOLLOW_AFTER_MS, () => {
    following = copyLog(client, contact, logged, log, true, logEnd.signal).catch((error: unknown) => {
      if (!logEnd.signal.aborted && !contact.isClosed) log.log.note(clock.nowMs(), `log cut off: ${wordsOf(error)}`);
    });
  });
  try {
    await untilEnd(world, logged.id);
  } catch (error) {
    logEnd.abort();
    await following;
    throw error;
  } finally {
    cancelFollow();
  }
  if (following) await untilLogEnd(world, log, following, logEnd);
  await copyLog(client, contact, logged, log, false);
}

/** Much output may be on its way still. */
async function untilLogEnd(
  world: FlowWorld,
  log: AttemptLog,
  following: Promise<void>,
  logEnd: AbortController,
): Promise<void> {
  let cancel: () => void = () => undefined;
  let seen = -1;
  const look = () => {
    if (seen === log.messages) return logEnd.abort();
    seen = log.messages;
    cancel = world.clock.wakeAfter(LOG_SILENCE_MS, look);
  };
  look();
  await following;
  cancel();
}

async function untilEnd({ client, contact }: FlowWorld, id: string): Promise<void> {
  const query = { condition: 'not-running' };
  for (let pauseMs = 500; ; pauseMs = Math.min(pauseMs * 2, 30_000)) {
    try {
      await contact.call((signal) => client.json('POST', `/containers/${id}/wait`, { query, signal, timeoutMs: 0 }));
      return;
    } catch (error) {
      if (refusedWith(error) === 404) return;
      // An attempt is not called ended while its container may run.
      if (refusedWith(error) === undefined) throw error;
      await contact.pause(pauseMs);
    }
  }
}

async function judge(
  world: FlowWorld,
  log: AttemptLog,
  followed: FollowedContainer,
  state: ContainerState,
  peakMemoryMib: number | null,
  hadLoss: boolean,
): Promise<ContainerEnd> {
  const { signals, contact } = world;
  const { order, index, id, isFoundStarted, isStopped } = followed;
  const isDoubtful = !state.OOMKilled && [137, 143, 255].includes(state.ExitCode) && !isStopped();
  const history = isDoubtful ? await signals.lookBack(id, contact) : undefined;
  const isFailed = state.ExitCode !== 0;
  const lastWords = log.lastWords() ?? (isFoundStarted && isFailed ? await keptWords(log, state) : null);
  return judgeEnd(order, {
    state,
    image: order.executors[index]?.image ?? '',
    lastWords,
    peakMemoryMib,
    wasSignalled: !isStopped() && (signals.wasSignalled(id) || history?.wasSignalled === true),
    engineWasGone: hadLoss || (isFoundStarted && history?.sawEnd === false),
    isWrongFormat: await isWrongFormat(world, followed, state.ExitCode, lastWords),
    isDockerDiskFull: await isDiskFull(world, lastWords),
  });
}

/** The last line on stderr that an earlier controller kept. */
async function keptWords(log: AttemptLog, state: ContainerState): Promise<string | null> {
  log.log.flush();
  const sinceMs = instantOf(state.StartedAt) ?? 0;
  let words: string | null = null;
  for await (const line of readCappedLog(log.directory, { follow: false, tail: 1_000 }, () => true)) {
    if (line.stream === 'stderr' && line.atMs >= sinceMs && line.text.trim() !== '') words = line.text.trim();
  }
  return words;
}

async function isWrongFormat(
  { client, contact, engine }: FlowWorld,
  { order, index, id }: FollowedContainer,
  exitCode: number,
  lastWords: string | null,
): Promise<boolean> {
  const { entrypoint = null, command = null } = order.executors[index] ?? {};
  const program = entrypoint?.[0] ?? command?.[0];
  if (program === undefined || !isShellComplaint(exitCode, lastWords, program)) return false;
  try {
    const platform = await contact.call((signal) => programPlatform(client, id, program, signal));
    return platform !== undefined && platform !== engine().platform;
  } catch {
    // What the program said stays the reason.
    return false;
  }
}

async function isDiskFull({ engine }: FlowWorld, lastWords: string | null): Promise<boolean> {
  const { isLocal, rootDirectory } = engine();
  if (!isLocal || rootDirectory === null || !/no space left on device/i.test(lastWords ?? '')) return false;
  const disk = await freeDisk(rootDirectory);
  return disk !== null && disk.freeBytes < FULL_DISK_BYTES;
}

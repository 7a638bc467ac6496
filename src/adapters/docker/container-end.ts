// What the end of one executor's container means: its own exit, out of memory, a start that failed inside, or an end that the
// engine or somebody at it caused. Pure: all that was seen is given.

import type { EndCause } from '../../domain/attempt.ts';
import type { AttemptEndState } from '../../domain/states.ts';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import type { ContainerState } from './engine-types.ts';
import { explainLastWords, explainStart, wrongFormat } from './start-failure.ts';

export type SeenEnd = {
  readonly state: ContainerState;
  readonly image: string;
  readonly lastWords: string | null;
  readonly peakMemoryMib: number | null;
  /** Somebody had the engine signal it to end, and it was not us. */
  readonly wasSignalled: boolean;
  /** The engine was gone, or may have been restarted, while it ran. */
  readonly engineWasGone: boolean;
  readonly isDockerDiskFull: boolean;
  /** The program is for another processor than the engine's. */
  readonly isWrongFormat: boolean;
};

export type ContainerEnd = {
  readonly state: AttemptEndState;
  readonly cause: EndCause;
  readonly exitCode: number | null;
  readonly reason: string;
};

const SIGNALS: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  141: 'SIGPIPE',
  143: 'SIGTERM',
  152: 'SIGXCPU',
  153: 'SIGXFSZ',
};
/** Codes of a program that was killed, and of one whose end the engine did not see. */
const KILLED = 137;
const TERMINATED = 143;
const UNSEEN = 255;
/** Of its limit: a program that was killed there had no more to take. */
const NEAR_LIMIT = 0.97;

export function judgeEnd(order: AttemptOrder, seen: SeenEnd): ContainerEnd {
  const { ExitCode: exitCode, OOMKilled: outOfMemory, Error: words } = seen.state;
  const limitMib = order.resources.memoryMib;
  const failed = (cause: EndCause, reason: string): ContainerEnd => ({ state: 'failed', cause, exitCode, reason });
  const interrupted = (reason: string): ContainerEnd => ({ state: 'interrupted', cause: 'engine', exitCode, reason });

  if (exitCode !== 0 && outOfMemory) return failed('oom', outOfMemoryReason(limitMib, exitCode));
  if (seen.wasSignalled)
    return interrupted('its container was stopped from outside: by docker stop or kill, or as Docker shut down');
  if (seen.engineWasGone && [KILLED, TERMINATED, UNSEEN].includes(exitCode)) {
    return interrupted(`Docker was restarted and ended its container (exit code ${exitCode})`);
  }
  if (exitCode === 0) return { state: 'succeeded', cause: 'exit', exitCode, reason: 'exit 0' };
  if (exitCode === KILLED && limitMib > 0 && (seen.peakMemoryMib ?? 0) >= limitMib * NEAR_LIMIT) {
    return failed('oom', outOfMemoryReason(limitMib, exitCode));
  }
  if (words !== '')
    return failed(explainStart(words, seen.image, order).cause, explainStart(words, seen.image, order).reason);
  if (seen.isWrongFormat) return failed('start', wrongFormat(order, seen.image).reason);
  const inside = explainLastWords(seen.lastWords, seen.image, order);
  if (inside) return failed(inside.cause, inside.reason);
  const reason = exitReason(exitCode, seen.lastWords);
  return failed(
    seen.isDockerDiskFull ? 'disk-full' : 'exit',
    seen.isDockerDiskFull ? `${reason}; Docker's disk is full` : reason,
  );
}

const outOfMemoryReason = (limitMib: number, exitCode: number): string =>
  `out of memory: it reached its limit of ${limitMib.toLocaleString('en-US')} MiB and was killed (exit code ${exitCode})`;

/** `exit 1: "frame file is empty"`. */
export function exitReason(exitCode: number, lastWords: string | null): string {
  const signal = SIGNALS[exitCode];
  const code = signal === undefined ? `exit ${exitCode}` : `exit ${exitCode} (${signal})`;
  if (lastWords === null) return code;
  const words = lastWords.length > 400 ? `${lastWords.slice(0, 400)}…` : lastWords;
  return `${code}: "${words}"`;
}

/** An instant of the engine; null for its zero. */
export function instantOf(text: string): number | null {
  const atMs = Date.parse(text);
  return Number.isFinite(atMs) && atMs > 0 ? atMs : null;
}

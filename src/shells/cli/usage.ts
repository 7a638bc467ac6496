// Refuses words and options that a command does not know, and reads the values of options.

import { DistributoError } from '../../domain/errors.ts';
import { parseSubject, type Subject } from '../../domain/ids.ts';
import { parseDurationMs, parseInstantMs } from '../../domain/units.ts';

export function refuseUse(message: string, hint: string): DistributoError {
  return new DistributoError('USAGE_INVALID', message, { hint });
}

/** For commander: reads the value of an option and refuses it with the option's name. */
export const readWhole =
  (option: string, least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw refuseUse(
      `${option} wants a whole number of at least ${least}, got "${text}"`,
      `for example ${option} ${Math.max(least, 10)}`,
    );
  };

export const readDuration =
  (option: string) =>
  (text: string): number => {
    const reading = parseDurationMs(text);
    if ('value' in reading) return reading.value;
    throw refuseUse(`${option}: ${reading.refusal}`, `for example ${option} 90s`);
  };

/** A span back from now (`10m`) or an instant (`2026-11-24T10:00Z`). */
export function readSince(option: string, text: string, nowMs: number): number {
  const span = parseDurationMs(text);
  if ('value' in span) return nowMs - span.value;
  const instant = parseInstantMs(text, nowMs);
  if ('value' in instant) return instant.value;
  throw refuseUse(
    `${option} wants a span such as 10m or an instant such as 2026-11-24T10:00Z, got "${text}"`,
    `for example ${option} 10m`,
  );
}

export const collectTexts = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
];

/** `run`, `run/job`, `run/job/index`, `run/index`, each with `#n`. */
export function readSubject(text: string): Subject {
  const subject = parseSubject(text);
  if (subject !== undefined) return subject;
  throw refuseUse(
    `"${text}" is not the name of a run or task: runs are name-number, tasks run/job/index`,
    'distributo ps -a    lists the runs',
  );
}

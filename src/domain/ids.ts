// The names people and machines use for runs, tasks and attempts, and how they are read back.

/** Parts of a subject as typed by people: `run`, `run/job`, `run/job/index`, `run/job/index#n`, or `run/index` for a run of one job. */
export type Subject = {
  readonly run: string;
  readonly job?: string;
  readonly index?: number;
  readonly attempt?: number;
};

/** `screening` and 7 → `screening-7`. */
export const runName = (name: string, number: number): string => `${name}-${number}`;

export const taskName = (run: string, job: string, index: number): string => `${run}/${job}/${index}`;

export const attemptName = (run: string, job: string, index: number, attempt: number): string =>
  `${taskName(run, job, index)}#${attempt}`;

/**
 * The internal id of an attempt: 16 characters of `[0-9a-z]`, ascending with `sequence` within one owner. The first six
 * come from the owner, so that two state directories on one Docker engine never choose the same container name.
 */
export function attemptId(ownerId: string, sequence: number): string {
  return ownerId.replaceAll('-', '').slice(0, 6) + sequence.toString(36).padStart(10, '0');
}

/** The sequence number inside an attempt id; undefined where the id is not one of ours. */
export function attemptSequence(ownerId: string, id: string): number | undefined {
  if (!/^[0-9a-z]{16}$/.test(id) || !id.startsWith(ownerId.replaceAll('-', '').slice(0, 6))) return undefined;
  return Number.parseInt(id.slice(6), 36);
}

/** Reads a subject; undefined where the text has not that form. Of two parts, a second of digits alone is an index, else a job. */
export function parseSubject(text: string): Subject | undefined {
  const [path = '', attemptText, extra] = text.split('#');
  const [run = '', second, third, fourth] = path.split('/');
  if (extra !== undefined || fourth !== undefined || !NAME.test(run)) return undefined;
  const indexText = third ?? (second !== undefined && NUMBER.test(second) ? second : undefined);
  const job = third === undefined && indexText !== undefined ? undefined : second;
  if (job !== undefined && !NAME.test(job)) return undefined;
  if (indexText !== undefined && !NUMBER.test(indexText)) return undefined;
  if (attemptText !== undefined && (indexText === undefined || !NUMBER.test(attemptText))) return undefined;
  return {
    run,
    ...(job === undefined ? {} : { job }),
    ...(indexText === undefined ? {} : { index: Number(indexText) }),
    ...(attemptText === undefined ? {} : { attempt: Number(attemptText) }),
  };
}

const NAME = /^[a-z0-9][a-z0-9-]*$/;
const NUMBER = /^\d{1,8}$/;

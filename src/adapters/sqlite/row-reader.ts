// From rows back to the domain's records. A row whose seal does not match, or that holds an unknown code, is damage.

import type { Attempt, AttemptEnd } from '../../domain/attempt.ts';
import type { Event } from '../../domain/event.ts';
import type { Job } from '../../domain/job.ts';
import type { JobRecord, RetryRecord, Run } from '../../domain/run.ts';
import type { AttemptEndState } from '../../domain/states.ts';
import type { TaskChunk } from '../../ports/store.ts';
import { codeOfMark, END_ID_SQL, liveMark, NOT_SEEN_AT_MS } from './attempt-mark.ts';
import {
  ATTEMPT_STATE_CODES,
  END_CAUSE_CODES,
  EVENT_KIND_CODES,
  EVENT_STATE_CODES,
  RUN_STATE_CODES,
  wordsOf,
} from './codes.ts';
import type { Row, SqlValue } from './driver.ts';
import type { InternedTexts } from './intern-texts.ts';
import { readable, withTexts } from './readable.ts';
import { ATTEMPT_END_COLUMNS, ATTEMPT_START_COLUMNS, JOB_COLUMNS } from './row-values.ts';
import { SALTS, sealOf } from './seal.ts';
import { storeDamaged } from './store-errors.ts';

const RUN_STATES = wordsOf(RUN_STATE_CODES);
const ATTEMPT_STATES = wordsOf(ATTEMPT_STATE_CODES);
const END_CAUSES = wordsOf(END_CAUSE_CODES);
const EVENT_KINDS = wordsOf(EVENT_KIND_CODES);
const EVENT_STATES = wordsOf(EVENT_STATE_CODES);

/** What an attempt is read from: its start, its state, its end. */
export const ATTEMPT_SELECT = `
SELECT ${readable(ATTEMPT_START_COLUMNS, 'a')}, ${readable('mark, seen_at_ms', 's')}, ${readable(ATTEMPT_END_COLUMNS, 'e')}
FROM attempts a LEFT JOIN attempt_states s ON s.sequence = a.sequence LEFT JOIN attempt_ends e ON e.id = ${END_ID_SQL}`;

/** A job with its spec. */
export const JOB_SELECT = `
SELECT ${readable(JOB_COLUMNS, 'j')}, ${readable('spec, seal', 's')} FROM jobs j JOIN job_specs s ON s.job_id = j.id`;

type NullableNumber = number | null;
type NullableText = string | null;

export class RowReader {
  readonly #file: string;
  readonly #texts: InternedTexts;

  constructor(file: string, texts: InternedTexts) {
    this.#file = file;
    this.#texts = texts;
  }

  run(read: Row): Run {
    const row = withTexts(read, [1, 3, 5, 6, 10]);
    this.#verify(SALTS.runs, row, 0, 13, 'run');
    return {
      id: row[0] as number,
      name: row[1] as string,
      number: row[2] as number,
      spec: JSON.parse(row[3] as string),
      state: this.#word(RUN_STATES, row[4], 'run'),
      stateReason: row[5] as NullableText,
      cancelledBy: row[6] as NullableText,
      submittedAtMs: row[7] as number,
      startedAtMs: row[8] as NullableNumber,
      endedAtMs: row[9] as NullableNumber,
      submissionKey: row[10] as NullableText,
      trialTasks: row[11] as NullableNumber,
    };
  }

  /** The columns of `jobs`, then `spec` and `seal` of `job_specs`. */
  job(read: Row): JobRecord {
    const row = withTexts(read, [5, 7]);
    this.#verify(SALTS.jobs, row, 0, 6, 'job');
    if (sealOf(SALTS.jobSpecs, [row[0] as number, row[7] as string]) !== row[8]) this.#refuse('job', row[0]);
    return {
      id: row[0] as number,
      runId: row[1] as number,
      ordinal: row[2] as number,
      spec: JSON.parse(row[7] as string) as Job,
      state: this.#word(RUN_STATES, row[3], 'job'),
    };
  }

  attempt(read: Row): Attempt {
    const row = withTexts(read, [16]);
    const sequence = row[0] as number;
    const mark = row[9] as NullableNumber;
    this.#verify(SALTS.attemptStarts, row, 0, 8, 'attempt');
    if (mark === null) this.#refuse('attempt', sequence);
    const start = {
      sequence,
      runId: row[1] as number,
      jobId: row[2] as number,
      taskIndex: row[3] as number,
      number: row[4] as number,
      instanceId: this.#texts.textOf(row[5] as number),
      runtimeKey: this.#texts.textOf(row[6] as number),
      createdAtMs: row[7] as number,
    };
    if (mark < 0) {
      const end = this.#attemptEnd(row, sequence);
      return { ...start, state: end.state, startedAtMs: end.startedAtMs, end };
    }
    const seenAtMs = row[10] as number;
    if (liveMark(sequence, codeOfMark(mark), seenAtMs) !== mark) this.#refuse('attempt', sequence);
    const state = this.#word(ATTEMPT_STATES, codeOfMark(mark), 'attempt');
    return { ...start, state, startedAtMs: seenAtMs === NOT_SEEN_AT_MS ? null : seenAtMs, end: null };
  }

  #attemptEnd(row: Row, sequence: number): AttemptEnd {
    this.#verify(SALTS.attemptEnds, row, 11, 20, 'end of attempt');
    if (row[12] !== sequence) this.#refuse('end of attempt', sequence);
    return {
      state: this.#word(ATTEMPT_STATES, row[13], 'attempt') as AttemptEndState,
      cause: this.#word(END_CAUSES, row[14], 'attempt'),
      exitCode: row[15] as NullableNumber,
      reason: row[16] as string,
      startedAtMs: row[17] as NullableNumber,
      endedAtMs: row[18] as number,
      peakMemoryMib: row[19] as NullableNumber,
    };
  }

  taskChunk(row: Row): TaskChunk {
    this.#verify(SALTS.taskChunks, row, 0, 3, 'tasks of job');
    return { jobId: row[0] as number, chunk: row[1] as number, states: row[2] as Uint8Array };
  }

  retry(read: Row): RetryRecord {
    const row = withTexts(read, [7]);
    this.#verify(SALTS.retries, row, 0, 8, 'retry of job');
    return {
      jobId: row[0] as number,
      taskIndex: row[1] as number,
      counted: row[2] as number,
      interruptions: row[3] as number,
      nextNumber: row[4] as number,
      memoryMib: row[5] as NullableNumber,
      readyAtMs: row[6] as number,
      lastReason: row[7] as string,
    };
  }

  event(read: Row): Event {
    const row = withTexts(read, [8, 9]);
    this.#verify(SALTS.events, row, 0, 10, 'event');
    return {
      sequence: row[0] as number,
      atMs: row[1] as number,
      kind: this.#word(EVENT_KINDS, row[2], 'event'),
      runId: row[3] as NullableNumber,
      jobId: row[4] as NullableNumber,
      taskIndex: row[5] as NullableNumber,
      attemptSequence: row[6] as NullableNumber,
      state: row[7] === null ? (row[8] as NullableText) : this.#word(EVENT_STATES, row[7], 'event'),
      reason: row[9] as NullableText,
    };
  }

  /** Items are given back as text; the row is set, chunk, items, seal. */
  items(read: Row): string {
    const row = withTexts(read, [2]);
    this.#verify(SALTS.itemChunks, row, 0, 3, 'item set');
    return row[2] as string;
  }

  #verify(salt: number, row: Row, from: number, to: number, what: string): void {
    if (sealOf(salt, row, from, to) !== row[to]) this.#refuse(what, row[from]);
  }

  #word<W extends string>(words: readonly W[], code: SqlValue | undefined, what: string): W {
    return words[code as number] ?? this.#refuse(what, code);
  }

  #refuse(what: string, id: SqlValue | undefined): never {
    throw storeDamaged(this.#file, `${what} ${String(id)} does not match its check sum`);
  }
}

// From rows back to the domain's records. A row whose seal does not match, or that holds an unknown code, is damage.

import type { Attempt, AttemptEnd } from '../../domain/attempt.ts';
import type { Event } from '../../domain/event.ts';
import type { Job } from '../../domain/job.ts';
import type { JobRecord, RetryRecord, Run } from '../../domain/run.ts';
import type { AttemptEndState } from '../../domain/states.ts';
import type { TaskChunk } from '../../ports/store.ts';
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
import { sealedState } from './row-values.ts';
import { SALTS, sealOf } from './seal.ts';
import { storeDamaged } from './store-errors.ts';

const RUN_STATES = wordsOf(RUN_STATE_CODES);
const ATTEMPT_STATES = wordsOf(ATTEMPT_STATE_CODES);
const END_CAUSES = wordsOf(END_CAUSE_CODES);
const EVENT_KINDS = wordsOf(EVENT_KIND_CODES);
const EVENT_STATES = wordsOf(EVENT_STATE_CODES);

const ATTEMPT_READ = `
SELECT a.sequence, a.run_id, a.job_id, a.task_index, a.number, a.instance, a.runtime, a.created_at_ms, a.seal,
  a.end_state, a.cause, a.exit_code, a.reason, a.started_at_ms, a.ended_at_ms, a.peak_memory_mib, a.end_seal,
  live.sealed_state, live.started_at_ms AS seen_at_ms`;

/** Any attempt, and the live ones alone: both give what RowReader.attempt wants. */
export const ATTEMPT_SELECT = `${ATTEMPT_READ}
FROM attempts a LEFT JOIN live_attempts live ON live.sequence = a.sequence`;
export const LIVE_ATTEMPT_SELECT = `${ATTEMPT_READ}
FROM live_attempts live LEFT JOIN attempts a ON a.sequence = live.sequence`;

type NullableNumber = number | null;
type NullableText = string | null;

export class RowReader {
  readonly #file: string;
  readonly #texts: InternedTexts;

  constructor(file: string, texts: InternedTexts) {
    this.#file = file;
    this.#texts = texts;
  }

  run(row: Row): Run {
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
  job(row: Row): JobRecord {
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

  attempt(row: Row): Attempt {
    const sequence = row[0] as number;
    this.#verify(SALTS.attemptStarts, row, 0, 8, 'attempt');
    const end = this.#attemptEnd(row);
    const mark = row[17] as NullableNumber;
    if ((mark === null) !== (end !== null)) this.#refuse('attempt', sequence);
    const seenAtMs = row[18] as NullableNumber;
    const state = end?.state ?? this.#liveState(sequence, mark as number, seenAtMs);
    return {
      sequence,
      runId: row[1] as number,
      jobId: row[2] as number,
      taskIndex: row[3] as number,
      number: row[4] as number,
      instanceId: this.#texts.textOf(row[5] as number),
      runtimeKey: this.#texts.textOf(row[6] as number),
      state,
      createdAtMs: row[7] as number,
      startedAtMs: end === null ? seenAtMs : end.startedAtMs,
      end,
    };
  }

  #attemptEnd(row: Row): AttemptEnd | null {
    if (row[9] === null && row[16] === null) return null;
    if (sealOf(SALTS.attemptEnds, [row[0] as number, ...row.slice(9, 16)]) !== row[16]) this.#refuse('attempt', row[0]);
    return {
      state: this.#word(ATTEMPT_STATES, row[9], 'attempt') as AttemptEndState,
      cause: this.#word(END_CAUSES, row[10], 'attempt'),
      exitCode: row[11] as NullableNumber,
      reason: row[12] as string,
      startedAtMs: row[13] as NullableNumber,
      endedAtMs: row[14] as number,
      peakMemoryMib: row[15] as NullableNumber,
    };
  }

  #liveState(sequence: number, mark: number, seenAtMs: NullableNumber) {
    const code = mark & 15;
    if (sealedState(sequence, code, seenAtMs) !== mark) this.#refuse('attempt', sequence);
    return this.#word(ATTEMPT_STATES, code, 'attempt');
  }

  taskChunk(row: Row): TaskChunk {
    this.#verify(SALTS.taskChunks, row, 0, 3, 'tasks of job');
    return { jobId: row[0] as number, chunk: row[1] as number, states: row[2] as Uint8Array };
  }

  retry(row: Row): RetryRecord {
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

  event(row: Row): Event {
    this.#verify(SALTS.events, row, 0, 9, 'event');
    const state = row[7] as SqlValue;
    return {
      sequence: row[0] as number,
      atMs: row[1] as number,
      kind: this.#word(EVENT_KINDS, row[2], 'event'),
      runId: row[3] as NullableNumber,
      jobId: row[4] as NullableNumber,
      taskIndex: row[5] as NullableNumber,
      attemptSequence: row[6] as NullableNumber,
      state:
        state === null ? null : typeof state === 'string' ? state.slice(1) : this.#word(EVENT_STATES, state, 'event'),
      reason: row[8] as NullableText,
    };
  }

  /** Items are given back as text; the row is set, chunk, items, seal. */
  items(row: Row): string {
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

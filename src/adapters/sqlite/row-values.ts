// From the domain's records to the values of rows, sealed. The order of values is the order of columns in the migrations;
// row-reader.ts is the way back.

import type { Attempt, AttemptEnd } from '../../domain/attempt.ts';
import type { Event } from '../../domain/event.ts';
import type { JobRecord, RetryRecord, Run } from '../../domain/run.ts';
import type { AttemptState } from '../../domain/states.ts';
import type { TaskChunk } from '../../ports/store.ts';
import { liveMark, NOT_SEEN_AT_MS } from './attempt-mark.ts';
import { ATTEMPT_STATE_CODES, END_CAUSE_CODES, EVENT_KIND_CODES, EVENT_STATE_CODES, RUN_STATE_CODES } from './codes.ts';
import type { SqlValue } from './driver.ts';
import { cleanText, SALTS, sealOf } from './seal.ts';

export const RUN_COLUMNS =
  'id, name, number, spec, state, state_reason, cancelled_by, submitted_at_ms, started_at_ms, ended_at_ms, submission_key, trial_tasks, removed, seal';
export const JOB_COLUMNS = 'id, run_id, ordinal, state, task_count, item_set_id, seal';
export const ATTEMPT_START_COLUMNS =
  'sequence, run_id, job_id, task_index, number, instance, runtime, created_at_ms, seal';
export const ATTEMPT_END_COLUMNS =
  'id, sequence, state, cause, exit_code, reason, started_at_ms, ended_at_ms, peak_memory_mib, seal';
export const RETRY_COLUMNS =
  'job_id, task_index, counted, interruptions, next_number, memory_mib, ready_at_ms, last_reason, seal';
export const EVENT_COLUMNS =
  'sequence, at_ms, kind, run_id, job_id, task_index, attempt_sequence, state, word, reason, seal';

export const RUN_WIDTH = 14;
export const JOB_WIDTH = 7;
export const ATTEMPT_START_WIDTH = 9;
export const ATTEMPT_END_WIDTH = 10;
export const RETRY_WIDTH = 9;
export const EVENT_WIDTH = 11;
export const CHUNK_WIDTH = 4;
export const STATE_WIDTH = 3;

/** Adds the seal of everything in `values` from `from` on. */
function sealed(salt: number, values: SqlValue[], from = 0): SqlValue[] {
  values.push(sealOf(salt, values, from));
  return values;
}

const textOrNull = (text: string | null): string | null => (text === null ? null : cleanText(text));

export function runValues(run: Run): SqlValue[] {
  return sealed(SALTS.runs, [
    run.id,
    cleanText(run.name),
    run.number,
    JSON.stringify(run.spec),
    RUN_STATE_CODES[run.state],
    textOrNull(run.stateReason),
    textOrNull(run.cancelledBy),
    run.submittedAtMs,
    run.startedAtMs,
    run.endedAtMs,
    textOrNull(run.submissionKey),
    run.trialTasks,
    0,
  ]);
}

export function jobValues(job: JobRecord): SqlValue[] {
  const { array } = job.spec;
  return sealed(SALTS.jobs, [
    job.id,
    job.runId,
    job.ordinal,
    RUN_STATE_CODES[job.state],
    job.spec.taskCount,
    array.kind === 'items' ? cleanText(array.itemSetId) : null,
  ]);
}

export const jobSpecValues = (job: JobRecord): SqlValue[] => sealed(SALTS.jobSpecs, [job.id, JSON.stringify(job.spec)]);

/** Appends to `values`, which holds many rows: fewer arrays in the hot path. */
export function pushAttemptStart(values: SqlValue[], attempt: Attempt, instance: number, runtime: number): void {
  const from = values.length;
  values.push(
    attempt.sequence,
    attempt.runId,
    attempt.jobId,
    attempt.taskIndex,
    attempt.number,
    instance,
    runtime,
    attempt.createdAtMs,
  );
  sealed(SALTS.attemptStarts, values, from);
}

export function pushAttemptEnd(values: SqlValue[], id: number, sequence: number, end: AttemptEnd): void {
  const from = values.length;
  values.push(
    id,
    sequence,
    ATTEMPT_STATE_CODES[end.state],
    END_CAUSE_CODES[end.cause],
    end.exitCode,
    cleanText(end.reason),
    end.startedAtMs,
    end.endedAtMs,
    end.peakMemoryMib,
  );
  sealed(SALTS.attemptEnds, values, from);
}

/** `mark, seen_at_ms` of `attempt_states`. */
export function liveStateValues(sequence: number, state: AttemptState, startedAtMs: number | null): [number, number] {
  const seenAtMs = startedAtMs ?? NOT_SEEN_AT_MS;
  return [liveMark(sequence, ATTEMPT_STATE_CODES[state], seenAtMs), seenAtMs];
}

export function pushTaskChunk(values: SqlValue[], { jobId, chunk, states }: TaskChunk): void {
  const from = values.length;
  values.push(jobId, chunk, states);
  sealed(SALTS.taskChunks, values, from);
}

export function pushRetry(values: SqlValue[], retry: RetryRecord): void {
  const from = values.length;
  values.push(
    retry.jobId,
    retry.taskIndex,
    retry.counted,
    retry.interruptions,
    retry.nextNumber,
    retry.memoryMib,
    retry.readyAtMs,
    cleanText(retry.lastReason),
  );
  sealed(SALTS.retries, values, from);
}

export function pushEvent(values: SqlValue[], event: Event): void {
  const from = values.length;
  const code = event.state === null ? null : (EVENT_STATE_CODES[event.state] ?? null);
  values.push(
    event.sequence,
    event.atMs,
    EVENT_KIND_CODES[event.kind],
    event.runId,
    event.jobId,
    event.taskIndex,
    event.attemptSequence,
    code,
    code === null ? textOrNull(event.state) : null,
    textOrNull(event.reason),
  );
  sealed(SALTS.events, values, from);
}

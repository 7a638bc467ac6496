// What a job's attempts sum up to, kept as they start and end, so that nobody has to go through a million of them to tell.

import type { Attempt, AttemptEnd } from '../../domain/attempt.ts';
import type { JobSummary } from '../../ports/store.ts';
import { END_ID_SQL } from './attempt-mark.ts';
import { ATTEMPT_STATE_CODES, wordsOf } from './codes.ts';
import type { Driver, SqlValue, Statement } from './driver.ts';
import { readable } from './readable.ts';
import { SALTS, sealOf } from './seal.ts';
import { storeDamaged } from './store-errors.ts';

const COLUMNS =
  'job_id, attempts, interruptions, retries, succeeded, duration_ms, peak_memory_mib, first_started_at_ms, last_ended_at_ms, seal';

type Totals = {
  attempts: number;
  interruptions: number;
  retries: number;
  /** Successes of which the start is known, and what they took together. */
  succeeded: number;
  durationMs: number;
  peakMemoryMib: number | null;
  firstStartedAtMs: number | null;
  lastEndedAtMs: number | null;
};

const STATES = wordsOf(ATTEMPT_STATE_CODES);

export class JobTotals {
  readonly #file: string;
  readonly #get: Statement;
  readonly #put: Statement;
  readonly #jobOfAttempt: Statement;
  readonly #endBefore: Statement;
  /** Jobs of attempts that started here and live; of others the store is asked. */
  readonly #jobOf = new Map<number, number>();
  /** Of the transaction under way. */
  readonly #changed = new Map<number, Totals>();
  readonly #repeats: Attempt[] = [];

  constructor(driver: Driver, file: string) {
    this.#file = file;
    this.#get = driver.prepare(`SELECT ${readable(COLUMNS)} FROM job_totals WHERE job_id = ?`);
    this.#put = driver.prepare(
      `INSERT OR REPLACE INTO job_totals (${COLUMNS}) VALUES (${COLUMNS.replaceAll(/\w+/g, '?')})`,
    );
    this.#jobOfAttempt = driver.prepare('SELECT job_id + 0 FROM attempts WHERE sequence = ?');
    this.#endBefore = driver.prepare(
      `SELECT e.state + 0 FROM attempts a JOIN attempt_states s ON s.sequence = a.sequence
       JOIN attempt_ends e ON e.id = ${END_ID_SQL} WHERE a.job_id = ? AND a.task_index = ? AND a.number = ?`,
    );
  }

  addStart(attempt: Attempt): void {
    this.#totals(attempt.jobId).attempts += 1;
    this.#jobOf.set(attempt.sequence, attempt.jobId);
    if (attempt.number > 1) this.#repeats.push(attempt);
  }

  addEnd(sequence: number, end: AttemptEnd): void {
    const jobId = this.#jobOf.get(sequence) ?? Number(this.#jobOfAttempt.get([sequence])?.[0] ?? 0);
    this.#jobOf.delete(sequence);
    const totals = this.#totals(jobId);
    if (end.state === 'succeeded' && end.startedAtMs !== null) {
      totals.succeeded += 1;
      totals.durationMs += end.endedAtMs - end.startedAtMs;
    }
    totals.peakMemoryMib = chosen(Math.max, totals.peakMemoryMib, end.peakMemoryMib);
    totals.firstStartedAtMs = chosen(Math.min, totals.firstStartedAtMs, end.startedAtMs);
    totals.lastEndedAtMs = chosen(Math.max, totals.lastEndedAtMs, end.endedAtMs);
  }

  /** Writes what this transaction changed, once its ends are written: a task may end and start again in one batch. */
  write(): void {
    for (const repeat of this.#repeats) this.#addRepeat(repeat);
    this.#repeats.length = 0;
    for (const [jobId, totals] of this.#changed) {
      const values: SqlValue[] = [jobId, ...Object.values(totals)];
      this.#put.run([...values, sealOf(SALTS.jobTotals, values)]);
    }
    this.#changed.clear();
  }

  /** After a rollback. */
  forget(): void {
    this.#jobOf.clear();
    this.#changed.clear();
    this.#repeats.length = 0;
  }

  summary(jobId: number): JobSummary {
    const { succeeded, durationMs, ...rest } = this.#read(jobId);
    return { ...rest, meanDurationMs: succeeded === 0 ? null : Math.round(durationMs / succeeded) };
  }

  #addRepeat({ jobId, taskIndex, number }: Attempt): void {
    const before = STATES[Number(this.#endBefore.get([jobId, taskIndex, number - 1])?.[0])];
    const totals = this.#totals(jobId);
    if (before === 'interrupted' || before === 'preempted' || before === 'lost') totals.interruptions += 1;
    if (before === 'failed') totals.retries += 1;
  }

  #totals(jobId: number): Totals {
    const changed = this.#changed.get(jobId) ?? this.#read(jobId);
    this.#changed.set(jobId, changed);
    return changed;
  }

  #read(jobId: number): Totals {
    const row = this.#get.get([jobId]);
    if (row !== undefined && sealOf(SALTS.jobTotals, row, 0, 9) !== row[9])
      throw storeDamaged(this.#file, `the totals of job ${jobId} do not match their check sum`);
    const [, attempts = 0, interruptions = 0, retries = 0, succeeded = 0, durationMs = 0, peak, first, last] =
      row ?? [];
    return {
      attempts: attempts as number,
      interruptions: interruptions as number,
      retries: retries as number,
      succeeded: succeeded as number,
      durationMs: durationMs as number,
      peakMemoryMib: (peak ?? null) as number | null,
      firstStartedAtMs: (first ?? null) as number | null,
      lastEndedAtMs: (last ?? null) as number | null,
    };
  }
}

function chosen(choose: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : choose(a, b);
}

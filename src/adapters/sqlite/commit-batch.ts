// Writes one batch inside a transaction that the caller holds. What does not fit what is stored (an attempt that already
// ended, an unknown run) is refused, so that a fault above never overwrites a fact.

import type { AttemptEnd } from '../../domain/attempt.ts';
import { DistributoError } from '../../domain/errors.ts';
import { ITEMS_PER_CHUNK } from '../../domain/job.ts';
import type { JobRecord, Run } from '../../domain/run.ts';
import { type AttemptState, isAttemptLive } from '../../domain/states.ts';
import type { Batch } from '../../ports/store.ts';
import { endMark } from './attempt-mark.ts';
import { RUN_STATE_CODES } from './codes.ts';
import type { Driver, SqlValue, Statement } from './driver.ts';
import type { InternedTexts } from './intern-texts.ts';
import type { JobTotals } from './job-totals.ts';
import { readable, withTexts } from './readable.ts';
import * as rows from './row-values.ts';
import { RowWriter } from './row-writer.ts';
import { SALTS, sealOf } from './seal.ts';

export class BatchWriter {
  readonly #texts: InternedTexts;
  readonly #totals: JobTotals;
  readonly #insertRun: Statement;
  readonly #updateRun: Statement;
  readonly #insertJob: Statement;
  readonly #insertJobSpec: Statement;
  readonly #selectJob: Statement;
  readonly #updateJob: Statement;
  readonly #countItemChunks: Statement;
  readonly #startAttempts: RowWriter;
  readonly #addStates: RowWriter;
  readonly #setState: Statement;
  readonly #addEnds: RowWriter;
  readonly #setEnded: Statement;
  readonly #lastEndId: Statement;
  readonly #putChunks: RowWriter;
  readonly #putRetries: RowWriter;
  readonly #dropRetries: RowWriter;
  readonly #addEvents: RowWriter;

  constructor(driver: Driver, texts: InternedTexts, totals: JobTotals) {
    this.#totals = totals;
    const marks = (width: number) => Array(width).fill('?').join(', ');
    this.#texts = texts;
    this.#insertRun = driver.prepare(`INSERT INTO runs (${rows.RUN_COLUMNS}) VALUES (${marks(rows.RUN_WIDTH)})`);
    this.#updateRun = driver.prepare(
      `UPDATE runs SET (${rows.RUN_COLUMNS}) = (${marks(rows.RUN_WIDTH)}) WHERE id = ? AND removed = 0`,
    );
    this.#insertJob = driver.prepare(`INSERT INTO jobs (${rows.JOB_COLUMNS}) VALUES (${marks(rows.JOB_WIDTH)})`);
    this.#insertJobSpec = driver.prepare('INSERT INTO job_specs (job_id, spec, seal) VALUES (?, ?, ?)');
    this.#selectJob = driver.prepare(`SELECT ${readable(rows.JOB_COLUMNS)} FROM jobs WHERE id = ?`);
    this.#updateJob = driver.prepare('UPDATE jobs SET state = ?, seal = ? WHERE id = ?');
    this.#countItemChunks = driver.prepare(
      'SELECT count(*) FROM item_sets s JOIN item_chunks c ON c.set_id = s.id WHERE s.name = ? AND c.chunk < ?',
    );
    const writer = (sql: string, width: number) => new RowWriter(driver, sql, width);
    this.#startAttempts = writer(
      `INSERT INTO attempts (${rows.ATTEMPT_START_COLUMNS}) VALUES $rows`,
      rows.ATTEMPT_START_WIDTH,
    );
    this.#addStates = writer('INSERT INTO attempt_states (sequence, mark, seen_at_ms) VALUES $rows', rows.STATE_WIDTH);
    this.#setState = driver.prepare(
      'UPDATE attempt_states SET mark = ?, seen_at_ms = ? WHERE sequence = ? AND mark > 0',
    );
    this.#addEnds = writer(
      `INSERT INTO attempt_ends (${rows.ATTEMPT_END_COLUMNS}) VALUES $rows`,
      rows.ATTEMPT_END_WIDTH,
    );
    this.#setEnded = driver.prepare('UPDATE attempt_states SET mark = ? WHERE sequence = ? AND mark > 0');
    this.#lastEndId = driver.prepare('SELECT max(id) FROM attempt_ends');
    this.#putChunks = writer(
      'INSERT OR REPLACE INTO task_chunks (job_id, chunk, states, seal) VALUES $rows',
      rows.CHUNK_WIDTH,
    );
    this.#putRetries = writer(`INSERT OR REPLACE INTO retries (${rows.RETRY_COLUMNS}) VALUES $rows`, rows.RETRY_WIDTH);
    this.#dropRetries = writer('DELETE FROM retries WHERE (job_id, task_index) IN (VALUES $rows)', 2);
    this.#addEvents = writer(`INSERT INTO events (${rows.EVENT_COLUMNS}) VALUES $rows`, rows.EVENT_WIDTH);
  }

  write(batch: Batch): void {
    for (const { run, jobs } of batch.newRuns ?? []) this.#writeRun(run, jobs);
    for (const run of batch.runs ?? [])
      expectRows(this.#updateRun.run([...rows.runValues(run), run.id]), 1, `run ${run.id} is not stored`);
    for (const { id, state } of batch.jobs ?? []) this.#writeJobState(id, RUN_STATE_CODES[state]);
    if (batch.newAttempts?.length) this.#writeStarts(batch.newAttempts, batch.endedAttempts ?? []);
    if (batch.attempts?.length) this.#writeStates(batch.attempts);
    this.#writeEnds(batch.endedAttempts ?? []);
    this.#totals.write();
    const chunks: SqlValue[] = [];
    for (const chunk of batch.taskChunks ?? []) rows.pushTaskChunk(chunks, chunk);
    this.#putChunks.write(chunks);
    const retries: SqlValue[] = [];
    for (const retry of batch.retries ?? []) rows.pushRetry(retries, retry);
    this.#putRetries.write(retries);
    this.#dropRetries.write((batch.endedRetries ?? []).flatMap(({ jobId, taskIndex }) => [jobId, taskIndex]));
    const events: SqlValue[] = [];
    for (const event of batch.events ?? []) rows.pushEvent(events, event);
    this.#addEvents.write(events);
  }

  #writeRun(run: Run, jobs: readonly JobRecord[]): void {
    this.#insertRun.run(rows.runValues(run));
    for (const job of jobs) {
      this.#insertJob.run(rows.jobValues(job));
      this.#insertJobSpec.run(rows.jobSpecValues(job));
      const { array } = job.spec;
      if (array.kind !== 'items') continue;
      const needed = Math.ceil(array.count / ITEMS_PER_CHUNK);
      const stored = Number(this.#countItemChunks.get([array.itemSetId, needed])?.[0]);
      expectRows(stored, needed, `of the items of job ${job.spec.name}, ${stored} of ${needed} chunks are stored`);
    }
  }

  #writeJobState(id: number, state: number): void {
    const stored = this.#selectJob.get([id]);
    if (stored === undefined) throw new DistributoError('STORE_CONFLICT', `job ${id} is not stored`);
    const row = withTexts(stored, [5]).slice(0, rows.JOB_WIDTH - 1);
    row[3] = state;
    this.#updateJob.run([state, sealOf(SALTS.jobs, row), id]);
  }

  /** An attempt that starts and ends in one batch is live for a moment. */
  #writeStarts(attempts: NonNullable<Batch['newAttempts']>, endedLater: NonNullable<Batch['endedAttempts']>): void {
    const starts: SqlValue[] = [];
    const states: SqlValue[] = [];
    const ended: { sequence: number; end: AttemptEnd }[] = [];
    const endsLater = new Set(endedLater.map(({ sequence }) => sequence));
    for (const attempt of attempts) {
      this.#totals.addStart(attempt);
      const { instanceId, runtimeKey, sequence, state, startedAtMs, end } = attempt;
      rows.pushAttemptStart(starts, attempt, this.#texts.idOf(instanceId), this.#texts.idOf(runtimeKey));
      if (end !== null) ended.push({ sequence, end });
      const isEnded = end !== null || endsLater.has(sequence);
      if (!isEnded) expectLive(sequence, state);
      states.push(sequence, ...rows.liveStateValues(sequence, isEnded ? 'reserved' : state, startedAtMs));
    }
    this.#startAttempts.write(starts);
    this.#addStates.write(states);
    this.#writeEnds(ended);
  }

  /** In the order of the table, one by one: joined with a list of values an update takes three times as long. */
  #writeStates(changes: NonNullable<Batch['attempts']>): void {
    const last = new Map(changes.map((change) => [change.sequence, change]));
    let changed = 0;
    for (const { sequence, state, startedAtMs } of [...last.values()].sort(bySequence)) {
      expectLive(sequence, state);
      changed += this.#setState.run([...rows.liveStateValues(sequence, state, startedAtMs), sequence]);
    }
    expectRows(changed, last.size, 'an attempt whose state changes has ended or is not stored');
  }

  #writeEnds(ended: NonNullable<Batch['endedAttempts']>): void {
    if (ended.length === 0) return;
    let id = Number(this.#lastEndId.get()?.[0] ?? 0);
    const ends: SqlValue[] = [];
    let changed = 0;
    for (const { sequence, end } of ended.toSorted(bySequence)) {
      id += 1;
      this.#totals.addEnd(sequence, end);
      rows.pushAttemptEnd(ends, id, sequence, end);
      changed += this.#setEnded.run([endMark(id), sequence]);
    }
    expectRows(changed, ended.length, 'an attempt that ends has ended before or is not stored');
    this.#addEnds.write(ends);
  }
}

const bySequence = (a: { readonly sequence: number }, b: { readonly sequence: number }): number =>
  a.sequence - b.sequence;

function expectLive(sequence: number, state: AttemptState): void {
  if (!isAttemptLive(state))
    throw new DistributoError('STORE_CONFLICT', `attempt ${sequence} is ${state} without an end`);
}

function expectRows(changed: number, expected: number, message: string): void {
  if (changed !== expected) throw new DistributoError('STORE_CONFLICT', message, { details: { changed, expected } });
}

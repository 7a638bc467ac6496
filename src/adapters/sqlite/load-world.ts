// What a controller needs to go on: unfinished runs and runs that still have a live attempt, with what belongs to them.

import type { Attempt } from '../../domain/attempt.ts';
import type { Run } from '../../domain/run.ts';
import type { StoredWorld } from '../../ports/store.ts';
import { RUN_STATE_CODES } from './codes.ts';
import type { Driver, Row, SqlValue } from './driver.ts';
import { readMeta } from './meta.ts';
import { readable } from './readable.ts';
import { ATTEMPT_SELECT, JOB_SELECT, type RowReader } from './row-reader.ts';
import { RETRY_COLUMNS, RUN_COLUMNS } from './row-values.ts';

export function loadWorld(driver: Driver, reader: RowReader, file: string): StoredWorld {
  const liveAttempts = loadLiveAttempts(driver, reader, Number(readMeta(driver, file, FIRST_LIVE) ?? 0));
  const runs = loadRuns(driver, reader, new Set(liveAttempts.map(({ runId }) => runId)));
  return { ...loadParts(driver, reader, runs), liveAttempts, next: nextIds(driver, file) };
}

/** The name of the fact that no attempt with a lower sequence lives, so that a start need not look at all of them. */
export const FIRST_LIVE = 'first-live';

/** One run, whatever its state. */
export function loadRun(driver: Driver, reader: RowReader, file: string, runId: number) {
  const row = driver.prepare(`SELECT ${readable(RUN_COLUMNS)} FROM runs WHERE id = ? AND removed = 0`).get([runId]);
  if (row === undefined) return undefined;
  const firstLive = Number(readMeta(driver, file, FIRST_LIVE) ?? 0);
  const liveAttempts = loadLiveAttempts(driver, reader, firstLive).filter((attempt) => attempt.runId === runId);
  return { ...loadParts(driver, reader, [reader.run(row)]), liveAttempts };
}

function loadLiveAttempts(driver: Driver, reader: RowReader, firstLive: number): Attempt[] {
  const bySequence = driver.prepare(`${ATTEMPT_SELECT} WHERE a.sequence = ?`);
  return driver
    .prepare('SELECT sequence + 0 FROM attempt_states WHERE mark > 0 AND sequence >= ? ORDER BY sequence')
    .all([firstLive])
    .map(([sequence]) => reader.attempt(bySequence.get([sequence as number]) ?? [sequence as number]));
}

function loadParts(driver: Driver, reader: RowReader, runs: readonly Run[]) {
  const perId = (sql: string, parents: readonly { readonly id: number }[]): Row[] => {
    const statement = driver.prepare(sql);
    return parents.flatMap(({ id }) => statement.all([id]));
  };
  const jobs = perId(`${JOB_SELECT} WHERE j.run_id = ? ORDER BY j.ordinal`, runs).map((row) => reader.job(row));
  const chunks = `SELECT ${readable('job_id, chunk, states, seal')} FROM task_chunks WHERE job_id = ? ORDER BY chunk`;
  const retries = `SELECT ${readable(RETRY_COLUMNS)} FROM retries WHERE job_id = ? ORDER BY task_index`;
  return {
    runs,
    jobs,
    taskChunks: perId(chunks, jobs).map((row) => reader.taskChunk(row)),
    retries: perId(retries, jobs).map((row) => reader.retry(row)),
  };
}

function loadRuns(driver: Driver, reader: RowReader, live: ReadonlySet<number>): Run[] {
  const open = driver
    .prepare(`SELECT ${readable(RUN_COLUMNS)} FROM runs WHERE state < ${RUN_STATE_CODES.succeeded} AND removed = 0`)
    .all();
  const byId = driver.prepare(
    `SELECT ${readable(RUN_COLUMNS)} FROM runs WHERE id = ? AND state >= ${RUN_STATE_CODES.succeeded}`,
  );
  const stopping = [...live].map((id) => byId.get([id])).filter((row) => row !== undefined);
  return [...open, ...stopping].map((row) => reader.run(row)).sort((a, b) => a.id - b.id);
}

/** One more than every id ever given: of what is stored, and of what was removed (meta). */
export function nextIds(driver: Driver, file: string): StoredWorld['next'] {
  const next = (name: string, sql: string): number => {
    const stored = driver.prepare(sql).get()?.[0] as SqlValue;
    return Math.max(Number(stored ?? 0) + 1, Number(readMeta(driver, file, name) ?? 1));
  };
  return {
    runId: next('next-run', 'SELECT max(id) FROM runs'),
    jobId: next('next-job', 'SELECT max(id) FROM jobs'),
    attemptSequence: next('next-attempt', 'SELECT max(sequence) FROM attempts'),
    eventSequence: next('next-event', 'SELECT max(sequence) FROM events'),
  };
}

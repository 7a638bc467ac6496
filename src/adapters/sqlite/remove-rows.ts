// Removes what is no longer wanted, a few thousand rows a transaction, so that the process is never blocked for long. What
// is to be removed is marked first (a run) or can be seen again (an unowned item set), so a kill in between loses nothing.

import { END_ID_SQL } from './attempt-mark.ts';
import type { Driver, SqlValue } from './driver.ts';

const ROWS_A_STEP = 2000;
/** Item chunks are large: about 50 kB each. */
const CHUNKS_A_STEP = 50;
const PAGES_A_STEP = 1000;

/** Does a little work in a transaction of its own; false where nothing is left to do. */
export type Step = () => boolean;

/** The steps that remove a marked run, in order; the run itself goes last. */
export function removeRunSteps(driver: Driver, runId: number): Step[] {
  const jobIds = driver
    .prepare('SELECT id + 0 FROM jobs WHERE run_id = ? ORDER BY id')
    .all([runId])
    .map((row) => Number(row[0]));
  const setIds = driver
    .prepare(
      `SELECT s.id + 0 FROM jobs j JOIN item_sets s ON s.name = j.item_set_id WHERE j.run_id = ?
       AND NOT EXISTS (SELECT 1 FROM jobs other WHERE other.item_set_id = s.name AND other.run_id <> j.run_id)`,
    )
    .all([runId])
    .map((row) => Number(row[0]));
  const ofJobs = (sql: string): Step[] => jobIds.map((id) => stepOf(driver, sql, [id, ROWS_A_STEP]));
  return [
    ...jobIds.map((id) => removeAttemptsStep(driver, id)),
    ...ofJobs(
      `DELETE FROM task_chunks WHERE (job_id, chunk) IN (SELECT job_id, chunk FROM task_chunks WHERE job_id = ? LIMIT ?)`,
    ),
    ...ofJobs(
      `DELETE FROM retries WHERE (job_id, task_index) IN (SELECT job_id, task_index FROM retries WHERE job_id = ? LIMIT ?)`,
    ),
    stepOf(driver, 'DELETE FROM events WHERE sequence IN (SELECT sequence FROM events WHERE run_id = ? LIMIT ?)', [
      runId,
      ROWS_A_STEP,
    ]),
    ...setIds.flatMap((id) => removeItemSetSteps(driver, id)),
    ...jobIds.map((id) => stepOf(driver, 'DELETE FROM job_totals WHERE job_id = ?', [id])),
    ...ofJobs('DELETE FROM job_specs WHERE job_id IN (SELECT job_id FROM job_specs WHERE job_id = ? LIMIT ?)'),
    stepOf(driver, 'DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE run_id = ? LIMIT ?)', [runId, ROWS_A_STEP]),
    stepOf(driver, 'DELETE FROM runs WHERE id = ? AND removed = 1', [runId]),
  ];
}

function removeAttemptsStep(driver: Driver, jobId: number): Step {
  const some = 'SELECT sequence FROM attempts WHERE job_id = ? ORDER BY task_index, sequence LIMIT ?';
  const steps = [
    `DELETE FROM attempt_ends WHERE id IN (SELECT ${END_ID_SQL} FROM attempt_states s WHERE s.sequence IN (${some}))`,
    `DELETE FROM attempt_states WHERE sequence IN (${some})`,
    `DELETE FROM attempts WHERE sequence IN (${some})`,
  ].map((sql) => stepOf(driver, sql, [jobId, ROWS_A_STEP]));
  return () => steps.map((step) => step()).at(-1) === true;
}

export function removeItemSetSteps(driver: Driver, setId: number): Step[] {
  return [
    stepOf(driver, 'DELETE FROM item_chunks WHERE rowid IN (SELECT rowid FROM item_chunks WHERE set_id = ? LIMIT ?)', [
      setId,
      CHUNKS_A_STEP,
    ]),
    stepOf(driver, 'DELETE FROM item_sets WHERE id = ?', [setId]),
  ];
}

/** Gives free pages at the end of the file back to the disk. */
export function shrinkStep(driver: Driver): Step {
  const freePages = (): number => Number(driver.prepare('PRAGMA freelist_count').get()?.[0] ?? 0);
  return () => {
    const before = freePages();
    if (before === 0) return false;
    driver.exec(`PRAGMA incremental_vacuum(${PAGES_A_STEP})`);
    return freePages() < before;
  };
}

function stepOf(driver: Driver, sql: string, values: readonly SqlValue[]): Step {
  const statement = driver.prepare(sql);
  return () => statement.run(values) > 0;
}

// Questions about what was, answered a page at a time. What must look at a whole job does so in slices, between which the
// event loop runs.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attempt } from '../../domain/attempt.ts';
import type { Event } from '../../domain/event.ts';
import type { JobRecord, Run } from '../../domain/run.ts';
import { TASK_STATES, type TaskState, taskStateCode, taskStateOf } from '../../domain/states.ts';
import type { EventQuery, RunQuery, TaskQuery, TaskSummary } from '../../ports/store.ts';
import { TASKS_PER_CHUNK } from '../../ports/store.ts';
import { RUN_STATE_CODES } from './codes.ts';
import type { Driver, Row, SqlValue, Statement } from './driver.ts';
import { readable } from './readable.ts';
import { ATTEMPT_SELECT, JOB_SELECT, type RowReader } from './row-reader.ts';
import { EVENT_COLUMNS, RUN_COLUMNS } from './row-values.ts';

const CHUNK = readable('job_id, chunk, states, seal');
const CHUNKS_A_SLICE = 128;

export class SqliteHistory {
  readonly #driver: Driver;
  readonly #reader: RowReader;
  readonly #statements = new Map<string, Statement>();

  constructor(driver: Driver, reader: RowReader) {
    this.#driver = driver;
    this.#reader = reader;
  }

  #all(sql: string, values: readonly SqlValue[]): Row[] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#driver.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement.all(values);
  }

  listRuns(query: RunQuery): { run: Run; jobs: JobRecord[] }[] {
    const states = query.states?.map((state) => RUN_STATE_CODES[state]);
    const filters: [string, SqlValue | undefined][] = [
      ['name = ?', query.name],
      ['number = ?', query.number],
      ['submission_key = ?', query.submissionKey],
      ['id < ?', query.beforeId],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const where = ['removed = 0', ...used.map(([sql]) => sql), ...(states ? [`state IN (${states.join(',')})`] : [])];
    const rows = this.#all(
      `SELECT ${readable(RUN_COLUMNS)} FROM runs WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ?`,
      [...used.map(([, value]) => value as SqlValue), query.limit],
    );
    return rows.map((row) => ({
      run: this.#reader.run(row),
      jobs: this.#all(`${JOB_SELECT} WHERE j.run_id = ? ORDER BY j.ordinal`, [row[0] as number]).map((job) =>
        this.#reader.job(job),
      ),
    }));
  }

  async countTasks(jobIds: readonly number[]): Promise<Map<number, Record<TaskState, number>>> {
    const counts = new Map<number, Record<TaskState, number>>();
    for (const jobId of jobIds) {
      const taskCount = this.#taskCount(jobId);
      if (taskCount === undefined) continue;
      const byCode = new Uint32Array(TASK_STATES.length);
      let counted = 0;
      for await (const { chunk, states } of this.#chunks(jobId, 0)) {
        const used = Math.min(states.length, taskCount - chunk * TASKS_PER_CHUNK);
        for (let i = 0; i < used; i += 1) {
          const code = states[i] as number;
          byCode[code] = (byCode[code] ?? 0) + 1;
        }
        counted += used;
      }
      const count = (state: TaskState): number => byCode[taskStateCode(state)] ?? 0;
      counts.set(jobId, {
        waiting: count('waiting') + taskCount - counted,
        running: 0,
        succeeded: count('succeeded'),
        failed: count('failed'),
        cancelled: count('cancelled'),
      });
    }
    return counts;
  }

  async listTasks(query: TaskQuery): Promise<TaskSummary[]> {
    const taskCount = this.#taskCount(query.jobId);
    if (taskCount === undefined || query.limit <= 0) return [];
    const wanted = new Set((query.states ?? TASK_STATES).map(taskStateCode));
    const found = query.repeated
      ? await this.#findRepeated(query, wanted)
      : await this.#findTasks(query, wanted, taskCount);
    return found.map(({ taskIndex, code }) => {
      const [last] = this.#all(
        `${ATTEMPT_SELECT} WHERE a.job_id = ? AND a.task_index = ? ORDER BY a.sequence DESC LIMIT 1`,
        [query.jobId, taskIndex],
      );
      const [count] = this.#all('SELECT count(*) FROM attempts WHERE job_id = ? AND task_index = ?', [
        query.jobId,
        taskIndex,
      ]);
      return {
        jobId: query.jobId,
        taskIndex,
        state: taskStateOf(code),
        attempts: Number(count?.[0]),
        last: last === undefined ? null : this.#reader.attempt(last),
      };
    });
  }

  async #findTasks(query: TaskQuery, wanted: ReadonlySet<number>, taskCount: number): Promise<FoundTask[]> {
    const found: FoundTask[] = [];
    let next = (query.afterIndex ?? -1) + 1;
    const takeWaiting = (end: number): void => {
      if (wanted.has(0))
        for (; next < end && found.length < query.limit; next += 1) found.push({ taskIndex: next, code: 0 });
      else next = Math.max(next, end);
    };
    for await (const { chunk, states } of this.#chunks(query.jobId, Math.floor(next / TASKS_PER_CHUNK))) {
      const first = chunk * TASKS_PER_CHUNK;
      takeWaiting(Math.min(first, taskCount));
      const end = Math.min(first + states.length, taskCount);
      for (; next < end && found.length < query.limit; next += 1) {
        const code = states[next - first] as number;
        if (wanted.has(code)) found.push({ taskIndex: next, code });
      }
      if (found.length === query.limit) return found;
    }
    takeWaiting(taskCount);
    return found;
  }

  async #findRepeated(query: TaskQuery, wanted: ReadonlySet<number>): Promise<FoundTask[]> {
    const found: FoundTask[] = [];
    let after = query.afterIndex ?? -1;
    for (;;) {
      const page = this.#all(
        `SELECT DISTINCT task_index + 0 FROM attempts WHERE job_id = ? AND number > 1 AND task_index > ?
         ORDER BY task_index LIMIT 500`,
        [query.jobId, after],
      );
      for (const row of page) {
        after = Number(row[0]);
        const code = this.#codeOf(query.jobId, after);
        if (wanted.has(code) && found.push({ taskIndex: after, code }) === query.limit) return found;
      }
      if (page.length === 0) return found;
      await nextTurn();
    }
  }

  #codeOf(jobId: number, taskIndex: number): number {
    const chunk = Math.floor(taskIndex / TASKS_PER_CHUNK);
    const [row] = this.#all(`SELECT ${CHUNK} FROM task_chunks WHERE job_id = ? AND chunk = ?`, [jobId, chunk]);
    return row === undefined ? 0 : (this.#reader.taskChunk(row).states[taskIndex % TASKS_PER_CHUNK] ?? 0);
  }

  #taskCount(jobId: number): number | undefined {
    const [row] = this.#all('SELECT task_count + 0 FROM jobs WHERE id = ?', [jobId]);
    return row === undefined ? undefined : Number(row[0]);
  }

  async *#chunks(jobId: number, from: number) {
    for (let next = from; ; ) {
      const rows = this.#all(
        `SELECT ${CHUNK} FROM task_chunks WHERE job_id = ? AND chunk >= ? ORDER BY chunk LIMIT ?`,
        [jobId, next, CHUNKS_A_SLICE],
      );
      for (const row of rows) yield this.#reader.taskChunk(row);
      if (rows.length < CHUNKS_A_SLICE) return;
      next = Number(rows.at(-1)?.[1]) + 1;
      await nextTurn();
    }
  }

  listAttempts(jobId: number, taskIndex: number): Attempt[] {
    return this.#all(`${ATTEMPT_SELECT} WHERE a.job_id = ? AND a.task_index = ? ORDER BY a.sequence`, [
      jobId,
      taskIndex,
    ]).map((row) => this.#reader.attempt(row));
  }

  findAttempts(sequences: readonly number[]): Attempt[] {
    return sequences
      .flatMap((sequence) => this.#all(`${ATTEMPT_SELECT} WHERE a.sequence = ?`, [sequence]))
      .map((row) => this.#reader.attempt(row));
  }

  listEvents(query: EventQuery): Event[] {
    const { runId, afterSequence = 0, last, limit } = query;
    const where = runId === undefined ? 'sequence > ?' : 'run_id = ? AND sequence > ?';
    const values = runId === undefined ? [afterSequence] : [runId, afterSequence];
    const order = last === undefined ? 'ASC' : 'DESC';
    const events = this.#all(
      `SELECT ${readable(EVENT_COLUMNS)} FROM events WHERE ${where} ORDER BY sequence ${order} LIMIT ?`,
      [...values, Math.min(limit, last ?? limit)],
    ).map((row) => this.#reader.event(row));
    return last === undefined ? events : events.reverse();
  }
}

type FoundTask = { readonly taskIndex: number; readonly code: number };

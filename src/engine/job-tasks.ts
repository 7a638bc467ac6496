// The tasks of one job in memory: a byte a task, and a record only for those that were tried and wait to be tried again.
// Knows which may start next and in what order; decides nothing else.
//
// Order: tasks that come back (their back-off over) before fresh ones, lower index first.

import { assert } from '../domain/errors.ts';
import type { RetryRecord, TaskCounts } from '../domain/run.ts';
import { TASK_STATES, type TaskState, taskStateCode, taskStateOf } from '../domain/states.ts';
import { TASKS_PER_CHUNK } from '../ports/store.ts';

const WAITING = taskStateCode('waiting');
const RUNNING = taskStateCode('running');

export class JobTasks {
  readonly total: number;
  readonly retries = new Map<number, RetryRecord>();
  /** Tasks whose end the user asked for while an attempt of theirs is still live. */
  readonly cancelling = new Set<number>();
  readonly #states: Uint8Array;
  readonly #counts: number[] = TASK_STATES.map(() => 0);
  /** No waiting task without a retry record lies below this index. */
  #fresh = 0;

  constructor(total: number) {
    this.total = total;
    this.#states = new Uint8Array(total);
    this.#counts[WAITING] = total;
  }

  counts(): TaskCounts {
    const of = (state: TaskState) => this.#counts[taskStateCode(state)] as number;
    return {
      total: this.total,
      waiting: of('waiting'),
      running: of('running'),
      succeeded: of('succeeded'),
      failed: of('failed'),
      cancelled: of('cancelled'),
    };
  }

  state(index: number): TaskState {
    return taskStateOf(this.#states[index] as number);
  }

  setState(index: number, state: TaskState): void {
    assert(index >= 0 && index < this.total, `task ${index} of ${this.total} does not exist`);
    const from = this.#states[index] as number;
    const to = taskStateCode(state);
    this.#counts[from] = (this.#counts[from] as number) - 1;
    this.#counts[to] = (this.#counts[to] as number) + 1;
    this.#states[index] = to;
    if (to === WAITING && index < this.#fresh) this.#fresh = index;
  }

  /** Fills in one stored chunk. A cancelled task may still have a live attempt; the restore lays that over it. */
  restoreChunk(chunk: number, states: Uint8Array): void {
    const first = chunk * TASKS_PER_CHUNK;
    for (let offset = 0; offset < states.length && first + offset < this.total; offset += 1) {
      this.setState(first + offset, taskStateOf(states[offset] as number));
    }
    this.#fresh = 0;
  }

  /** The chunk as it is stored: live tasks count as waiting, or as cancelled where their end was asked for. */
  chunkStates(chunk: number): Uint8Array {
    const first = chunk * TASKS_PER_CHUNK;
    const states = this.#states.slice(first, Math.min(first + TASKS_PER_CHUNK, this.total));
    for (let offset = 0; offset < states.length; offset += 1) {
      if (states[offset] !== RUNNING) continue;
      states[offset] = this.cancelling.has(first + offset) ? taskStateCode('cancelled') : WAITING;
    }
    return states;
  }

  /** How many fresh tasks could start, at most `limit`, none with an index of `below` or more. */
  countFresh(limit: number, below: number): number {
    let count = 0;
    for (const _index of this.#freshIndices(below)) {
      count += 1;
      if (count >= limit) break;
    }
    return count;
  }

  /** The next fresh tasks in order; the caller changes their state before it asks again. */
  takeFresh(count: number, below: number): number[] {
    const taken: number[] = [];
    if (count === 0) return taken;
    for (const index of this.#freshIndices(below)) {
      taken.push(index);
      if (taken.length >= count) break;
    }
    return taken;
  }

  *#freshIndices(below: number): Generator<number> {
    let isFirst = true;
    const end = Math.min(below, this.total);
    for (let index = this.#fresh; index < end; index += 1) {
      if (this.#states[index] !== WAITING || this.retries.has(index)) continue;
      if (isFirst) this.#fresh = index;
      isFirst = false;
      yield index;
    }
    if (isFirst && end > this.#fresh) this.#fresh = end;
  }

  /** The tasks that wait to be tried again, in one pass: those whose time has come (lower index first), how many wait in all, and when the next comes. */
  surveyRetries(nowMs: number): { due: RetryRecord[]; waiting: number; nextAtMs: number | undefined } {
    const due: RetryRecord[] = [];
    let waiting = 0;
    let nextAtMs: number | undefined;
    for (const record of this.retries.values()) {
      if (this.#states[record.taskIndex] !== WAITING) continue;
      waiting += 1;
      if (record.readyAtMs <= nowMs) due.push(record);
      else if (nextAtMs === undefined || record.readyAtMs < nextAtMs) nextAtMs = record.readyAtMs;
    }
    return { due: due.sort((a, b) => a.taskIndex - b.taskIndex), waiting, nextAtMs };
  }

  *indicesIn(states: ReadonlySet<TaskState>): Generator<number> {
    for (let index = 0; index < this.total; index += 1) if (states.has(this.state(index))) yield index;
  }
}

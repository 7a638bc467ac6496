// The store over one open SQLite file. It answers synchronously behind the async port, and after a failed write to the
// disk it answers nothing any more: what the disk holds is then known only to a new process.

import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DistributoError } from '../../domain/errors.ts';
import { isRunEnded } from '../../domain/states.ts';
import type { Batch, EventQuery, History, RunQuery, Store, StoredWorld, TaskQuery } from '../../ports/store.ts';
import { Checkpointer } from './checkpointer.ts';
import { BatchWriter } from './commit-batch.ts';
import type { Driver, Statement } from './driver.ts';
import { InternedTexts } from './intern-texts.ts';
import { ItemSets } from './item-sets.ts';
import { JobTotals } from './job-totals.ts';
import { FIRST_LIVE, loadRun, loadWorld, nextIds } from './load-world.ts';
import { OWNER_ID, readMeta, writeMeta } from './meta.ts';
import { readable } from './readable.ts';
import { removeItemSetSteps, removeRunSteps, type Step, shrinkStep } from './remove-rows.ts';
import { RowReader } from './row-reader.ts';
import { RUN_COLUMNS, runValues } from './row-values.ts';
import { SALTS, sealOf } from './seal.ts';
import { SqliteHistory } from './sqlite-history.ts';
import { storeDamaged, translateError } from './store-errors.ts';

const FIRST_LIVE_STEP = 100_000;

export type SqliteStoreParts = {
  readonly nowMs: () => number;
  readonly logFramesMax: number;
  readonly onClose: () => void;
};

export class SqliteStore implements Store, History {
  readonly ownerId: string;
  readonly #file: string;
  readonly #onClose: () => void;
  readonly #driver: Driver;
  readonly #texts: InternedTexts;
  readonly #totals: JobTotals;
  readonly #reader: RowReader;
  readonly #writer: BatchWriter;
  readonly #items: ItemSets;
  readonly #history: SqliteHistory;
  readonly #checkpointer: Checkpointer;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  /** Why nothing is answered any more. */
  #ended: DistributoError | null = null;
  #isClosed = false;
  /** Removals, one after the other. */
  #removals: Promise<void> = Promise.resolve();

  constructor(driver: Driver, file: string, { nowMs, logFramesMax, onClose }: SqliteStoreParts) {
    this.#onClose = onClose;
    this.#driver = driver;
    this.#file = file;
    this.#texts = new InternedTexts(driver, file);
    this.#totals = new JobTotals(driver, file);
    this.#reader = new RowReader(file, this.#texts);
    this.#writer = new BatchWriter(driver, this.#texts, this.#totals);
    this.#items = new ItemSets(driver, this.#reader, nowMs);
    this.#history = new SqliteHistory(driver, this.#reader);
    this.#checkpointer = new Checkpointer(driver, file, logFramesMax);
    this.#begin = driver.prepare('BEGIN IMMEDIATE');
    this.#commit = driver.prepare('COMMIT');
    this.#rollback = driver.prepare('ROLLBACK');
    const ownerId = readMeta(driver, file, OWNER_ID);
    if (ownerId === undefined) throw storeDamaged(file, 'its owner id is missing');
    this.ownerId = ownerId;
  }

  async load(): Promise<StoredWorld> {
    const world = this.#guard(() => loadWorld(this.#driver, this.#reader, this.#file));
    this.#noteFirstLive(world);
    return world;
  }

  async loadRun(runId: number): Promise<Omit<StoredWorld, 'next'> | undefined> {
    return this.#guard(() => loadRun(this.#driver, this.#reader, this.#file, runId));
  }

  async commit(batch: Batch): Promise<void> {
    this.#flushItems();
    this.#transaction(() => this.#writer.write(batch));
  }

  async putItems(itemSetId: string, chunk: number, itemsJson: string): Promise<void> {
    if (chunk === 0 && !this.#guard(() => this.#items.isKnown(itemSetId))) this.#removeUnowned();
    if (!this.#items.gather(itemSetId, chunk, itemsJson)) return;
    try {
      this.#flushItems();
    } catch (error) {
      this.#items.drop(itemSetId, chunk);
      throw error;
    }
  }

  async getItems(itemSetId: string, chunk: number): Promise<string | undefined> {
    return this.#guard(() => this.#items.get(itemSetId, chunk));
  }

  async removeRun(runId: number): Promise<void> {
    this.#transaction(() => this.#markRemoved(runId));
    await this.#inBackground(() => [...removeRunSteps(this.#driver, runId), shrinkStep(this.#driver)]);
  }

  /** Goes on with removals that a kill cut short, and removes old item sets; the caller does not wait. */
  resumeRemovals(): void {
    const marked = this.#guard(() => this.#driver.prepare('SELECT id + 0 FROM runs WHERE removed = 1').all());
    for (const [id] of marked) this.#ignoreLater(this.#inBackground(() => removeRunSteps(this.#driver, Number(id))));
    this.#removeUnowned();
    if (marked.length > 0) this.#ignoreLater(this.#inBackground(() => [shrinkStep(this.#driver)]));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#removals;
    try {
      if (this.#ended === null) this.#flushItems();
    } finally {
      this.#ended ??= new DistributoError('INTERNAL', `the store ${this.#file} is closed`);
      this.#checkpointer.close();
      this.#driver.close();
      this.#onClose();
    }
  }

  async listRuns(query: RunQuery) {
    return this.#guard(() => this.#history.listRuns(query));
  }

  async countTasks(jobIds: readonly number[]) {
    return this.#guardAsync(() => this.#history.countTasks(jobIds));
  }

  async listTasks(query: TaskQuery) {
    return this.#guardAsync(() => this.#history.listTasks(query));
  }

  async listAttempts(jobId: number, taskIndex: number) {
    return this.#guard(() => this.#history.listAttempts(jobId, taskIndex));
  }

  async findAttempts(sequences: readonly number[]) {
    return this.#guard(() => this.#history.findAttempts(sequences));
  }

  async summariseJob(jobId: number) {
    return this.#guard(() => this.#totals.summary(jobId));
  }

  async listEvents(query: EventQuery) {
    return this.#guard(() => this.#history.listEvents(query));
  }

  async sizeBytes(): Promise<number> {
    const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return sizeOf(this.#file) + sizeOf(`${this.#file}-wal`);
  }

  #flushItems(): void {
    if (!this.#items.hasGathered) return;
    this.#transaction(() => this.#items.writeGathered());
    this.#items.forgetGathered();
  }

  #removeUnowned(): void {
    const ids = this.#guard(() => this.#items.unownedSetIds());
    for (const id of ids) this.#ignoreLater(this.#inBackground(() => removeItemSetSteps(this.#driver, id)));
  }

  /** Where many attempts have ended since, the next start begins its search further on. */
  #noteFirstLive({ liveAttempts, next }: StoredWorld): void {
    const first = liveAttempts[0]?.sequence ?? next.attemptSequence;
    const noted = Number(this.#guard(() => readMeta(this.#driver, this.#file, FIRST_LIVE)) ?? 0);
    if (first < noted + FIRST_LIVE_STEP) return;
    try {
      this.#transaction(() => writeMeta(this.#driver, FIRST_LIVE, String(first)));
    } catch (error) {
      if (!(error instanceof DistributoError) || error.code !== 'STORE_FULL') throw error;
    }
  }

  /** Hides the run from now on, and remembers which ids must not be given again. */
  #markRemoved(runId: number): void {
    const row = this.#driver
      .prepare(`SELECT ${readable(RUN_COLUMNS)} FROM runs WHERE id = ? AND removed = 0`)
      .get([runId]);
    if (row === undefined) throw new DistributoError('NOT_FOUND', `run ${runId} is not stored`);
    const run = this.#reader.run(row);
    const live = loadRun(this.#driver, this.#reader, this.#file, runId)?.liveAttempts.length ?? 0;
    if (!isRunEnded(run.state) || live > 0)
      throw new DistributoError(
        'STORE_CONFLICT',
        `${run.name}-${run.number} is ${run.state} and cannot be removed yet`,
        {
          hint: `cancel it first: distributo cancel ${run.name}-${run.number}`,
        },
      );
    const next = nextIds(this.#driver, this.#file);
    writeMeta(this.#driver, 'next-run', String(next.runId));
    writeMeta(this.#driver, 'next-job', String(next.jobId));
    writeMeta(this.#driver, 'next-attempt', String(next.attemptSequence));
    writeMeta(this.#driver, 'next-event', String(next.eventSequence));
    const values = runValues({ ...run, submissionKey: null }).slice(0, -2);
    values.push(1);
    values.push(sealOf(SALTS.runs, values));
    this.#driver
      .prepare(`UPDATE runs SET (${RUN_COLUMNS}) = (${values.map(() => '?').join(', ')}) WHERE id = ?`)
      .run([...values, runId]);
  }

  /** Works through steps, each in its own transaction, and lets everybody else have a turn in between. */
  #inBackground(stepsOf: () => Step[]): Promise<void> {
    const work = this.#removals.then(async () => {
      if (this.#isClosed) return;
      for (const step of this.#guard(stepsOf)) {
        while (!this.#isClosed && this.#transaction(step)) await nextTurn();
      }
    });
    this.#removals = work.catch(() => undefined);
    return work;
  }

  /** Background work that failed is done again at the next open; a broken disk shows itself in the next commit. */
  #ignoreLater(work: Promise<void>): void {
    work.catch(() => undefined);
  }

  #transaction<T>(work: () => T): T {
    return this.#guard(() => {
      try {
        this.#begin.run();
        const result = work();
        this.#commit.run();
        this.#checkpointer.afterCommit();
        return result;
      } catch (error) {
        this.#undo();
        throw error;
      }
    });
  }

  #undo(): void {
    this.#texts.forget();
    this.#totals.forget();
    try {
      this.#rollback.run();
    } catch {
      // SQLite has already rolled back by itself, as it does on a full disk.
    }
  }

  #guard<T>(work: () => T): T {
    if (this.#ended !== null) throw this.#ended;
    try {
      return work();
    } catch (error) {
      throw this.#judge(error);
    }
  }

  async #guardAsync<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ended !== null) throw this.#ended;
    try {
      return await work();
    } catch (error) {
      throw this.#judge(error);
    }
  }

  #judge(error: unknown): DistributoError {
    const translated = translateError(error, this.#file);
    if (translated.code === 'STORE_FAILED') this.#ended = translated;
    return translated;
  }
}

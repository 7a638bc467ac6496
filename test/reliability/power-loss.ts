// R10: power loss. A writer's changes to its files are recorded call by call; then the disk is built as a power loss could leave
// it at any of these moments, and opened: it must open, pass SQLite's own check, and hold every batch that was acknowledged by
// then. The controls do not believe the syncs of the log, or any: they must lose something, or the row proves nothing.

import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, promisify } from 'node:util';
import { openStore } from '../../src/adapters/sqlite/open-store.ts';
import { contentOf } from '../support/model-store.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { WorkloadHistory } from '../support/store-workload.ts';
import { memoryFolder } from './memory-folder.ts';
import { buildShim, shimEnvironment } from './power-loss/build-shim.ts';
import { Disk, FILES, type FileName, type Operation, parseLog } from './power-loss/store-log.ts';
import type { Row, RowOptions, RowReport } from './row.ts';

const WRITER = fileURLToPath(new URL('./power-loss/recorded-writer.js', import.meta.url));
const ROWS = 8;
const ROUNDS = 4;
const BATCHES_A_ROUND = 16;
const BATCHES = ROUNDS * BATCHES_A_ROUND;
const CONTROL_IMAGES = 60;

type Recording = {
  readonly folder: string;
  readonly base: ReadonlyMap<FileName, Buffer>;
  readonly operations: readonly Operation[];
  readonly history: WorkloadHistory;
};

type Tally = { images: number; losses: number; readonly problems: string[] };

export const powerLoss: Row = async (options) => {
  const shim = await buildShim();
  if (shim.unavailable !== null)
    return { trials: 0, faults: 0, violations: [], figures: {}, skipped: [shim.unavailable] };
  const folder = await memoryFolder('distributo-r10-');
  try {
    return await tryImages(await record(folder, shim.path, options.seed), options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function tryImages(recording: Recording, options: RowOptions): Promise<RowReport> {
  const untilMs = performance.now() + options.seconds * 1000;
  const controls = {
    unsyncedLog: await openImages(recording, CONTROL_IMAGES, options.seed, untilMs, ['store.db-wal']),
    unsyncedAll: await openImages(recording, CONTROL_IMAGES, options.seed, untilMs, FILES),
  };
  const real = await openImages(recording, options.trials, options.seed, untilMs, []);
  const violations = real.problems.map((problem) => `seed ${options.seed}, ${problem}`);
  for (const [name, { images, problems }] of Object.entries(controls))
    if (problems.length === 0) violations.push(`control ${name}: none of ${images} images lost anything`);
  return {
    trials: real.images,
    faults: real.losses,
    violations,
    figures: {
      recordedChanges: recording.operations.length,
      controlUnsyncedLogLost: controls.unsyncedLog.problems.length,
      controlUnsyncedAllLost: controls.unsyncedAll.problems.length,
      controlImages: controls.unsyncedLog.images + controls.unsyncedAll.images,
    },
  };
}

/** A new store is the base; all that the writer does to it is written down. */
async function record(folder: string, shim: string, seed: number): Promise<Recording> {
  const recorded = join(folder, 'recorded');
  await mkdir(recorded);
  const file = join(recorded, 'store.db');
  await (await openStore(file)).close();
  const base = new Map<FileName, Buffer>([['store.db', await readFile(file)]]);
  const log = join(folder, 'changes');
  await promisify(execFile)(process.execPath, [WRITER, file, seed, ROWS, ROUNDS, BATCHES_A_ROUND].map(String), {
    env: shimEnvironment(shim, 'recorded', log),
  });
  const operations = parseLog(await readFile(log));
  const acknowledged = operations.filter(({ kind }) => kind === 'acknowledged').length;
  if (acknowledged !== BATCHES) throw new Error(`the shim saw ${acknowledged} of ${BATCHES} batches`);
  return { folder, base, operations, history: new WorkloadHistory(seed, ROWS) };
}

/** Moments are drawn first and taken in order, so that the recording is gone through once. */
async function openImages(
  recording: Recording,
  count: number,
  seed: number,
  untilMs: number,
  unsynced: readonly FileName[],
): Promise<Tally> {
  const { operations } = recording;
  const random = seededRandom(seed);
  // A draw that is cut short by the clock has still seen the whole recording, in several passes.
  const passes = Math.ceil(count / 200);
  const tally: Tally = { images: 0, losses: 0, problems: [] };
  for (let pass = 0; pass < passes; pass += 1) {
    const disk = new Disk(recording.base, unsynced);
    const size = Math.min(200, count - pass * 200);
    const moments = Array.from({ length: size }, () => random.below(operations.length)).sort((a, b) => a - b);
    let at = 0;
    for (const moment of moments) {
      if (performance.now() > untilMs) return tally;
      for (; at <= moment; at += 1) disk.apply(operations[at] as Operation);
      await openImage(recording, disk, random, moment, tally);
    }
  }
  return tally;
}

async function openImage(
  recording: Recording,
  disk: Disk,
  random: Random,
  moment: number,
  tally: Tally,
): Promise<void> {
  const { files, hasLost } = disk.image(random);
  const folder = join(recording.folder, 'image');
  await mkdir(folder);
  for (const [file, content] of files) await writeFile(join(folder, file), content);
  tally.images += 1;
  if (hasLost) tally.losses += 1;
  const problem = await judge(join(folder, 'store.db'), disk.acknowledged, recording.history);
  if (problem !== null) tally.problems.push(`change ${moment}, ${disk.acknowledged} batches acknowledged: ${problem}`);
  await rm(folder, { recursive: true, force: true });
}

/** Opening checks every page of a store of this size. */
async function judge(file: string, acknowledged: number, history: WorkloadHistory): Promise<string | null> {
  try {
    const store = await openStore(file);
    try {
      const content = await contentOf(store);
      const batches = history.batchesAt(content.world.next.eventSequence, BATCHES);
      if (batches === undefined) return 'it holds a part of a batch';
      if (batches < acknowledged) return `it holds ${batches} batches`;
      if (batches > acknowledged + 1) return `it holds ${batches} batches, which were not written yet`;
      return isDeepStrictEqual(content, history.contentAfter(batches)) ? null : 'it holds what was never written';
    } finally {
      await store.close();
    }
  } catch (error) {
    return `it does not open: ${String(error)}`;
  }
}

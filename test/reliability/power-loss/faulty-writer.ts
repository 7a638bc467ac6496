// Tries a store on a disk whose n-th write or sync fails, for many n; runs under the shim and prints a report as JSON.
//   faulty-writer FOLDER TRIALS SEED SECONDS
// Full disk: the commit (or the opening) is refused with STORE_FULL, holds nothing new, and the same batch goes through once
// there is room. Failed write or sync: STORE_FAILED, and every later call too. Either way the next process finds every batch
// that was acknowledged, and no half of one.

import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openStore } from '../../../src/adapters/sqlite/open-store.ts';
import { DistributoError } from '../../../src/domain/errors.ts';
import type { Batch, History, Store } from '../../../src/ports/store.ts';
import { contentOf } from '../../support/model-store.ts';
import { StoreWorkload, WorkloadHistory } from '../../support/store-workload.ts';
import { tellShim } from './tell-shim.ts';

const ROWS = 8;
const KINDS = ['enospc', 'eio-write', 'eio-sync'] as const;
type Kind = (typeof KINDS)[number];
/** Refusals before there is room again. */
const REFUSALS = 3;
/** After the fault, so that it shows whether the store goes on. */
const BATCHES_AFTER = 3;

type Opened = Store & History;
type Tally = Record<Kind, number> & {
  trials: number;
  refusedFull: number;
  refusedFailed: number;
  violations: string[];
};

class Violation extends Error {}

const [root = '', ...numbers] = process.argv.slice(2);
const [trials = 1, seed = 1, seconds = 10] = numbers.map(Number);
const history = new WorkloadHistory(seed, ROWS);
const tally: Tally = {
  trials: 0,
  enospc: 0,
  'eio-write': 0,
  'eio-sync': 0,
  refusedFull: 0,
  refusedFailed: 0,
  violations: [],
};

/** n = 1, 2, 3… for each kind in turn. */
async function tryAll(): Promise<void> {
  const untilMs = performance.now() + seconds * 1000;
  const base = join(root, 'base');
  await mkdir(base);
  await (await openStore(join(base, 'store.db'))).close();
  for (let trial = 0; trial < trials && performance.now() < untilMs; trial += 1) {
    const kind = KINDS[trial % KINDS.length] as Kind;
    const n = 1 + Math.floor(trial / KINDS.length);
    await tryOne(base, kind, n).catch((error: unknown) => {
      const words = error instanceof Violation ? error.message : `not foreseen: ${String(error)}`;
      tally.violations.push(`seed ${seed}, ${kind} ${n}: ${words}`);
    });
    tally.trials += 1;
  }
}

async function tryOne(base: string, kind: Kind, n: number): Promise<void> {
  const faulty = join(root, 'faulty');
  const restarted = join(root, 'restarted');
  for (const folder of [faulty, restarted]) await rm(folder, { recursive: true, force: true });
  await cp(base, faulty, { recursive: true });
  if (!tellShim(`${kind}/${n}`)) throw new Error('the shim is not there');
  let acknowledged = 0;
  try {
    acknowledged = await (kind === 'enospc' ? writeOnFullDisk(faulty) : writeOnBrokenDisk(faulty, n));
  } finally {
    tellShim('calm');
    if (tellShim('fired')) tally[kind] += 1;
  }
  // As after a kill: the files as they lie, in another place.
  await cp(faulty, restarted, { recursive: true });
  await judgeRestart(join(restarted, 'store.db'), acknowledged);
}

async function writeOnFullDisk(folder: string): Promise<number> {
  let refusals = 0;
  const withRoom = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        expectCode(error, 'STORE_FULL', folder);
        tally.refusedFull += 1;
        refusals += 1;
        if (refusals >= REFUSALS) tellShim('calm');
      }
    }
  };
  const store = await withRoom(() => open(folder));
  const workload = new StoreWorkload(seed, ROWS);
  let acknowledged = 0;
  for (let after = 0; after < BATCHES_AFTER; acknowledged += 1) {
    const batch = workload.next();
    await withRoom(async () => {
      try {
        await store.commit(batch);
      } catch (error) {
        await expectNothingNew(store, acknowledged);
        throw error;
      }
    });
    if (tellShim('fired')) after += 1;
    // A full disk that no commit noticed (the log was to be moved): it may stay full.
    if (after === BATCHES_AFTER) tellShim('calm');
  }
  if (!isDeepStrictEqual(await contentOf(store), history.contentAfter(acknowledged)))
    throw new Violation('after the disk had room again it holds something else than was written');
  await store.close();
  return acknowledged;
}

async function writeOnBrokenDisk(folder: string, n: number): Promise<number> {
  const workload = new StoreWorkload(seed, ROWS);
  let acknowledged = 0;
  let store: Opened | undefined;
  try {
    store = await open(folder);
    for (; acknowledged < n + BATCHES_AFTER; acknowledged += 1) await store.commit(workload.next());
  } catch (error) {
    expectCode(error, 'STORE_FAILED', folder);
    tally.refusedFailed += 1;
    if (store !== undefined) await expectEnded(store, workload.next(), folder);
    return acknowledged;
  }
  if (tellShim('fired')) throw new Violation('a failed call went unnoticed');
  await store.close();
  return acknowledged;
}

function open(folder: string): Promise<Opened> {
  return openStore(join(folder, 'store.db'), { logFramesMax: 80 });
}

async function expectNothingNew(store: Opened, acknowledged: number): Promise<void> {
  const { next } = await store.load();
  if (next.eventSequence !== history.contentAfter(acknowledged).world.next.eventSequence)
    throw new Violation('a batch that was refused for want of room is there');
}

async function expectEnded(store: Opened, batch: Batch, folder: string): Promise<void> {
  for (const work of [() => store.commit(batch), () => store.load()]) {
    const error = await work().then(
      () => null,
      (refusal: unknown) => refusal,
    );
    if (error === null) throw new Violation('it went on after a failed write');
    expectCode(error, 'STORE_FAILED', folder);
  }
}

function expectCode(error: unknown, code: string, folder: string): void {
  if (error instanceof Violation) throw error;
  if (!(error instanceof DistributoError)) throw new Violation(`not an error for people: ${String(error)}`);
  if (error.code !== code) throw new Violation(`${error.code} for ${code}: ${error.message}`);
  if (!error.message.includes(folder) || (error.hint ?? '') === '')
    throw new Violation(`it does not say where, or what to do: ${error.message}`);
}

async function judgeRestart(file: string, acknowledged: number): Promise<void> {
  const store = await openStore(file);
  try {
    const content = await contentOf(store);
    const batches = history.batchesAt(content.world.next.eventSequence, acknowledged + 1);
    if (batches === undefined || batches < acknowledged)
      throw new Violation(`${acknowledged} batches were acknowledged, ${batches ?? 'a part of one'} are there`);
    if (!isDeepStrictEqual(content, history.contentAfter(batches)))
      throw new Violation('it holds what was never written');
  } finally {
    await store.close();
  }
}

await tryAll();
process.stdout.write(JSON.stringify(tally));

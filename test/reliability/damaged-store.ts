// R12: bits flipped in the files of a store, and files cut. The store must either be refused in words that name the file and
// the next command, with every byte left as it was, or hold what was written. A log that is cut, or whose last transaction
// is hit, cannot be told from one that a power loss tore: there a store that holds all batches up to some earlier one is sound.

import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openStore } from '../../src/adapters/sqlite/open-store.ts';
import { DistributoError } from '../../src/domain/errors.ts';
import { contentOf } from '../support/model-store.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { StoreWorkload, WorkloadHistory } from '../support/store-workload.ts';
import { memoryFolder } from './memory-folder.ts';
import type { Row, RowOptions, RowReport } from './row.ts';

/** Batches in the database file, and in all; the rest is in the log. */
const IN_FILE = 40;
const IN_ALL = 52;
const ROWS = 8;
const FILES = ['store.db', 'store.db-wal'] as const;

type Damage = {
  readonly file: (typeof FILES)[number];
  readonly kind: 'flipped' | 'cut';
  /** Byte positions, or the length that is left. */
  readonly at: readonly number[];
};

type Pristine = {
  readonly folder: string;
  readonly history: WorkloadHistory;
  readonly bytes: ReadonlyMap<string, Uint8Array>;
};

type Verdict = { readonly outcome: 'refused' | 'whole' | 'earlier' } | { readonly violation: string };

export const damagedStore: Row = async (options) => {
  const folder = await memoryFolder('distributo-r12-');
  try {
    return await tryDamages(await makePristine(folder, options.seed), options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function tryDamages(pristine: Pristine, options: RowOptions): Promise<RowReport> {
  const random = seededRandom(options.seed);
  const untilMs = performance.now() + options.seconds * 1000;
  const outcomes = { refused: 0, whole: 0, earlier: 0 };
  const violations = await control(pristine);
  let trials = 0;
  for (; trials < options.trials && performance.now() < untilMs; trials += 1) {
    const damage = drawDamage(pristine, random);
    const verdict = await tryDamage(pristine, damage, options.seed);
    if ('outcome' in verdict) outcomes[verdict.outcome] += 1;
    else violations.push(`seed ${options.seed}, trial ${trials}, ${tell(damage)}: ${verdict.violation}`);
  }
  return { trials, faults: trials, violations, figures: outcomes };
}

/** A store as a kill leaves it: some batches in the file, the last ones in the log alone. */
async function makePristine(folder: string, seed: number): Promise<Pristine> {
  const made = join(folder, 'made');
  const pristine = join(folder, 'pristine');
  for (const each of [made, pristine]) await mkdir(each);
  const workload = new StoreWorkload(seed, ROWS);
  for (const batches of [IN_FILE, IN_ALL - IN_FILE]) {
    const store = await openStore(join(made, 'store.db'));
    for (let i = 0; i < batches; i += 1) await store.commit(workload.next());
    if (batches !== IN_FILE) for (const file of FILES) await copyFile(join(made, file), join(pristine, file));
    await store.close();
  }
  const bytes = new Map<string, Uint8Array>();
  for (const file of FILES) bytes.set(file, await readFile(join(pristine, file)));
  return { folder, history: new WorkloadHistory(seed, ROWS), bytes };
}

function drawDamage({ bytes }: Pristine, random: Random): Damage {
  const file = random.pick(FILES);
  const { length } = bytes.get(file) as Uint8Array;
  if (random.below(4) === 0) return { file, kind: 'cut', at: [random.below(length)] };
  return { file, kind: 'flipped', at: Array.from({ length: 1 + random.below(3) }, () => random.below(length)) };
}

async function tryDamage(pristine: Pristine, damage: Damage, seed: number): Promise<Verdict> {
  const bits = seededRandom(seed ^ (damage.at[0] ?? 0));
  const before = new Map<string, Uint8Array>(
    [...pristine.bytes].map(([file, content]) => [file, new Uint8Array(content)]),
  );
  const hit = before.get(damage.file) as Uint8Array;
  if (damage.kind === 'cut') before.set(damage.file, hit.subarray(0, damage.at[0]));
  else for (const at of damage.at) hit[at] = (hit[at] as number) ^ (1 << bits.below(8));
  const folder = join(pristine.folder, 'trial');
  await mkdir(folder, { recursive: true });
  for (const [file, content] of before) await writeFile(join(folder, file), content);
  try {
    return await judge(join(folder, 'store.db'), before, pristine.history, damage);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function judge(
  file: string,
  before: ReadonlyMap<string, Uint8Array>,
  history: WorkloadHistory,
  damage: Pick<Damage, 'file' | 'kind'>,
): Promise<Verdict> {
  const store = await openStore(file).catch((error: unknown) => error);
  if (store instanceof Error) return judgeRefusal(store, file, before);
  const opened = store as Awaited<ReturnType<typeof openStore>>;
  try {
    const content = await contentOf(opened);
    const jobs = content.runs.flatMap((run) => run.jobs);
    const counts = await opened.countTasks(jobs.map(({ id }) => id));
    if (counts.size !== jobs.length) return { violation: 'tasks of some jobs were not counted' };
    const batches = history.batchesAt(content.world.next.eventSequence, IN_ALL);
    if (batches === undefined || !isDeepStrictEqual(content, history.contentAfter(batches)))
      return { violation: 'it opened and held something that was never written' };
    if (batches === IN_ALL) return { outcome: 'whole' };
    const least = damage.kind === 'cut' ? IN_FILE : IN_ALL - 1;
    if (damage.file === 'store.db-wal' && batches >= least) return { outcome: 'earlier' };
    return { violation: `it opened as after ${batches} of ${IN_ALL} batches` };
  } catch (error) {
    return judgeRefusal(error, file, undefined);
  } finally {
    await opened.close().catch(() => undefined);
  }
}

async function judgeRefusal(
  error: unknown,
  file: string,
  before: ReadonlyMap<string, Uint8Array> | undefined,
): Promise<Verdict> {
  if (!(error instanceof DistributoError)) return { violation: `not an error for people: ${String(error)}` };
  if (error.code !== 'STORE_DAMAGED' && error.code !== 'STORE_NEWER')
    return { violation: `refused with ${error.code}: ${error.message}` };
  if (!error.message.includes(file) || (error.hint ?? '') === '')
    return { violation: `the refusal does not say which file, or what to do: ${error.message}` };
  for (const [name, content] of before ?? [])
    if (!(await readFile(join(file, '..', name))).equals(content))
      return { violation: `refused, but ${name} was changed: ${error.message}` };
  return { outcome: 'refused' };
}

/** The judge must see what it is there for: a store that lost its log, and one of another history. */
async function control({ folder, history, bytes }: Pristine): Promise<string[]> {
  const missed: string[] = [];
  const planted = { 'a lost log': history, 'another history': new WorkloadHistory(-1, ROWS) };
  for (const [name, judged] of Object.entries(planted)) {
    const at = join(folder, 'control');
    await mkdir(at);
    await writeFile(join(at, 'store.db'), bytes.get('store.db') as Uint8Array);
    const verdict = await judge(join(at, 'store.db'), new Map(), judged, { file: 'store.db', kind: 'cut' });
    if ('outcome' in verdict) missed.push(`control: ${name} was not noticed`);
    await rm(at, { recursive: true });
  }
  return missed;
}

const tell = ({ file, kind, at }: Damage): string => `${file} ${kind} at ${at.join(', ')}`;

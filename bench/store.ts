// How fast the SQLite store takes transitions (a state change and its event row), at `synchronous=FULL`, against the bare
// driver writing the same rows into the same tables with one-row statements and ready values, in interleaved rounds. And what
// a million tasks cost: items stored, a controller's start, memory.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { endMark, liveMark } from '../src/adapters/sqlite/attempt-mark.ts';
import {
  type Driver,
  type DriverName,
  defaultDriver,
  openDriver,
  type SqlValue,
} from '../src/adapters/sqlite/driver.ts';
import { migrate } from '../src/adapters/sqlite/migrate.ts';
import { openStore } from '../src/adapters/sqlite/open-store.ts';
import * as rows from '../src/adapters/sqlite/row-values.ts';
import { ITEMS_PER_CHUNK } from '../src/domain/job.ts';
import { type History, type Store, TASKS_PER_CHUNK } from '../src/ports/store.ts';
import { seededRandom } from '../test/support/random.ts';
import { aJobRecord, anAttempt, anEnd, anEvent, aRun, SOME_TIME_MS } from '../test/support/store-records.ts';
import { type Figure, figure, median } from './figure.ts';

export type StoreBenchOptions = {
  readonly rounds: number;
  /** Live attempts among which changes are scattered. */
  readonly attempts: number;
  readonly tasks: number;
  readonly driver: DriverName;
  /** For people, while it goes on. */
  readonly say: (line: string) => void;
};

export const DEFAULTS: StoreBenchOptions = {
  rounds: 5,
  attempts: 200_000,
  tasks: 1_000_000,
  driver: defaultDriver(),
  say: () => undefined,
};

const SELF = fileURLToPath(import.meta.url);
const RATIO_BAR = 0.5;
const ROWS_A_BATCH = 1000;
const SINGLES_MAX = 2000;

export async function run(options: Partial<StoreBenchOptions> = {}): Promise<readonly Figure[]> {
  const { rounds, attempts, tasks, driver, say } = { ...DEFAULTS, ...options };
  const measured = new Map<string, { ours: number[]; bare: number[]; ratios: number[] }>();
  for (let round = 1; round <= rounds; round += 1) {
    const sides = [() => measureOurs(attempts, driver), () => measureBare(attempts, driver)];
    const [first, second] = round % 2 === 1 ? sides : sides.toReversed();
    const a = await (first as Side)();
    const b = await (second as Side)();
    const [ours, bare] = round % 2 === 1 ? [a, b] : [b, a];
    for (const [name, rate] of ours) {
      const of = measured.get(name) ?? { ours: [], bare: [], ratios: [] };
      measured.set(name, of);
      of.ours.push(rate);
      of.bare.push(bare.get(name) as number);
      of.ratios.push(rate / (bare.get(name) as number));
      say(`round ${round}  ${name}: ${perSecond(rate)}, bare ${perSecond(bare.get(name) as number)}`);
    }
  }
  const figures = [...measured].map(([name, of]) => rateFigure(name, of));
  figures.push(...(await measureMany(tasks, driver)));
  for (const each of figures) say(tell(each));
  return figures;
}

type Side = () => Promise<ReadonlyMap<string, number>>;

/** The ratio is the median of the rounds' ratios, not the ratio of medians: both sides of a round saw the same machine. */
function rateFigure(
  name: string,
  { ours, bare, ratios }: { ours: number[]; bare: number[]; ratios: number[] },
): Figure {
  const parts = {
    bench: 'store',
    case: name,
    metric: 'transitions',
    value: median(ours),
    unit: '1/s',
    baseline: median(bare),
  };
  const ratio = median(ratios);
  return { ...figure(parts), ratio, bar: RATIO_BAR, ok: ratio >= RATIO_BAR };
}

const CASES = {
  ordered: '1,000 a transaction, in order',
  scattered: '1,000 a transaction, scattered',
  endsScattered: '1,000 ends a transaction, scattered',
  single: '1 a transaction',
} as const;

const singlesOf = (attempts: number): number => Math.min(SINGLES_MAX, attempts);

/** The same plan for both sides: which attempt changes when. */
function planOf(attempts: number) {
  const random = seededRandom(7);
  const scattered = Uint32Array.from({ length: attempts }, (_, i) => i + 1);
  for (let i = attempts - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    const moved = scattered[i] as number;
    scattered[i] = scattered[j] as number;
    scattered[j] = moved;
  }
  return { scattered, some: (from: number) => scattered.subarray(from, from + ROWS_A_BATCH) };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'distributo-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rateOf(transitions: number, work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return transitions / ((performance.now() - begin) / 1000);
}

const END = anEnd({ exitCode: 0 });
const RUNNING_AT_MS = SOME_TIME_MS + 1000;

async function measureOurs(attempts: number, driver: DriverName): Promise<ReadonlyMap<string, number>> {
  return inFolder(async (folder) => {
    const store = await openStore(join(folder, 'store.db'), { driver });
    const rates = new Map<string, number>();
    try {
      const { scattered, some } = planOf(attempts);
      const job = aJobRecord({ state: 'running' }, { array: { kind: 'count', count: attempts } });
      await store.commit({ newRuns: [{ run: aRun({ state: 'running' }), jobs: [job] }] });
      const writer = new OurWriter(store);
      rates.set(
        CASES.ordered,
        await rateOf(attempts * 2, async () => {
          for (let from = 1; from <= attempts; from += ROWS_A_BATCH) {
            const sequences = Uint32Array.from({ length: ROWS_A_BATCH }, (_, i) => from + i);
            await writer.start(sequences);
            await writer.change(sequences, 'running');
          }
        }),
      );
      rates.set(
        CASES.scattered,
        await rateOf(attempts, async () => {
          for (let from = 0; from < attempts; from += ROWS_A_BATCH) await writer.change(some(from), 'unreachable');
        }),
      );
      rates.set(
        CASES.single,
        await rateOf(singlesOf(attempts), async () => {
          for (let i = 0; i < singlesOf(attempts); i += 1) await writer.change(scattered.subarray(i, i + 1), 'running');
        }),
      );
      rates.set(
        CASES.endsScattered,
        await rateOf(attempts, async () => {
          for (let from = 0; from < attempts; from += ROWS_A_BATCH) await writer.end(some(from));
        }),
      );
    } finally {
      await store.close();
    }
    return rates;
  });
}

/** Writes as the engine does: a batch of records. */
class OurWriter {
  readonly #store: Store;
  readonly #chunks = new Map<number, Uint8Array>();
  #event = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  start(sequences: Uint32Array): Promise<void> {
    return this.#store.commit({
      newAttempts: Array.from(sequences, (sequence) => anAttempt({ sequence, taskIndex: sequence - 1 })),
      events: this.#events(sequences, 'reserved'),
    });
  }

  change(sequences: Uint32Array, state: 'running' | 'unreachable'): Promise<void> {
    return this.#store.commit({
      attempts: Array.from(sequences, (sequence) => ({ sequence, state, startedAtMs: RUNNING_AT_MS })),
      events: this.#events(sequences, state),
    });
  }

  end(sequences: Uint32Array): Promise<void> {
    return this.#store.commit({
      endedAttempts: Array.from(sequences, (sequence) => ({ sequence, end: END })),
      taskChunks: touchedChunks(this.#chunks, sequences),
      events: this.#events(sequences, 'succeeded'),
    });
  }

  #events(sequences: Uint32Array, state: string) {
    return Array.from(sequences, (sequence) => {
      this.#event += 1;
      return anEvent({ sequence: this.#event, taskIndex: sequence - 1, attemptSequence: sequence, state });
    });
  }
}

function touchedChunks(chunks: Map<number, Uint8Array>, sequences: Uint32Array) {
  const touched = new Set<number>();
  for (const sequence of sequences) {
    const chunk = Math.floor((sequence - 1) / TASKS_PER_CHUNK);
    const states = chunks.get(chunk) ?? new Uint8Array(TASKS_PER_CHUNK);
    chunks.set(chunk, states);
    states[(sequence - 1) % TASKS_PER_CHUNK] = 2;
    touched.add(chunk);
  }
  return [...touched].map((chunk) => ({ jobId: 1, chunk, states: chunks.get(chunk) as Uint8Array }));
}

async function measureBare(attempts: number, name: DriverName): Promise<ReadonlyMap<string, number>> {
  return inFolder(async (folder) => {
    const driver = openDriver(join(folder, 'bare.db'), name);
    driver.exec('PRAGMA locking_mode = EXCLUSIVE');
    driver.exec('PRAGMA journal_mode = WAL');
    driver.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -32000');
    migrate(driver);
    const rates = new Map<string, number>();
    try {
      const { scattered, some } = planOf(attempts);
      const writer = new BareWriter(driver);
      rates.set(
        CASES.ordered,
        await rateOf(attempts * 2, async () => {
          for (let from = 1; from <= attempts; from += ROWS_A_BATCH) {
            const sequences = Uint32Array.from({ length: ROWS_A_BATCH }, (_, i) => from + i);
            writer.start(sequences);
            writer.change(sequences, 'running');
          }
        }),
      );
      rates.set(
        CASES.scattered,
        await rateOf(attempts, async () => {
          for (let from = 0; from < attempts; from += ROWS_A_BATCH) writer.change(some(from), 'unreachable');
        }),
      );
      rates.set(
        CASES.single,
        await rateOf(singlesOf(attempts), async () => {
          for (let i = 0; i < singlesOf(attempts); i += 1) writer.change(scattered.subarray(i, i + 1), 'running');
        }),
      );
      rates.set(
        CASES.endsScattered,
        await rateOf(attempts, async () => {
          for (let from = 0; from < attempts; from += ROWS_A_BATCH) writer.end(some(from));
        }),
      );
    } finally {
      driver.close();
    }
    return rates;
  });
}

/** The same rows, with nothing between the loop and the driver: no records, no check sums, no check of what fits. */
class BareWriter {
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #statements;
  #event = 0;
  #end = 0;

  constructor(driver: Driver) {
    const insert = (table: string, columns: string) =>
      driver.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.replaceAll(/\w+/g, '?')})`);
    this.#statements = {
      begin: driver.prepare('BEGIN IMMEDIATE'),
      commit: driver.prepare('COMMIT'),
      attempt: insert('attempts', rows.ATTEMPT_START_COLUMNS),
      state: insert('attempt_states', 'sequence, mark, seen_at_ms'),
      change: driver.prepare('UPDATE attempt_states SET mark = ?, seen_at_ms = ? WHERE sequence = ?'),
      ended: driver.prepare('UPDATE attempt_states SET mark = ? WHERE sequence = ?'),
      end: insert('attempt_ends', rows.ATTEMPT_END_COLUMNS),
      chunk: driver.prepare('INSERT OR REPLACE INTO task_chunks (job_id, chunk, states, seal) VALUES (?, ?, ?, ?)'),
      event: insert('events', rows.EVENT_COLUMNS),
    };
  }

  start(sequences: Uint32Array): void {
    const { attempt, state } = this.#statements;
    this.#transaction(sequences, 6, (sequence) => {
      attempt.run([sequence, 1, 1, sequence - 1, 1, 1, 2, SOME_TIME_MS, SEAL]);
      state.run([sequence, RESERVED_MARK, SOME_TIME_MS]);
    });
  }

  change(sequences: Uint32Array, state: keyof typeof MARKS): void {
    const { change } = this.#statements;
    const { mark, code } = MARKS[state];
    this.#transaction(sequences, code, (sequence) => change.run([mark, RUNNING_AT_MS, sequence]));
  }

  end(sequences: Uint32Array): void {
    const { ended, end, chunk } = this.#statements;
    const chunks = touchedChunks(this.#chunks, sequences);
    this.#transaction(sequences, 3, (sequence) => {
      this.#end += 1;
      end.run([this.#end, sequence, 4, 0, 0, END.reason, END.startedAtMs, END.endedAtMs, END.peakMemoryMib, SEAL]);
      ended.run([endMark(this.#end), sequence]);
      const touched = chunks.pop();
      if (touched !== undefined) chunk.run([1, touched.chunk, touched.states, SEAL]);
    });
  }

  #transaction(sequences: Uint32Array, state: number, write: (sequence: number) => void): void {
    const { begin, commit, event } = this.#statements;
    begin.run();
    for (const sequence of sequences) {
      write(sequence);
      this.#event += 1;
      const values: SqlValue[] = [this.#event, SOME_TIME_MS, 3, 1, 1, sequence - 1, sequence, state, null, null, SEAL];
      event.run(values);
    }
    commit.run();
  }
}

const SEAL = 0x12345678;
const RESERVED_MARK = liveMark(1, 0, SOME_TIME_MS);
const MARKS = {
  running: { mark: liveMark(1, 2, SOME_TIME_MS), code: 1 },
  unreachable: { mark: liveMark(1, 3, SOME_TIME_MS), code: 8 },
} as const;

/** A job of a million items: stored, then half done, then read by the next controller. */
async function measureMany(tasks: number, driver: DriverName): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const file = join(folder, 'store.db');
    const name = `${tasks.toLocaleString('en-US')} tasks`;
    const seconds = (metric: string, value: number, bar: number): Figure =>
      figure({ bench: 'store', case: name, metric, value, unit: 's', bar, bound: 'value at most' });
    const store = await openStore(file, { driver });
    const chunks = itemChunks(tasks);
    const submitBegin = performance.now();
    for (const [chunk, items] of chunks.entries()) await store.putItems('items', chunk, items);
    const array = { kind: 'items', itemSetId: 'items', count: tasks, fields: ['a', 'b', 'c'] } as const;
    const job = aJobRecord({ state: 'running' }, { array, taskCount: tasks });
    await store.commit({ newRuns: [{ run: aRun({ state: 'running' }), jobs: [job] }] });
    const submitSeconds = (performance.now() - submitBegin) / 1000;
    await endTasks(store, Math.floor(tasks / 2));
    await store.close();
    const { stdout } = await promisify(execFile)(process.execPath, [SELF, '--measure-load', file, '--driver', driver]);
    const load = JSON.parse(stdout) as LoadMeasure;
    if (load.liveAttempts === 0) throw new Error('the measured store has no live attempt');
    return [
      seconds('items and run durable', submitSeconds, 2),
      seconds('opened and loaded', load.loadSeconds, 5),
      seconds('counted, and a page of failed tasks', load.pageSeconds, 1),
      figure({
        bench: 'store',
        case: name,
        metric: 'memory a task after loading',
        value: load.bytes / tasks,
        unit: 'B',
        bar: 100,
        bound: 'value at most',
      }),
    ];
  });
}

type LoadMeasure = {
  readonly loadSeconds: number;
  readonly pageSeconds: number;
  readonly bytes: number;
  readonly liveAttempts: number;
};

/** In a process of its own, as a controller starts. */
async function measureLoad(file: string, driver: DriverName): Promise<LoadMeasure> {
  const restBytes = process.memoryUsage().rss;
  const loadBegin = performance.now();
  const store = await openStore(file, { driver });
  const world = await store.load();
  const loadSeconds = (performance.now() - loadBegin) / 1000;
  const bytes = Math.max(0, process.memoryUsage().rss - restBytes);
  const pageBegin = performance.now();
  await store.countTasks([1]);
  await store.listTasks({ jobId: 1, states: ['failed'], limit: 100 });
  const pageSeconds = (performance.now() - pageBegin) / 1000;
  await store.close();
  return { loadSeconds, pageSeconds, bytes, liveAttempts: world.liveAttempts.length };
}

function itemChunks(tasks: number): string[] {
  return Array.from({ length: Math.ceil(tasks / ITEMS_PER_CHUNK) }, (_, chunk) =>
    JSON.stringify(
      Array.from({ length: ITEMS_PER_CHUNK }, (_, i) => {
        const index = chunk * ITEMS_PER_CHUNK + i;
        return [`sample-${index}`, `s3://bucket/input/${index}.png`, String(index % 97)];
      }),
    ),
  );
}

/** All but the last thousand of them end. */
async function endTasks(store: Store & History, count: number): Promise<void> {
  const writer = new OurWriter(store);
  for (let from = 1; from <= count; from += ROWS_A_BATCH) {
    const sequences = Uint32Array.from({ length: ROWS_A_BATCH }, (_, i) => from + i);
    await writer.start(sequences);
    if (from + ROWS_A_BATCH <= count) await writer.end(sequences);
  }
}

const perSecond = (rate: number): string => `${Math.round(rate).toLocaleString('en-US')}/s`;

function tell({ case: name, metric, value, unit, ratio, bar, ok }: Figure): string {
  const number = unit === '1/s' ? perSecond(value) : `${value.toFixed(2)} ${unit}`;
  const compared = ratio === null ? '' : `, ${ratio.toFixed(2)} × the bare driver`;
  return `${name}: ${metric} ${number}${compared} (bar ${bar}: ${ok ? 'ok' : 'MISSED'})`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: String(DEFAULTS.rounds) },
      attempts: { type: 'string', default: String(DEFAULTS.attempts) },
      tasks: { type: 'string', default: String(DEFAULTS.tasks) },
      driver: { type: 'string', default: DEFAULTS.driver },
      'measure-load': { type: 'string' },
    },
  });
  const driver = values.driver === 'libsql' ? 'libsql' : 'node:sqlite';
  if (values['measure-load'] !== undefined) {
    console.log(JSON.stringify(await measureLoad(values['measure-load'], driver)));
    return;
  }
  const figures = await run({
    driver,
    rounds: Number(values.rounds),
    attempts: Number(values.attempts),
    tasks: Number(values.tasks),
    say: values.json ? () => undefined : (line) => console.log(line),
  });
  if (values.json) for (const each of figures) console.log(JSON.stringify(each));
}

if (process.argv[1] === SELF) await main();

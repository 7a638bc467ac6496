// A million tasks through the real controller: submitted and durable, memory a task, killed and acting again. And how fast
// it goes through no-op tasks on the process runtime, against bare spawns of the same command at the same concurrency.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RunSpec } from '../src/domain/job.ts';
import type { ApiClient } from '../src/shells/api/client.ts';
import { startController } from '../src/shells/controller/start-controller.ts';
import { readItemFields, readItems } from '../src/shells/job-file/read-items.ts';
import { aRunSpec } from '../test/support/run-spec.ts';
import { type Figure, figure } from './figure.ts';

export type EngineBenchOptions = {
  readonly tasks: number;
  readonly noops: number;
  readonly say: (line: string) => void;
};

export const DEFAULTS: EngineBenchOptions = { tasks: 1_000_000, noops: 2000, say: () => undefined };

const SECONDS_BAR = 5;
const BYTES_A_TASK_BAR = 100;
const SETTLE_MS = 20_000;

export async function run(options: Partial<EngineBenchOptions> = {}): Promise<readonly Figure[]> {
  const { tasks, noops, say } = { ...DEFAULTS, ...options };
  const figures: Figure[] = [];
  const add = (one: Figure): void => {
    figures.push(one);
    say(
      `${one.case}: ${one.metric} ${one.value.toFixed(2)} ${one.unit}${one.ok === null ? '' : one.ok ? ' ok' : ' above the bar'}`,
    );
  };
  for (const form of ['count', 'csv'] as const) for (const one of await measureMany(form, tasks)) add(one);
  for (const one of await measureNoops(noops)) add(one);
  return figures;
}

/** A task that takes long enough that none of the first ones ends while we measure. */
const slowRun = (array: RunSpec['jobs'][number]['array'], taskCount: number): RunSpec =>
  aRunSpec({
    name: 'many',
    command: ['sleep', '1000'],
    array,
    taskCount,
    job: { resources: { cpuUnits: 1024, memoryMib: 16, diskMib: 0, gpus: 0 } },
  });

async function measureMany(form: 'count' | 'csv', tasks: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'distributo-bench-'));
  const stateDirectory = join(folder, 'state');
  const name = `${tasks.toLocaleString('en-US')} tasks as ${form}`;
  const seconds = (metric: string, value: number): Figure =>
    figure({ bench: 'engine', case: name, metric, value, unit: 's', bar: SECONDS_BAR, bound: 'value at most' });
  try {
    const file = join(folder, 'items.csv');
    if (form === 'csv') await writeFile(file, csvOf(tasks));
    const first = await startController({ stateDirectory });
    const restBytes = residentBytes(first.controller.pid);
    const submitBegin = performance.now();
    await submitMany(first.client, form, tasks, file);
    const submitSeconds = (performance.now() - submitBegin) / 1000;
    await untilActing(first.client, 1);
    const rightAfter = (residentBytes(first.controller.pid) - restBytes) / tasks;
    // What was read in and thrown away goes back to the system when the process has had nothing to do for a while.
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const bytesATask = (residentBytes(first.controller.pid) - restBytes) / tasks;
    process.kill(first.controller.pid, 'SIGKILL');
    first.client.close();

    const restartBegin = performance.now();
    const second = await startController({ stateDirectory });
    await untilActing(second.client, 1);
    const restartSeconds = (performance.now() - restartBegin) / 1000;
    await second.client.cancel('many-1');
    await untilEnded(second.client, 'many-1');
    await second.client.stopController();
    second.client.close();
    return [
      seconds('submitted and durable', submitSeconds),
      figure({ bench: 'engine', case: name, metric: 'memory a task, right after', value: rightAfter, unit: 'B' }),
      figure({
        bench: 'engine',
        case: name,
        metric: 'resident memory a task',
        value: bytesATask,
        unit: 'B',
        bar: BYTES_A_TASK_BAR,
        bound: 'value at most',
      }),
      seconds('killed, started again and acting', restartSeconds),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function csvOf(lines: number): string {
  const parts = ['id,url,label\n'];
  for (let line = 0; line < lines; line += 1)
    parts.push(`${line},s3://bucket/pictures/${line}.jpg,class-${line % 1000}\n`);
  return parts.join('');
}

async function submitMany(client: ApiClient, form: 'count' | 'csv', tasks: number, file: string): Promise<void> {
  if (form === 'count') {
    await client.submitRun({ spec: slowRun({ kind: 'count', count: tasks }, tasks) });
    return;
  }
  const fields = await readItemFields(createReadStream(file), 'csv', file);
  const itemSetId = 'bench';
  const chunks = jsonOf(readItems(createReadStream(file), 'csv', file));
  const { items } = await client.putItems(itemSetId, chunks);
  await client.submitRun({ spec: slowRun({ kind: 'items', itemSetId, count: items, fields }, items) });
}

async function* jsonOf(chunks: AsyncIterable<{ readonly json: string }>): AsyncIterable<string> {
  for await (const { json } of chunks) yield json;
}

/** Acting: an attempt of the run is seen running by this controller. */
async function untilActing(client: ApiClient, atLeast: number): Promise<void> {
  for await (const run of client.watchRun('many-1')) {
    if (run.active.filter((one) => one.activity === 'running').length >= atLeast) return;
  }
}

async function untilEnded(client: ApiClient, run: string): Promise<void> {
  for await (const _frame of client.watchRun(run));
}

const residentBytes = (pid: number): number => {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? Number.NaN) * 1024;
};

async function measureNoops(tasks: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'distributo-bench-'));
  const atOnce = Math.max(availableParallelism() * 8, 8);
  try {
    const bare = await ratePerSecond(tasks, () => spawnMany(tasks, atOnce));
    const { client, controller } = await startController({ stateDirectory: join(folder, 'state') });
    const cpuUnits = Math.max(Math.floor((availableParallelism() * 1024) / atOnce / 2), 1);
    const spec = aRunSpec({
      name: 'noop',
      command: ['true'],
      array: { kind: 'count', count: tasks },
      taskCount: tasks,
      job: { resources: { cpuUnits, memoryMib: 1, diskMib: 0, gpus: 0 } },
    });
    const ours = await ratePerSecond(tasks, async () => {
      await client.submitRun({ spec });
      await untilEnded(client, 'noop-1');
    });
    await client.stopController();
    client.close();
    void controller;
    return [
      figure({
        bench: 'engine',
        case: `${tasks.toLocaleString('en-US')} no-op processes`,
        metric: 'tasks ended',
        value: ours,
        unit: '1/s',
        baseline: bare,
      }),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ratePerSecond(count: number, work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return count / ((performance.now() - begin) / 1000);
}

/** The floor: the same number of shells, spawned and reaped. */
async function spawnMany(count: number, atOnce: number): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await once(spawn('/bin/sh', ['-c', 'true'], { stdio: 'ignore' }), 'exit');
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, tasks: { type: 'string' }, noops: { type: 'string' } },
  });
  const figures = await run({
    ...(values.tasks === undefined ? {} : { tasks: Number(values.tasks) }),
    ...(values.noops === undefined ? {} : { noops: Number(values.noops) }),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  if (values.json) for (const one of figures) process.stdout.write(`${JSON.stringify(one)}\n`);
}

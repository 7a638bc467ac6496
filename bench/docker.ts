// What running a container through us costs over a bare client that makes the same calls (create, start, wait, inspect, logs,
// remove) of the same containers: no-op busybox containers, first through the adapter alone, then through a whole controller.
// The contenders take turns by slices of a round, so that other load on the machine meets all of them. The bar is the median
// of the rounds' ratios.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { containerSpec } from '../src/adapters/docker/container-spec.ts';
import { type DockerClient, refusedWith } from '../src/adapters/docker/docker-client.ts';
import { createDockerRuntime } from '../src/adapters/docker/docker-runtime.ts';
import { LABEL, labelFilter } from '../src/adapters/docker/labels.ts';
import { createNodeClock } from '../src/adapters/node-clock/node-clock.ts';
import { createFileObjects } from '../src/adapters/objects/file.ts';
import { attemptId } from '../src/domain/ids.ts';
import type { Target } from '../src/domain/job.ts';
import type { AttemptRuntime, RuntimeObservation } from '../src/ports/attempt-runtime.ts';
import type { ApiClient } from '../src/shells/api/client.ts';
import { startController } from '../src/shells/controller/start-controller.ts';
import { anExecutor, anOrder } from '../test/support/an-order.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../test/support/docker-image.ts';
import { aRunSpec } from '../test/support/run-spec.ts';
import { type Figure, median } from './figure.ts';

export type DockerBenchOptions = {
  readonly containers: number;
  readonly rounds: number;
  readonly concurrencies: readonly number[];
  /** For people, while it goes on. */
  readonly say: (line: string) => void;
};

export const DEFAULTS: DockerBenchOptions = { containers: 200, rounds: 5, concurrencies: [2, 8], say: () => undefined };

const RATIO_BAR = 1.05;
/** A contender's turn: long enough that its beginning and end count little. */
const SLICE = 25;
const CONTENDERS = ['bare', 'adapter', 'controller'] as const;
type Contender = (typeof CONTENDERS)[number];
type Sums = Record<Contender, number>;

export async function run(options: Partial<DockerBenchOptions> = {}): Promise<readonly Figure[]> {
  const { containers, rounds, concurrencies, say } = { ...DEFAULTS, ...options };
  const engine = await findTestEngine();
  if (engine.unavailable !== null) throw new Error(`bench docker needs an engine: ${engine.unavailable}`);
  const house = await House.build(engine.target, engine.client);
  const figures: Figure[] = [];
  try {
    for (const contender of CONTENDERS) await house.run(contender, 8, 8);
    for (const concurrency of concurrencies) {
      const measured: Sums[] = [];
      const cpuMs: Sums = { bare: 0, adapter: 0, controller: 0 };
      for (let round = 1; round <= rounds; round += 1) {
        const sums = await measureRound(house, containers, concurrency, round, cpuMs);
        measured.push(sums);
        const part = (contender: Contender) =>
          `${contender} ${sums[contender].toFixed(0)} ms (${(sums[contender] / sums.bare).toFixed(3)})`;
        say(`docker, ${concurrency} at a time, round ${round}: ${CONTENDERS.map(part).join(', ')}`);
      }
      const name = `${containers} no-op containers, ${concurrency} at a time`;
      for (const contender of ['adapter', 'controller'] as const) {
        const ratio = median(measured.map((sums) => sums[contender] / sums.bare));
        figures.push({
          bench: 'docker',
          case: `${name}, ${contender === 'adapter' ? 'adapter alone' : 'whole controller'}`,
          metric: 'time of a round',
          value: Math.round(median(measured.map((sums) => sums[contender]))),
          unit: 'ms',
          baseline: Math.round(median(measured.map((sums) => sums.bare))),
          ratio,
          bar: RATIO_BAR,
          ok: ratio <= RATIO_BAR,
        });
      }
      const perContainer = (contender: Contender) => cpuMs[contender] / (containers * rounds);
      figures.push({
        bench: 'docker',
        case: `${name}, adapter alone`,
        metric: 'processor time of our process a container',
        value: perContainer('adapter'),
        unit: 'ms',
        baseline: perContainer('bare'),
        ratio: perContainer('adapter') / perContainer('bare'),
        bar: null,
        ok: null,
      });
    }
  } finally {
    await house.clear();
  }
  return figures;
}

async function measureRound(
  house: House,
  containers: number,
  concurrency: number,
  round: number,
  cpuMs: Sums,
): Promise<Sums> {
  const sums: Sums = { bare: 0, adapter: 0, controller: 0 };
  let turn = round;
  for (let done = 0; done < containers; done += SLICE, turn += 1) {
    for (let at = 0; at < CONTENDERS.length; at += 1) {
      const contender = CONTENDERS[(at + turn) % CONTENDERS.length] as Contender;
      const before = process.cpuUsage();
      sums[contender] += await house.run(contender, Math.min(SLICE, containers - done), concurrency);
      const { user, system } = process.cpuUsage(before);
      cpuMs[contender] += (user + system) / 1000;
    }
  }
  return sums;
}

type HouseParts = {
  readonly client: DockerClient;
  readonly api: ApiClient;
  readonly target: Target;
  readonly directory: string;
  readonly runtime: AttemptRuntime;
  readonly ownerId: string;
  readonly cpus: number;
};

class House {
  readonly #parts: HouseParts;
  readonly #waiting = new Map<string, () => void>();
  #sequence = 0;
  #runs = 0;

  static async build(target: Target, client: DockerClient): Promise<House> {
    const directory = await mkdtemp(join(tmpdir(), 'distributo-bench-'));
    const ownerId = randomUUID();
    const runtime = await createDockerRuntime({
      target,
      stateDirectory: join(directory, 'adapter'),
      ownerId,
      clusterName: 'bench',
      objectsOf: () => createFileObjects(),
      clock: createNodeClock(),
    });
    const { client: api } = await startController({ stateDirectory: join(directory, 'controller') });
    const { NCPU } = await client.json<{ NCPU: number }>('GET', '/info');
    const house = new House({ client, api, target, directory, runtime, ownerId, cpus: NCPU });
    await new Promise<void>((resolve) => runtime.open((seen) => house.#observe(seen, resolve)));
    return house;
  }

  private constructor(parts: HouseParts) {
    this.#parts = parts;
  }

  run(contender: Contender, count: number, concurrency: number): Promise<number> {
    if (contender === 'bare') return this.#bare(count, concurrency);
    return contender === 'adapter'
      ? this.#throughAdapter(count, concurrency)
      : this.#throughController(count, concurrency);
  }

  /** So much that `concurrency` of them fill the machine: the controller then runs as many at once as the others. */
  #resources(concurrency: number) {
    const cpuUnits = Math.floor((this.#parts.cpus * 1024) / concurrency);
    return { cpuUnits, memoryMib: 64, diskMib: 0, gpus: 0 };
  }

  async #throughController(count: number, concurrency: number): Promise<number> {
    const { api, target } = this.#parts;
    this.#runs += 1;
    const spec = aRunSpec({
      name: 'bench',
      target,
      image: BUSYBOX_IMAGE,
      command: ['/bin/true'],
      array: { kind: 'count', count },
      taskCount: count,
      job: { resources: this.#resources(concurrency) },
    });
    const beginMs = performance.now();
    await api.submitRun({ spec });
    let last: { readonly state: string } | undefined;
    for await (const frame of api.watchRun(`bench-${this.#runs}`)) last = frame;
    if (last?.state !== 'succeeded') throw new Error(`a run of no-op containers ended as ${last?.state}`);
    return performance.now() - beginMs;
  }

  #observe(seen: RuntimeObservation, ready: () => void): void {
    if (seen.kind === 'ready') ready();
    if (seen.kind !== 'ended') return;
    if (seen.end.state !== 'succeeded') throw new Error(`a no-op container ended otherwise: ${seen.end.reason}`);
    this.#waiting.get(seen.attemptId)?.();
    this.#waiting.delete(seen.attemptId);
  }

  #order(concurrency: number) {
    const { ownerId, target } = this.#parts;
    this.#sequence += 1;
    const executors = [anExecutor(BUSYBOX_IMAGE, ['/bin/true'])];
    const resources = this.#resources(concurrency);
    return anOrder({ attemptId: attemptId(ownerId, this.#sequence), target, executors, resources });
  }

  #throughAdapter(count: number, concurrency: number): Promise<number> {
    const { runtime } = this.#parts;
    return timed(count, concurrency, async () => {
      const order = this.#order(concurrency);
      await new Promise<void>((resolve) => {
        this.#waiting.set(order.attemptId, resolve);
        runtime.start(order);
      });
      await runtime.forget(order.attemptId, false);
    });
  }

  #bare(count: number, concurrency: number): Promise<number> {
    const { client, ownerId } = this.#parts;
    return timed(count, concurrency, async () => {
      const order = this.#order(concurrency);
      const spec = containerSpec(order, 0, {
        ownership: { ownerId, clusterName: 'bench' },
        engine: { keeps: { cpu: true, memory: true, pids: true }, isRootless: false, logDriver: 'local' },
        image: { Id: '' },
        gpuIds: [],
        hasInit: true,
      });
      const query = { name: order.attemptId };
      const { Id } = await client.json<{ Id: string }>('POST', '/containers/create', { query, json: spec });
      await client.plain('POST', `/containers/${Id}/start`);
      await client.json('POST', `/containers/${Id}/wait`, { query: { condition: 'not-running' }, timeoutMs: 0 });
      const { State } = await client.json<{ State: { ExitCode: number } }>('GET', `/containers/${Id}/json`);
      if (State.ExitCode !== 0) throw new Error(`a no-op container ended with ${State.ExitCode}`);
      await client.plain('GET', `/containers/${Id}/logs`, { query: { stdout: 1, stderr: 1, timestamps: 1 } });
      await client.plain('DELETE', `/containers/${Id}`, { query: { v: true, force: true } });
    });
  }

  /** Also what a failure has left. */
  async clear(): Promise<void> {
    const { client, api, runtime, ownerId, directory } = this.#parts;
    await runtime.close();
    await api.stopController();
    api.close();
    const query = { all: true, filters: labelFilter({ [LABEL.owner]: ownerId }) };
    for (const { Id } of await client.json<{ Id: string }[]>('GET', '/containers/json', { query })) {
      await client.plain('DELETE', `/containers/${Id}`, { query: { v: true, force: true } }).catch((error: unknown) => {
        if (refusedWith(error) === undefined) throw error;
      });
    }
    await client.close();
    // A controller that was told to stop may still write its last words.
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** Milliseconds for `count` pieces of work, `concurrency` at a time. */
async function timed(count: number, concurrency: number, work: () => Promise<void>): Promise<number> {
  let left = count;
  const startedMs = performance.now();
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return performance.now() - startedMs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      containers: { type: 'string' },
      rounds: { type: 'string' },
      concurrency: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const figures = await run({
    ...(values.containers === undefined ? {} : { containers: Number(values.containers) }),
    ...(values.concurrency === undefined ? {} : { concurrencies: values.concurrency.split(',').map(Number) }),
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  for (const figure of figures) process.stdout.write(`${JSON.stringify(figure)}\n`);
}

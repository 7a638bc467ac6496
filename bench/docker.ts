// What running a container through us costs over a bare client that makes the same calls (create, start, wait, inspect, logs,
// remove) of the same containers: no-op busybox containers, in interleaved rounds on one engine. The bar is the median ratio.

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
import { anExecutor, anOrder } from '../test/support/an-order.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../test/support/docker-image.ts';
import type { Figure } from './figure.ts';

export type DockerBenchOptions = {
  readonly containers: number;
  readonly rounds: number;
  readonly concurrencies: readonly number[];
  /** For people, while it goes on. */
  readonly say: (line: string) => void;
};

export const DEFAULTS: DockerBenchOptions = { containers: 200, rounds: 5, concurrencies: [2, 8], say: () => undefined };

const RATIO_BAR = 1.05;

export async function run(options: Partial<DockerBenchOptions> = {}): Promise<readonly Figure[]> {
  const { containers, rounds, concurrencies, say } = { ...DEFAULTS, ...options };
  const engine = await findTestEngine();
  if (engine.unavailable !== null) throw new Error(`bench docker needs an engine: ${engine.unavailable}`);
  const house = await House.build(engine.target, engine.client);
  const figures: Figure[] = [];
  try {
    await house.bare(8, 8);
    await house.throughAdapter(8, 8);
    for (const concurrency of concurrencies) {
      const ratios: number[] = [];
      const bareRates: number[] = [];
      const ourRates: number[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const bare = () => house.bare(containers, concurrency);
        const ours = () => house.throughAdapter(containers, concurrency);
        const isBareFirst = round % 2 === 1;
        const first = await (isBareFirst ? bare() : ours());
        const second = await (isBareFirst ? ours() : bare());
        const [bareMs, ourMs] = isBareFirst ? [first, second] : [second, first];
        ratios.push(ourMs / bareMs);
        bareRates.push((containers * 1000) / bareMs);
        ourRates.push((containers * 1000) / ourMs);
        say(
          `docker, ${concurrency} at a time, round ${round}: bare ${bareMs.toFixed(0)} ms, adapter ${ourMs.toFixed(0)} ms, ratio ${(ourMs / bareMs).toFixed(3)}`,
        );
      }
      const ratio = median(ratios);
      figures.push({
        bench: 'docker',
        case: `${containers} no-op containers, ${concurrency} at a time, adapter alone`,
        metric: 'containers per second',
        value: round3(median(ourRates)),
        unit: '1/s',
        baseline: round3(median(bareRates)),
        ratio: round3(ratio),
        bar: RATIO_BAR,
        ok: ratio <= RATIO_BAR,
      });
    }
  } finally {
    await house.clear();
  }
  return figures;
}

class House {
  readonly #client: DockerClient;
  readonly #target: Target;
  readonly #directory: string;
  readonly #runtime: AttemptRuntime;
  readonly #ownerId: string;
  readonly #waiting = new Map<string, () => void>();
  #sequence = 0;

  static async build(target: Target, client: DockerClient): Promise<House> {
    const directory = await mkdtemp(join(tmpdir(), 'distributo-bench-'));
    const ownerId = randomUUID();
    const runtime = await createDockerRuntime({
      target,
      stateDirectory: directory,
      ownerId,
      clusterName: 'bench',
      objectsOf: () => createFileObjects(),
      clock: createNodeClock(),
    });
    const house = new House(client, target, directory, runtime, ownerId);
    await new Promise<void>((resolve) => runtime.open((seen) => house.#observe(seen, resolve)));
    return house;
  }

  private constructor(
    client: DockerClient,
    target: Target,
    directory: string,
    runtime: AttemptRuntime,
    ownerId: string,
  ) {
    this.#client = client;
    this.#target = target;
    this.#directory = directory;
    this.#runtime = runtime;
    this.#ownerId = ownerId;
  }

  #observe(seen: RuntimeObservation, ready: () => void): void {
    if (seen.kind === 'ready') ready();
    if (seen.kind !== 'ended') return;
    if (seen.end.state !== 'succeeded') throw new Error(`a no-op container ended otherwise: ${seen.end.reason}`);
    this.#waiting.get(seen.attemptId)?.();
    this.#waiting.delete(seen.attemptId);
  }

  #order() {
    this.#sequence += 1;
    const id = attemptId(this.#ownerId, this.#sequence);
    const executors = [anExecutor(BUSYBOX_IMAGE, ['/bin/true'])];
    return anOrder({ attemptId: id, target: this.#target, executors });
  }

  throughAdapter(count: number, concurrency: number): Promise<number> {
    return timed(count, concurrency, async () => {
      const order = this.#order();
      await new Promise<void>((resolve) => {
        this.#waiting.set(order.attemptId, resolve);
        this.#runtime.start(order);
      });
      await this.#runtime.forget(order.attemptId, false);
    });
  }

  bare(count: number, concurrency: number): Promise<number> {
    const client = this.#client;
    return timed(count, concurrency, async () => {
      const order = this.#order();
      const spec = containerSpec(order, 0, {
        ownership: { ownerId: this.#ownerId, clusterName: 'bench' },
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
    await this.#runtime.close();
    const query = { all: true, filters: labelFilter({ [LABEL.owner]: this.#ownerId }) };
    for (const { Id } of await this.#client.json<{ Id: string }[]>('GET', '/containers/json', { query })) {
      await this.#client
        .plain('DELETE', `/containers/${Id}`, { query: { v: true, force: true } })
        .catch((error: unknown) => {
          if (refusedWith(error) === undefined) throw error;
        });
    }
    await this.#client.close();
    await rm(this.#directory, { recursive: true, force: true });
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

const round3 = (value: number): number => Math.round(value * 1000) / 1000;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { containers: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'boolean' } },
  });
  const figures = await run({
    ...(values.containers === undefined ? {} : { containers: Number(values.containers) }),
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  for (const figure of figures) process.stdout.write(`${JSON.stringify(figure)}\n`);
}

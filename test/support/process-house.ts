// The process runtime on a state directory of its own, for tests of what only plain processes can do.

import { randomUUID } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createNodeClock } from '../../src/adapters/node-clock/node-clock.ts';
import { createFileObjects } from '../../src/adapters/objects/file.ts';
import { createProcessRuntime } from '../../src/adapters/process/process-runtime.ts';
import { attemptId } from '../../src/domain/ids.ts';
import type { Executor } from '../../src/domain/job.ts';
import type { AttemptOrder } from '../../src/ports/attempt-runtime.ts';
import { anExecutor, anOrder, type OrderParts } from './an-order.ts';
import { ObservedRuntime } from './observed-runtime.ts';
import { PROCESS_TARGET } from './run-spec.ts';

export const sh = (script: string, more: Partial<Executor> = {}): Executor =>
  anExecutor('', ['/bin/sh', '-c', script], more);

export async function openProcesses(
  stateDirectory: string,
  ownerId: string,
  logLimitBytes?: number,
): Promise<ObservedRuntime> {
  const clock = createNodeClock();
  const objectsOf = () => createFileObjects();
  const options = { target: PROCESS_TARGET, stateDirectory, ownerId, objectsOf, clock, logLimitBytes };
  const observed = new ObservedRuntime(await createProcessRuntime(options));
  await observed.see('ready', (seen) => seen.kind === 'ready');
  return observed;
}

export class ProcessHouse {
  readonly folder: string;
  readonly ownerId = randomUUID();
  observed!: ObservedRuntime;
  #sequence = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async build(context: TestContext, logLimitBytes?: number): Promise<ProcessHouse> {
    const house = new ProcessHouse(await mkdtemp(join(tmpdir(), 'distributo-test-')));
    house.observed = await openProcesses(house.stateDirectory, house.ownerId, logLimitBytes);
    context.after(async () => {
      for (const { attemptId: id } of await house.observed.runtime.list()) {
        await house.observed.runtime.forget(id, false).catch(() => undefined);
      }
      await house.observed.runtime.close();
      for (const pid of house.marked()) process.kill(pid, 'SIGKILL');
      await rm(house.folder, { recursive: true, force: true });
    });
    return house;
  }

  get stateDirectory(): string {
    return join(this.folder, 'state');
  }

  /** As after a restart of the controller. */
  async reopen(): Promise<ObservedRuntime> {
    await this.observed.runtime.close();
    this.observed = await openProcesses(this.stateDirectory, this.ownerId);
    return this.observed;
  }

  runDirectory(id: string): string {
    return join(this.stateDirectory, 'processes', id);
  }

  order(parts: Partial<OrderParts> & { readonly executors: readonly Executor[] }): AttemptOrder {
    this.#sequence += 1;
    return anOrder({ attemptId: attemptId(this.ownerId, this.#sequence), target: PROCESS_TARGET, ...parts });
  }

  start(script: string, parts: Partial<OrderParts> = {}): AttemptOrder {
    const order = this.order({ executors: [sh(script)], ...parts });
    this.observed.runtime.start(order);
    return order;
  }

  async run(script: string, parts: Partial<OrderParts> = {}) {
    const { attemptId: id } = this.start(script, parts);
    const end = await this.observed.ended(id);
    return { id, end, lines: (await this.observed.logs(id)).map((line) => line.text) };
  }

  /** Living processes that carry the mark of this house, found without the code under test. */
  marked(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => {
        if (!Number.isInteger(pid)) return false;
        try {
          if (/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return false;
          return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`DISTRIBUTO_OWNER=${this.ownerId}`);
        } catch {
          return false;
        }
      });
  }
}

/** Bytes on the disk, holes left out. */
export function diskBytes(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.blocks * 512;
  return readdirSync(path).reduce((sum, name) => sum + diskBytes(join(path, name)), 0);
}

// The peak memory of containers that live long enough to be looked at: the kernel's own figure where the engine is this machine,
// else a sample of the engine's statistics now and then. One round for all containers; short ones cost nothing.

import { readFile } from 'node:fs/promises';
import type { Clock } from '../../ports/clock.ts';
import type { DockerClient } from './docker-client.ts';

const FIRST_LOOK_MS = 2_000;
const LOOK_EVERY_MS = 2_000;
const REMOTE_EVERY_ROUNDS = 5;
const MIB = 1024 * 1024;

/** Where the memory of container `id` is accounted, by version and driver of the control groups. */
const currentPaths = (
  id: string,
): readonly { readonly usage: string; readonly stat: string; readonly cache: string }[] => [
  ...[`/sys/fs/cgroup/system.slice/docker-${id}.scope`, `/sys/fs/cgroup/docker/${id}`].map((folder) => ({
    usage: `${folder}/memory.current`,
    stat: `${folder}/memory.stat`,
    cache: 'inactive_file',
  })),
  ...[`/sys/fs/cgroup/memory/docker/${id}`, `/sys/fs/cgroup/memory/system.slice/docker-${id}.scope`].map((folder) => ({
    usage: `${folder}/memory.usage_in_bytes`,
    stat: `${folder}/memory.stat`,
    cache: 'total_inactive_file',
  })),
];

type Watched = { readonly sinceMs: number; peakBytes: number };

export class MemoryWatch {
  readonly #client: DockerClient;
  readonly #clock: Clock;
  readonly #watched = new Map<string, Watched>();
  #isLocal = false;
  #cancel: (() => void) | undefined;
  #round = 0;

  constructor(client: DockerClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  setLocal(isLocal: boolean): void {
    this.#isLocal = isLocal;
  }

  begin(containerId: string): void {
    this.#watched.set(containerId, { sinceMs: this.#clock.monotonicMs(), peakBytes: 0 });
    this.#cancel ??= this.#clock.wakeAfter(LOOK_EVERY_MS, () => void this.#look());
  }

  /** The highest seen, in MiB; null where nothing was seen. */
  end(containerId: string): number | null {
    const peakBytes = this.#watched.get(containerId)?.peakBytes ?? 0;
    this.#watched.delete(containerId);
    return peakBytes === 0 ? null : Math.ceil(peakBytes / MIB);
  }

  close(): void {
    this.#cancel?.();
    this.#watched.clear();
  }

  async #look(): Promise<void> {
    this.#round += 1;
    const nowMs = this.#clock.monotonicMs();
    if (this.#isLocal || this.#round % REMOTE_EVERY_ROUNDS === 1) {
      for (const [id, watched] of this.#watched) {
        if (nowMs - watched.sinceMs < FIRST_LOOK_MS) continue;
        const bytes = this.#isLocal ? await readUsage(id) : await this.#askUsage(id);
        watched.peakBytes = Math.max(watched.peakBytes, bytes ?? 0);
      }
    }
    this.#cancel = this.#watched.size === 0 ? undefined : this.#clock.wakeAfter(LOOK_EVERY_MS, () => void this.#look());
  }

  async #askUsage(id: string): Promise<number | undefined> {
    type Stats = { memory_stats?: { usage?: number; stats?: Record<string, number> } };
    try {
      const query = { stream: false, 'one-shot': true };
      const { memory_stats: memory } = await this.#client.json<Stats>('GET', `/containers/${id}/stats`, {
        query,
        timeoutMs: 10_000,
      });
      if (memory?.usage === undefined) return undefined;
      return memory.usage - (memory.stats?.inactive_file ?? memory.stats?.total_inactive_file ?? 0);
    } catch {
      // It has ended meanwhile, or the engine is away; then there is nothing to see.
      return undefined;
    }
  }
}

/** Without the file pages that the kernel may drop at any time: what the program itself holds. */
async function readUsage(id: string): Promise<number | undefined> {
  for (const { usage, stat, cache } of currentPaths(id)) {
    const [text, details] = await Promise.all([read(usage), read(stat)]);
    if (text === undefined) continue;
    const dropped = new RegExp(`^${cache} (\\d+)$`, 'm').exec(details ?? '')?.[1];
    return Number(text) - Number(dropped ?? 0);
  }
  return undefined;
}

const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

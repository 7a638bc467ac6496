// Looks at this machine for what an engine's API does not tell: its name and disk, and the ids of its NVIDIA GPUs.

import { readdir, readFile, statfs } from 'node:fs/promises';
import { cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { isThisMachine, type LocalView } from './describe-engine.ts';
import type { EngineInfo } from './engine-types.ts';

export async function seeMachine(info: EngineInfo, endpoint: string): Promise<LocalView | null> {
  const view = { hostname: hostname(), cpus: cpus().length, disk: null };
  if (!isThisMachine(info, endpoint, view)) return null;
  const disk = await freeDisk(info.DockerRootDir ?? '/var/lib/docker');
  return { ...view, disk };
}

export async function freeDisk(directory: string): Promise<{ totalBytes: number; freeBytes: number } | null> {
  try {
    const { bsize, blocks, bavail } = await statfs(directory);
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
  } catch {
    // Docker's folder may be closed to us; its disk then counts as unknown.
    return null;
  }
}

const NVIDIA_ROOT = '/proc/driver/nvidia/gpus';

/** Ids as Docker's device requests take them. Empty where the engine cannot give GPUs to a container. */
export async function findGpus(info: EngineInfo, isLocal: boolean): Promise<readonly string[]> {
  const discovered = (info.DiscoveredDevices ?? [])
    .map((device) => device.ID ?? '')
    .filter((id) => /^nvidia\.com\/gpu=(\d+|GPU-.+)$/.test(id));
  const numbered = discovered.filter((id) => /=\d+$/.test(id));
  if (discovered.length > 0) return (numbered.length > 0 ? numbered : discovered).sort();
  if (!isLocal || !('nvidia' in (info.Runtimes ?? {}))) return [];
  const folders = await readdir(NVIDIA_ROOT).catch(() => []);
  const ids = await Promise.all(folders.map((folder) => readGpuId(join(NVIDIA_ROOT, folder, 'information'))));
  return ids.filter((id) => id !== undefined).sort();
}

async function readGpuId(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return /^GPU UUID:\s*(GPU-\S+)$/m.exec(text)?.[1];
}

// What an engine's answer to /info means: how much of the machine may be given out, whether it is this very machine, and which
// limits it cannot keep. The reserve: no CPU (it is shared, not used up), a tenth of the memory but at least 256 MiB and at
// most 2 GiB, and a tenth of the free disk but at least 1 GiB.

import { createHash } from 'node:crypto';
import type { Resources } from '../../domain/resources.ts';
import type { RuntimeDescription } from '../../ports/attempt-runtime.ts';
import type { EngineInfo } from './engine-types.ts';

const MIB = 1024 * 1024;
/** Given as the disk of an engine whose disk cannot be seen from here: 1 PiB, so that nothing is refused for it. */
const UNKNOWN_DISK_MIB = 1024 * 1024 * 1024;

/** What is seen of the machine outside of the engine; null where the engine is another machine. */
export type LocalView = {
  readonly hostname: string;
  readonly cpus: number;
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number } | null;
};

export type EngineFacts = {
  readonly description: RuntimeDescription;
  readonly isLocal: boolean;
  readonly isRootless: boolean;
  readonly platform: string;
  readonly gpuIds: readonly string[];
  readonly logDriver: 'local' | 'json-file' | null;
  readonly keeps: { readonly cpu: boolean; readonly memory: boolean; readonly pids: boolean };
  readonly liveRestore: boolean;
  readonly rootDirectory: string | null;
};

export function describeEngine(
  info: EngineInfo,
  reached: { readonly endpoint: string; readonly runtimeKey: string },
  local: LocalView | null,
  gpuIds: readonly string[],
): EngineFacts {
  const isLocal = isThisMachine(info, reached.endpoint, local);
  const isRootless = (info.SecurityOptions ?? []).some((option) => option.includes('rootless'));
  const hasCgroup = info.CgroupDriver !== 'none';
  const keeps = {
    cpu: hasCgroup && info.CpuCfsQuota !== false,
    memory: hasCgroup && info.MemoryLimit !== false,
    pids: hasCgroup && info.PidsLimit !== false,
  };
  const disk = isLocal ? (local?.disk ?? null) : null;
  const total: Resources = {
    cpuUnits: info.NCPU * 1024,
    memoryMib: Math.floor(info.MemTotal / MIB),
    diskMib: disk ? Math.floor(disk.totalBytes / MIB) : UNKNOWN_DISK_MIB,
    gpus: gpuIds.length,
  };
  const logDrivers = info.Plugins?.Log ?? [];
  const platform = normalisePlatform(`${info.OSType}/${info.Architecture}`);
  return {
    description: {
      runtimeKey: reached.runtimeKey,
      instanceId: isLocal ? 'local' : remoteInstanceId(info, reached.endpoint),
      label: `Docker ${info.ServerVersion ?? 'of unknown version'}`,
      capacity: { ...total, memoryMib: lessMemory(total.memoryMib), diskMib: disk ? lessDisk(disk) : total.diskMib },
      total,
      platform,
      caveats: caveatsOf(info, { ...keeps, swap: info.SwapLimit !== false }, isRootless, disk === null),
    },
    isLocal,
    isRootless,
    platform,
    gpuIds,
    logDriver: logDrivers.includes('local') ? 'local' : logDrivers.includes('json-file') ? 'json-file' : null,
    keeps,
    liveRestore: info.LiveRestoreEnabled === true,
    rootDirectory: info.DockerRootDir ?? null,
  };
}

const lessMemory = (totalMib: number): number =>
  Math.max(totalMib - Math.min(Math.max(Math.floor(totalMib / 10), 256), 2048), Math.floor(totalMib / 2));

function lessDisk(disk: { readonly freeBytes: number }): number {
  const freeMib = Math.floor(disk.freeBytes / MIB);
  return Math.max(freeMib - Math.max(Math.floor(freeMib / 10), 1024), 0);
}

export function isThisMachine(info: EngineInfo, endpoint: string, local: LocalView | null): boolean {
  return local !== null && endpoint.startsWith('unix://') && info.Name === local.hostname && info.NCPU === local.cpus;
}

const remoteInstanceId = (info: EngineInfo, endpoint: string): string =>
  `docker-${createHash('sha256')
    .update(info.ID || endpoint)
    .digest('hex')
    .slice(0, 8)}`;

type Keeps = { readonly cpu: boolean; readonly memory: boolean; readonly pids: boolean; readonly swap: boolean };

function caveatsOf(info: EngineInfo, keeps: Keeps, isRootless: boolean, isDiskUnknown: boolean): string[] {
  const why = isRootless
    ? ' (rootless Docker without delegated cgroups)'
    : info.CgroupVersion === '1'
      ? ' (cgroup v1)'
      : '';
  const caveats: string[] = [];
  if (!keeps.cpu) caveats.push(`CPU is counted, not limited${why}`);
  if (!keeps.memory) caveats.push(`memory is counted, not limited${why}`);
  else if (!keeps.swap) caveats.push(`memory is limited, swap is not${why}`);
  if (!keeps.pids) caveats.push(`the number of processes is not limited${why}`);
  caveats.push(
    isDiskUnknown
      ? "disk is neither counted nor limited: the engine's disk cannot be seen from here"
      : 'disk is counted, not limited',
    'a secret given as a variable is shown by docker inspect to whoever may use the engine; one given as a file is not',
  );
  return caveats;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm/v7',
  armhf: 'arm/v7',
  armv6l: 'arm/v6',
  i386: '386',
  i686: '386',
};

/** `linux/x86_64` → `linux/amd64`, `linux/arm64/v8` → `linux/arm64`: as in OCI image indexes, so that equal ones are equal. */
export function normalisePlatform(platform: string): string {
  const [first = '', second, ...variant] = platform.toLowerCase().split('/');
  const [os, architecture] = second === undefined ? ['linux', first] : [first, second];
  const named = [ARCHITECTURES[architecture] ?? architecture, ...variant].join('/');
  return `${os}/${named === 'arm64/v8' ? 'arm64' : named}`;
}

// What this machine has for processes, and how much of it may be given out. The reserve is the Docker adapter's, so that the
// one machine has one size: no CPU (it is shared, not used up), a tenth of the memory but at least 256 MiB and at most 2 GiB,
// and a tenth of the free disk but at least 1 GiB.

import { readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { RuntimeDescription } from '../../ports/attempt-runtime.ts';
import { thisHost } from './find-process-refusals.ts';

const MIB = 1024 * 1024;

export async function describeMachine(runtimeKey: string, stateDirectory: string): Promise<RuntimeDescription> {
  const disk = await statfs(stateDirectory);
  const freeMib = Math.floor((disk.bsize * disk.bavail) / MIB);
  const constrainedBytes = process.constrainedMemory();
  const memoryBytes = constrainedBytes > 0 ? Math.min(totalmem(), constrainedBytes) : totalmem();
  const total = {
    cpuUnits: Math.max(Math.floor(Math.min(availableParallelism(), cpuQuota()) * 1024), 1),
    memoryMib: Math.floor(memoryBytes / MIB),
    diskMib: Math.floor((disk.bsize * disk.blocks) / MIB),
    gpus: findGpus().length,
  };
  const reserveMib = Math.min(Math.max(Math.floor(total.memoryMib / 10), 256), 2048);
  return {
    runtimeKey,
    instanceId: 'local',
    label: 'process runtime',
    capacity: {
      ...total,
      memoryMib: Math.max(total.memoryMib - reserveMib, Math.floor(total.memoryMib / 2)),
      diskMib: Math.max(freeMib - Math.max(Math.floor(freeMib / 10), 1024), 0),
    },
    total,
    platform: thisHost().platform,
    caveats: [
      'images are ignored: commands run as plain processes with the programs of this machine',
      'memory is watched about once a second, not limited: what takes more than it asked for is killed',
      'CPU and disk are counted, not limited',
      'processes see the files and the network of this machine',
      'output is taken over while a controller runs; what is printed while none does stays on disk until one is started again',
    ],
  };
}

/** CPUs that the control group allows; a quota below the number of CPUs is not in their count. */
function cpuQuota(): number {
  const v2 = readNumbers(`/sys/fs/cgroup${ownGroup()}/cpu.max`) ?? readNumbers('/sys/fs/cgroup/cpu.max');
  const quota = v2 ?? [
    readNumbers('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')?.[0] ?? -1,
    readNumbers('/sys/fs/cgroup/cpu/cpu.cfs_period_us')?.[0] ?? -1,
  ];
  const [used = -1, period = -1] = quota;
  return used > 0 && period > 0 ? used / period : Number.POSITIVE_INFINITY;
}

function ownGroup(): string {
  try {
    return /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** `max` is given as NaN, which is no quota. */
function readNumbers(path: string): number[] | undefined {
  try {
    return readFileSync(path, 'utf8').trim().split(/\s+/).map(Number);
  } catch {
    return undefined;
  }
}

/** Numbers of the NVIDIA device files, as CUDA_VISIBLE_DEVICES takes them. */
export function findGpus(devices = '/dev'): number[] {
  try {
    return readdirSync(devices)
      .filter((name) => /^nvidia\d+$/.test(name))
      .map((name) => Number(name.slice('nvidia'.length)))
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

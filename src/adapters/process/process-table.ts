// Reads the system's table of processes (/proc). A process belongs to an attempt when it is in the session of one of its
// wrappers, or carries the attempt's id in its environment: so those that made a session of their own are found too.

import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

export type ProcessEntry = {
  readonly pid: number;
  readonly group: number;
  readonly session: number;
  /** In clock ticks since the boot; with the boot id it tells a process from a later one of the same pid. */
  readonly startTicks: number;
  readonly isDead: boolean;
  readonly residentBytes: number;
};

/** Linux gives times to programs in 1/100 s on every architecture that Node runs on (USER_HZ). */
export const TICK_MS = 10;

export const OWNER_VARIABLE = 'DISTRIBUTO_OWNER';
export const ATTEMPT_VARIABLE = 'DISTRIBUTO_ATTEMPT';

const FOREIGN_KEPT_MS = 5_000;
const buffer = Buffer.allocUnsafe(128 * 1024);

/** A line of /proc/PID/stat (proc(5)). The name in it may hold spaces and brackets. */
export function parseStat(line: string, pageBytes = 4096): ProcessEntry | undefined {
  const nameEnd = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(nameEnd + 2).split(' ');
  const startTicks = Number(fields[19]);
  if (nameEnd < 0 || !Number.isInteger(pid) || !Number.isInteger(startTicks)) return undefined;
  return {
    pid,
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTicks,
    isDead: fields[0] === 'Z' || fields[0] === 'X',
    residentBytes: Number(fields[21]) * pageBytes,
  };
}

function readSmall(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

export class ProcessTable {
  readonly bootId: string;
  readonly #ownerId: string;
  readonly #pageBytes: number;
  /** Processes known not to be ours, so that a scan need not read them each time. */
  #foreign = new Set<number>();
  #foreignSinceMs = 0;

  constructor(ownerId: string) {
    this.#ownerId = ownerId;
    this.bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    this.#pageBytes = pageBytesOf(process.arch);
  }

  read(pid: number): ProcessEntry | undefined {
    const line = readSmall(`/proc/${pid}/stat`);
    return line === undefined ? undefined : parseStat(line, this.#pageBytes);
  }

  isAlive(pid: number, startTicks: number): boolean {
    const entry = this.read(pid);
    return entry !== undefined && !entry.isDead && entry.startTicks === startTicks;
  }

  /** Attempt id → its living processes. `sessions`: session id → attempt id, of wrappers known to be alive. */
  scan(sessions: ReadonlyMap<number, string>, nowMs: number): Map<string, ProcessEntry[]> {
    if (Math.abs(nowMs - this.#foreignSinceMs) > FOREIGN_KEPT_MS) {
      this.#foreign = new Set();
      this.#foreignSinceMs = nowMs;
    }
    const found = new Map<string, ProcessEntry[]>();
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || this.#foreign.has(pid)) continue;
      const entry = this.read(pid);
      if (!entry || entry.isDead) continue;
      const attemptId = sessions.get(entry.session) ?? this.#markOf(pid);
      if (attemptId === undefined) this.#foreign.add(pid);
      else found.get(attemptId)?.push(entry) ?? found.set(attemptId, [entry]);
    }
    return found;
  }

  /** Memory with shared pages divided among those who share them; undefined where the kernel does not say. */
  proportionalBytes(entries: readonly ProcessEntry[]): number | undefined {
    let sum = 0;
    for (const entry of entries) {
      const text = readSmall(`/proc/${entry.pid}/smaps_rollup`);
      const match = /^Pss:\s+(\d+) kB/m.exec(text ?? '');
      if (match) sum += Number(match[1]) * 1024;
      else if (this.isAlive(entry.pid, entry.startTicks)) return undefined;
    }
    return sum;
  }

  /** True where the signal was sent; a process of that pid that began later is left alone. */
  signal(entry: ProcessEntry, signal: NodeJS.Signals): boolean {
    if (!this.isAlive(entry.pid, entry.startTicks)) return false;
    try {
      return process.kill(entry.pid, signal);
    } catch {
      return false;
    }
  }

  #markOf(pid: number): string | undefined {
    const environment = readSmall(`/proc/${pid}/environ`);
    if (!environment?.includes(this.#ownerId)) return undefined;
    const variables = environment.split('\0');
    if (!variables.includes(`${OWNER_VARIABLE}=${this.#ownerId}`)) return undefined;
    const prefix = `${ATTEMPT_VARIABLE}=`;
    return variables.find((variable) => variable.startsWith(prefix))?.slice(prefix.length);
  }
}

/** Since the boot, suspended time included, as start times are counted. */
export const readUptimeMs = (): number => Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1000;

/** Node does not tell the page size; of the architectures it runs Linux on, these may have another than 4 KiB. */
function pageBytesOf(architecture: string): number {
  if (architecture !== 'arm64' && architecture !== 'ppc64' && architecture !== 'loong64') return 4096;
  const rollup = readSmall('/proc/self/smaps');
  const match = /^KernelPageSize:\s+(\d+) kB/m.exec(rollup ?? '');
  return match ? Number(match[1]) * 1024 : 4096;
}

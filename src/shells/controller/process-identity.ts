// Tells whether a process that was written down is still the same one: a number alone is given out again after its end or
// a reboot. Linux: boot and start tick; elsewhere what `ps` says.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Differs for every process that ever had this number; null: not running, or not to be seen. */
export function readProcessIdentity(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name may hold spaces and brackets; fields count from behind it. 1st: state, 20th: start in ticks since boot.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return null;
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
    }
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? null : started;
  } catch {
    return null; // no such process
  }
}

export const isSameProcess = (one: { readonly pid: number; readonly identity: string }): boolean =>
  readProcessIdentity(one.pid) === one.identity;

// What ended attempts leave on this machine's disk: how much it is, and what may go. An attempt's folder holds its log and,
// where its files were kept, its workspace; each has its own age. Live attempts are never touched.

import { chmod, lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskUse } from '../ports/attempt-runtime.ts';
import { attemptsRoot, keptVolumeMark, logDirectory, workspaceDirectory } from './attempt-directory.ts';

export type AttemptDiskOptions = {
  readonly stateDirectory: string;
  readonly keepWorkspacesMs: number;
  readonly keepLogsMs: number;
  readonly nowMs: () => number;
};

type IsLive = (attemptId: string) => boolean;

export interface AttemptDisk {
  measure(isLive: IsLive): Promise<readonly DiskUse[]>;
  /** Everything of one ended attempt. */
  remove(attemptId: string): Promise<void>;
  /** What is older than the settings, or with `all` whatever no live attempt needs. */
  prune(options: { readonly all: boolean; readonly isLive: IsLive }): Promise<{ readonly freedBytes: number }>;
}

export function createAttemptDisk(options: AttemptDiskOptions): AttemptDisk {
  const { stateDirectory } = options;
  const root = attemptsRoot(stateDirectory);

  /** Whether the two parts of an attempt may go now. */
  async function judge(id: string, all: boolean, isLive: IsLive): Promise<{ log: boolean; workspace: boolean }> {
    if (isLive(id)) return { log: false, workspace: false };
    if (all) return { log: true, workspace: true };
    const ageMs =
      options.nowMs() - (await lastChangeMs(join(root, id.slice(0, -2), id), logDirectory(stateDirectory, id)));
    return { log: ageMs > options.keepLogsMs, workspace: ageMs > options.keepWorkspacesMs };
  }

  return {
    async measure(isLive) {
      const logs = { what: 'logs', bytes: 0, freeable: 0 } as const;
      const sums = {
        logs: { ...logs } as Mutable<DiskUse>,
        workspaces: { ...logs, what: 'workspaces' } as Mutable<DiskUse>,
      };
      for await (const { id, path } of attemptFolders(root)) {
        const may = await judge(id, false, isLive);
        const workspace = await sizeOf(workspaceDirectory(stateDirectory, id));
        const rest = (await sizeOf(path)) - workspace;
        sums.workspaces.bytes += workspace;
        sums.logs.bytes += rest;
        if (may.workspace) sums.workspaces.freeable += workspace;
        if (may.log) sums.logs.freeable += rest;
      }
      return [sums.logs, sums.workspaces];
    },

    async remove(attemptId) {
      await rm(join(root, attemptId.slice(0, -2), attemptId), { recursive: true, force: true });
    },

    async prune({ all, isLive }) {
      let freedBytes = 0;
      for await (const { id, path } of attemptFolders(root)) {
        const may = await judge(id, all, isLive);
        if (may.log) freedBytes += await remove(path);
        else if (may.workspace) {
          freedBytes += await remove(workspaceDirectory(stateDirectory, id));
          freedBytes += await remove(keptVolumeMark(stateDirectory, id));
        }
      }
      await removeEmptyFolders(root);
      return { freedBytes };
    },
  };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

async function* attemptFolders(root: string): AsyncGenerator<{ readonly id: string; readonly path: string }> {
  for (const prefix of await namesIn(root)) {
    for (const id of await namesIn(join(root, prefix))) {
      if (id.startsWith(prefix)) yield { id, path: join(root, prefix, id) };
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return []; // nothing ran yet, or it went meanwhile
  }
}

/** The newer change of the two folders: an end writes into one of them. */
async function lastChangeMs(...folders: readonly string[]): Promise<number> {
  const times = await Promise.all(
    folders.map((folder) =>
      lstat(folder).then(
        (stat) => stat.mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}

/** Bytes on the disk, holes left out. Links are not followed. */
async function sizeOf(path: string): Promise<number> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return 0;
  let bytes = stat.blocks * 512;
  if (stat.isDirectory()) for (const name of await namesIn(path)) bytes += await sizeOf(join(path, name));
  return bytes;
}

async function remove(path: string): Promise<number> {
  const bytes = await sizeOf(path);
  if (bytes === 0) return 0;
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    // A task may have closed its own folders against writing.
    await openForRemoval(path);
    await rm(path, { recursive: true, force: true });
  }
  return bytes;
}

async function openForRemoval(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (!stat?.isDirectory()) return;
  await chmod(path, 0o700);
  for (const name of await namesIn(path)) await openForRemoval(join(path, name));
}

/** New attempts get ascending ids: only the last folder can be about to be used. */
async function removeEmptyFolders(root: string): Promise<void> {
  for (const prefix of (await namesIn(root)).slice(0, -1)) {
    await rmdir(join(root, prefix)).catch(() => undefined); // not empty
  }
}

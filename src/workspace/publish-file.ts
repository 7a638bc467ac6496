// Puts a file on this machine's disk at once or not at all: written under a temporary name beside its goal, then renamed.
// The temporary name comes from the goal's, so what a killed process left is taken over by the next try and never piles up.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chown, type FileHandle, lstat, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DistributoError } from '../domain/errors.ts';
import type { Owner } from './take-out.ts';

export type PublishOptions = {
  readonly mode: number;
  /** Given to this user where we are root. */
  readonly owner?: Owner | undefined;
  /** Survives a power loss from then on. */
  readonly isDurable: boolean;
};

export async function publishFile(
  goal: string,
  content: AsyncIterable<Uint8Array>,
  options: PublishOptions,
): Promise<void> {
  const place = await realGoal(goal);
  const temporary = temporaryName(place);
  await unlinkIfThere(temporary);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(temporary, flags, 0o600);
  let isRenamed = false;
  try {
    for await (const chunk of content) await writeAll(file, chunk);
    await file.chmod(options.mode & 0o777);
    if (options.owner !== undefined && process.getuid?.() === 0) await file.chown(options.owner.uid, options.owner.gid);
    if (options.isDurable) await file.sync();
    await checkStillOurs(file, temporary, goal);
    await rename(temporary, place);
    isRenamed = true;
    if (options.isDurable) await syncFolder(dirname(place));
  } finally {
    if (!isRenamed) await unlinkIfOurs(file, temporary);
    await file.close();
  }
}

/** Makes a folder and its parents; those that are new are given to `owner` where we are root. */
export async function makeFolder(folder: string, owner: Owner | undefined, mode = 0o755): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode });
  if (first === undefined || owner === undefined || process.getuid?.() !== 0) return;
  for (let made = folder; ; made = dirname(made)) {
    await chown(made, owner.uid, owner.gid);
    if (made === first || made === dirname(made)) return;
  }
}

export const temporaryName = (goal: string): string => {
  const hash = createHash('sha256').update(basename(goal)).digest('hex').slice(0, 20);
  return join(dirname(goal), `.distributo-${hash}.part`);
};

export const isTemporaryName = (name: string): boolean => /^\.distributo-[0-9a-f]{20}\.part$/.test(name);

/** A link to a file is followed, so that the link stays; anything but a file is not replaced: think of /dev/null. */
async function realGoal(goal: string): Promise<string> {
  const found = await lstat(goal).catch(absent);
  if (found === undefined) return goal;
  const place = found.isSymbolicLink() ? await realpath(goal) : goal;
  const there = found.isSymbolicLink() ? await stat(place) : found;
  if (there.isFile()) return place;
  const kind = there.isDirectory() ? 'a directory' : 'neither a file nor a directory';
  const code = there.isDirectory() ? 'EISDIR' : 'ENXIO';
  throw Object.assign(new Error(`${code}: ${goal} is ${kind}`), { code, syscall: 'open', path: goal });
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at, chunk.length - at)).bytesWritten;
}

/** Two writers of one goal: the later took the name over, so what lies under it is not ours to publish. */
async function checkStillOurs(file: FileHandle, temporary: string, goal: string): Promise<void> {
  if (await isOurs(file, temporary)) return;
  throw new DistributoError('OUTPUT_UNWRITABLE', `${goal} is being written by another task at the same time`, {
    hint: 'give each task its own url, for instance with its index in it',
    retryable: true,
  });
}

async function isOurs(file: FileHandle, temporary: string): Promise<boolean> {
  const [open, there] = await Promise.all([
    file.stat({ bigint: true }),
    lstat(temporary, { bigint: true }).catch(absent),
  ]);
  return there !== undefined && there.ino === open.ino && there.dev === open.dev;
}

async function unlinkIfOurs(file: FileHandle, temporary: string): Promise<void> {
  if (await isOurs(file, temporary).catch(() => false)) await unlink(temporary).catch(() => {});
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch(absent);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

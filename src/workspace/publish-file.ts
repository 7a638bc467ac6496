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

/**
 * Makes a new file in place, for folders that nobody looks into yet; false where something of that name is there already.
 * What fails half-way is removed.
 */
export async function createFile(
  goal: string,
  content: AsyncIterable<Uint8Array>,
  options: Omit<PublishOptions, 'isDurable'>,
): Promise<boolean> {
  const file = await open(goal, NEW_FILE, 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if (file === undefined) return false;
  try {
    await fill(file, content, options);
    return true;
  } catch (error) {
    await unlink(goal).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export async function publishFile(
  goal: string,
  content: AsyncIterable<Uint8Array>,
  options: PublishOptions,
): Promise<void> {
  const place = await realGoal(goal);
  const temporary = temporaryName(place);
  await unlinkIfThere(temporary);
  const file = await open(temporary, NEW_FILE, 0o600);
  let isRenamed = false;
  try {
    await fill(file, content, options);
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
  // One by one: Node's recursive mkdir says ENOENT where the system said EROFS.
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    if (code !== 'ENOENT' || folder === dirname(folder)) throw error;
    await makeFolder(dirname(folder), owner, mode);
    await mkdir(folder, { mode }).catch(alreadyMade);
  }
  if (owner !== undefined && process.getuid?.() === 0) await chown(folder, owner.uid, owner.gid);
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

async function fill(
  file: FileHandle,
  content: AsyncIterable<Uint8Array>,
  { mode, owner }: Omit<PublishOptions, 'isDurable'>,
): Promise<void> {
  for await (const chunk of content) await writeAll(file, chunk);
  if (owner !== undefined && process.getuid?.() === 0) await file.chown(owner.uid, owner.gid);
  await file.chmod(mode & 0o777);
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
  if (await isOurs(file, temporary).catch(() => false)) await unlink(temporary).catch(() => undefined);
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

function alreadyMade(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

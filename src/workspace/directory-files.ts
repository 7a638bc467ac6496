// The files of an attempt that lie in a directory of this machine. Keeps reads and writes inside it, whatever links a program
// has left there: a path is resolved by the system first and compared afterwards, never by its spelling alone.

import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DistributoError } from '../domain/errors.ts';
import { bytesOf } from './file-content.ts';
import { createFile, makeFolder, publishFile } from './publish-file.ts';
import { entryPath, joinPath, linkEscapes, notAFile, workspacePath } from './safe-path.ts';
import type { Owner } from './take-out.ts';
import type { WorkspaceEntry, WorkspaceFiles } from './workspace-files.ts';

const CHUNK_BYTES = 256 * 1024;

/** `root` must be there. What is written is given to `owner` where we are root. */
export function createDirectoryFiles(root: string, owner: Owner | null = null): WorkspaceFiles {
  const writeOwner = owner ?? undefined;
  return {
    async write(path, entries) {
      const base = insideOf(root, path);
      const realRoot = await realpath(root);
      // No program runs here while inputs come in, so a folder looked at once stays what it is.
      const looked = new Set<string>();
      for await (const entry of entries) {
        const target = join(realRoot, joinPath(base, entryPath(entry.path)));
        try {
          await writeEntry(realRoot, target, entry, writeOwner, looked);
        } catch (error) {
          throw translateWrite(error, joinPath(path, entry.path));
        }
      }
    },

    async *read(path) {
      const base = insideOf(root, path);
      const realRoot = await realpath(root);
      const shown = path === '' ? '.' : path;
      const start = await realInside(realRoot, join(realRoot, base), shown);
      if (start === undefined) return;
      const found = await stat(start);
      if (found.isDirectory()) yield* readFolder(realRoot, start, '', shown, found.mode, [start]);
      else yield* readOne(realRoot, start, '', shown);
    },
  };
}

/** Relative to the root; an absolute path is taken where it lies below the root. */
function insideOf(root: string, path: string): string {
  const clean = workspacePath(path);
  if (!clean.startsWith('/')) return clean;
  const base = workspacePath(root);
  if (clean === base) return '';
  if (clean.startsWith(`${base}/`)) return clean.slice(base.length + 1);
  throw new DistributoError('PATH_ESCAPES', `the path ${path} is absolute and outside the workspace`, {
    hint: 'the process runtime works in a directory of its own: use a relative path, or run it with Docker',
  });
}

const isInside = (root: string, path: string): boolean =>
  path === root || path.startsWith(root === '/' ? root : `${root}/`);

/** The path with all links resolved; undefined where nothing is there. */
async function realInside(root: string, path: string, shown: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    if (!isInside(root, real)) throw linkEscapes(shown, real);
    return real;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    if (code === 'ELOOP') throw linkEscapes(shown, 'itself');
    throw error;
  }
}

async function* readFolder(
  root: string,
  folder: string,
  at: string,
  shown: string,
  mode: number,
  above: readonly string[],
): AsyncGenerator<WorkspaceEntry> {
  yield { path: at, kind: 'directory', sizeBytes: 0, mode: mode & 0o777, content: bytesOf(new Uint8Array()) };
  for (const name of (await readdir(folder)).sort()) {
    const path = joinPath(at, name);
    const shownPath = joinPath(shown, name);
    const real = await realInside(root, join(folder, name), shownPath);
    if (real === undefined) {
      const target = await readlink(join(folder, name)).catch(() => undefined);
      if (target === undefined) continue; // removed since the folder was read
      throw danglingLink(shownPath, target);
    }
    const found = await stat(real);
    if (!found.isDirectory()) yield* readOne(root, real, path, shownPath);
    else if (above.includes(real)) throw loopingLink(shownPath);
    else yield* readFolder(root, real, path, shownPath, found.mode, [...above, real]);
  }
}

async function* readOne(root: string, real: string, path: string, shown: string): AsyncGenerator<WorkspaceEntry> {
  const before = await lstat(real);
  if (!before.isFile()) throw notAFile(shown, kindOf(before));
  // Without waiting for a writer, should it have become a pipe since.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw notAFile(shown, kindOf(found));
    await checkOpened(file, root, shown);
    yield { path, kind: 'file', sizeBytes: found.size, mode: found.mode & 0o777, content: contentOf(file) };
  } finally {
    await file.close();
  }
}

async function* contentOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** A folder above it may have been swapped for a link between looking and opening: Linux tells what was really opened. */
async function checkOpened(file: FileHandle, root: string, shown: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const opened = await readlink(`/proc/self/fd/${file.fd}`);
  if (!isInside(root, opened)) throw linkEscapes(shown, opened);
}

async function writeEntry(
  root: string,
  target: string,
  entry: WorkspaceEntry,
  owner: Owner | undefined,
  looked: Set<string>,
): Promise<void> {
  const folder = entry.kind === 'directory' ? target : dirname(target);
  if (!looked.has(folder)) await makeInside(root, folder, owner);
  looked.add(folder);
  if (entry.kind === 'directory') {
    await chmod(target, (entry.mode & 0o777) | 0o700);
    return;
  }
  const options = { mode: entry.mode, owner };

  if (await createFile(target, entry.content, options)) return;
  await checkNoLinkOut(root, target);
  await publishFile(target, entry.content, { ...options, isDurable: false });
}

/** Makes a folder whose nearest existing parent lies inside the root. */
async function makeInside(root: string, folder: string, owner: Owner | undefined): Promise<void> {
  let existing = folder;
  while (existing !== root && (await lstat(existing).catch(() => undefined)) === undefined)
    existing = dirname(existing);
  if ((await realInside(root, existing, existing.slice(root.length + 1))) === undefined) {
    throw danglingLink(existing.slice(root.length + 1), await readlink(existing));
  }
  await makeFolder(folder, owner);
}

async function checkNoLinkOut(root: string, target: string): Promise<void> {
  const found = await lstat(target).catch(() => undefined);
  if (found?.isSymbolicLink() !== true) return;
  const shown = target.slice(root.length + 1);
  if ((await realInside(root, target, shown)) === undefined) throw danglingLink(shown, await readlink(target));
}

function kindOf(found: Awaited<ReturnType<typeof lstat>>): string {
  if (found.isFIFO()) return 'named pipe';
  if (found.isSocket()) return 'socket';
  if (found.isBlockDevice() || found.isCharacterDevice()) return 'device';
  return found.isSymbolicLink() ? 'link' : 'thing of another kind';
}

const danglingLink = (shown: string, target: string): DistributoError =>
  new DistributoError('PATH_ESCAPES', `${shown} is a link to ${target}, where nothing is`, {
    hint: 'remove the link before the task ends, or make what it points to',
  });

const loopingLink = (shown: string): DistributoError =>
  new DistributoError('PATH_ESCAPES', `${shown} is a link to a folder that it lies in: it would never end`, {
    hint: 'remove the link before the task ends',
  });

/** The disk's own errors in our words; what the source of the content threw stays as it is. */
function translateWrite(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof DistributoError || syscall === undefined) return error;
  const why: Record<string, string> = {
    ENOSPC: 'the disk of the workspace is full',
    EDQUOT: 'the disk quota of the workspace is used up',
    EISDIR: 'a directory of that name is there',
    ENOTDIR: 'a part of its path is a file',
    EEXIST: 'a part of its path is a file',
    EACCES: 'permission denied',
    ENAMETOOLONG: 'the name is too long for this file system',
  };
  return new DistributoError(
    'INPUT_UNREADABLE',
    `could not put ${path} into the workspace: ${why[code ?? ''] ?? code}`,
    {
      hint:
        code === 'ENOSPC'
          ? 'free space in the state directory: distributo du, distributo prune'
          : 'check the paths of the inputs',
      cause: error,
    },
  );
}

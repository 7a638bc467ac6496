// Files and folders of this machine as objects: file:///absolute/path, `%` encoding as in any URL. No other host than this one.

import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readlink, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DistributoError } from '../../domain/errors.ts';
import type { ListedObject, ObjectStat, Objects } from '../../ports/objects.ts';
import { ofSize } from '../../workspace/file-content.ts';
import { isTemporaryName, makeFolder, publishFile } from '../../workspace/publish-file.ts';

const CHUNK_BYTES = 256 * 1024;

export function createFileObjects(): Objects {
  return { stat: statFile, list: listFolder, read: readFile, write: writeFile };
}

async function statFile(url: string): Promise<ObjectStat | undefined> {
  const path = pathOf(url, 'INPUT_UNREADABLE');
  try {
    const found = await stat(path, { bigint: true });
    const mode = Number(found.mode & 0o777n);
    if (found.isDirectory()) return { kind: 'directory', sizeBytes: null, sha256: null, etag: null, mode };
    if (!found.isFile()) throw unreadable(path, 'is neither a file nor a directory', 'name a regular file');
    const etag = `${found.ino}-${found.size}-${found.mtimeNs}`;
    return { kind: 'file', sizeBytes: Number(found.size), sha256: null, etag, mode };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !path.endsWith('/')) return await checkDangling(path);
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') {
      if (!path.endsWith('/')) return undefined;
      throw unreadable(path, 'is a file, not a directory', 'leave the slash at its end out');
    }
    throw translateRead(error, path);
  }
}

/** A link to nothing is told from nothing: the fix is another. */
async function checkDangling(path: string): Promise<undefined> {
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined)
    throw unreadable(path, `is a link to ${target}, where nothing is`, 'mend or remove the link');
}

async function* listFolder(url: string): AsyncGenerator<ListedObject> {
  const root = pathOf(url, 'INPUT_UNREADABLE').replace(/\/+$/, '') || '/';
  yield* listBelow(root, '', []);
}

async function* listBelow(root: string, at: string, above: readonly string[]): AsyncGenerator<ListedObject> {
  const folder = at === '' ? root : `${root}/${at}`;
  try {
    const { ino, dev } = await stat(folder, { bigint: true });
    const identity = `${dev}:${ino}`;
    if (above.includes(identity)) {
      throw unreadable(folder, 'is a link to a folder that it lies in: it would never end', 'remove the link');
    }
    // Names alone are held, of one folder at a time.
    for (const name of (await readdir(folder)).sort()) {
      if (isTemporaryName(name)) continue;
      const path = at === '' ? name : `${at}/${name}`;
      const found = await stat(`${root}/${path}`);
      if (found.isDirectory()) yield* listBelow(root, path, [...above, identity]);
      else if (found.isFile()) yield { path, sizeBytes: found.size, mode: found.mode & 0o777 };
      else throw unreadable(`${root}/${path}`, 'is neither a file nor a directory', 'move it elsewhere');
    }
  } catch (error) {
    throw translateRead(error, folder);
  }
}

async function* readFile(url: string): AsyncGenerator<Uint8Array> {
  const path = pathOf(url, 'INPUT_UNREADABLE');
  let file: FileHandle | undefined;
  try {
    // Without waiting for a writer, should it be a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (found.isDirectory()) throw unreadable(path, 'is a directory, not a file', 'name a file in it');
    if (!found.isFile()) throw unreadable(path, 'is neither a file nor a directory', 'name a regular file');
    yield* chunksOf(file);
  } catch (error) {
    throw translateRead(error, path);
  } finally {
    await file?.close();
  }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

const writeFile: Objects['write'] = async (url, content, options) => {
  const path = pathOf(url, 'OUTPUT_UNWRITABLE');
  try {
    if (path.endsWith('/')) {
      await makeFolder(path, options.owner);
      return;
    }
    await makeFolder(dirname(path), options.owner);
    const checked = ofSize(content, options.sizeBytes, 'OUTPUT_UNWRITABLE', path);
    await publishFile(path, checked, { mode: options.mode ?? 0o644, owner: options.owner, isDurable: true });
  } catch (error) {
    throw translateWrite(error, path);
  }
};

function pathOf(url: string, code: 'INPUT_UNREADABLE' | 'OUTPUT_UNWRITABLE'): string {
  try {
    const parsed = new URL(url);
    if (parsed.search !== '' || parsed.hash !== '') {
      throw new DistributoError(code, `${url}: a file URL has no ? or #`, { hint: 'write them as %3F and %23' });
    }
    return fileURLToPath(parsed);
  } catch (error) {
    if (error instanceof DistributoError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new DistributoError(code, `${url} is not a file URL of this machine: ${why}`, {
      hint: 'write file:///absolute/path',
      cause: error,
    });
  }
}

function unreadable(path: string, what: string, hint: string, cause?: unknown): DistributoError {
  return new DistributoError('INPUT_UNREADABLE', `${path} ${what}`, { hint, details: { path }, cause });
}

function translateRead(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof DistributoError || syscall === undefined) return error;
  const at = (error as NodeJS.ErrnoException).path ?? path;
  if (code === 'ENOENT') return unreadable(at, 'does not exist', 'check the spelling of its url', error);
  if (code === 'EACCES' || code === 'EPERM') {
    const who = `user ${process.getuid?.() ?? '?'}`;
    return unreadable(
      at,
      `may not be read by ${who}: permission denied`,
      `give it read permission: chmod a+r ${at}`,
      error,
    );
  }
  if (code === 'EIO')
    return unreadable(at, 'could not be read: the disk reported an error (EIO)', 'check the disk: dmesg', error);
  return unreadable(at, `could not be read: ${code}`, 'check the path', error);
}

function translateWrite(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof DistributoError || syscall === undefined) return error;
  const [what, hint] = WRITE_FAILURES[code ?? ''] ?? [`${code} (${syscall})`, 'check the path and its disk'];
  return new DistributoError('OUTPUT_UNWRITABLE', `${path} could not be written: ${what}`, {
    hint,
    details: { path },
    cause: error,
  });
}

const WRITE_FAILURES: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['no space left on that disk', 'free space there, or send the output elsewhere; then: distributo retry'],
  EDQUOT: ['the disk quota there is used up', 'free space there, or send the output elsewhere; then: distributo retry'],
  EROFS: ['that file system is read-only', 'send the output to a place that can be written'],
  EACCES: ['permission denied', 'give its directory write permission, or send the output elsewhere'],
  EPERM: ['the system does not allow it', 'give its directory write permission, or send the output elsewhere'],
  EISDIR: ['a directory of that name is there', 'choose another name, or end the url in / to write into it'],
  ENOTDIR: ['a part of its path is a file', 'choose another directory'],
  EEXIST: ['a part of its path is a file', 'choose another directory'],
  ENXIO: ['something that is neither file nor directory is there', 'choose another name'],
  ENAMETOOLONG: ['its name is too long for that file system', 'choose a shorter name'],
  EIO: ['the disk reported an error (EIO)', 'check the disk: dmesg'],
};

// The files of an attempt behind the engine's archive API: written and read as tar streams, so that a remote engine and other
// people's uids are no trouble. What is written may be read and written by whatever user the container runs as.

import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { bytesOf } from '../../workspace/file-content.ts';
import { packTar, readTar } from '../../workspace/tar-files.ts';
import type { WorkspaceEntry, WorkspaceFiles } from '../../workspace/workspace-files.ts';
import { inWorkspace, WORKSPACE } from './container-spec.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';

const ROOT_USER = { uid: 0, gid: 0 };
const OPEN_FOLDER = 0o777;

/** `containers` hold the same workspace; what is outside of it is looked for in each, in order. Writes go to the first. */
export function createContainerFiles(
  client: DockerClient,
  containers: readonly string[],
  signal: AbortSignal,
): WorkspaceFiles {
  const [first = ''] = containers;
  return {
    async write(path, entries) {
      const target = inWorkspace(path);
      // Folders that are there are the image's, and stay as they are.
      const base = isInWorkspace(target)
        ? WORKSPACE
        : await existingFolder(client, first, posix.dirname(target), signal);
      await putArchive(
        client,
        first,
        base,
        packTar('', openEntries(posix.relative(base, target), entries), ROOT_USER),
        signal,
      );
    },
    async *read(path) {
      const target = inWorkspace(path);
      if (isInWorkspace(target)) {
        yield* readTar(openArchive(client, first, signal), WORKSPACE, target);
        return;
      }
      for (const container of containers) {
        let isThere = false;
        for await (const entry of readTar(openArchive(client, container, signal), '/', target)) {
          isThere = true;
          yield entry;
        }
        if (isThere) return;
      }
    },
  };
}

const isInWorkspace = (path: string): boolean => path === WORKSPACE || path.startsWith(`${WORKSPACE}/`);

/** Sends a tar stream to be unpacked in a folder of the container that is there. */
export async function putArchive(
  client: DockerClient,
  container: string,
  folder: string,
  archive: Readable,
  signal: AbortSignal,
): Promise<void> {
  let sourceError: unknown;
  archive.once('error', (error) => {
    sourceError = error;
  });
  try {
    await client.plain('PUT', `/containers/${container}/archive`, {
      query: { path: folder },
      body: archive,
      headers: { 'content-type': 'application/x-tar' },
      signal,
      timeoutMs: 0,
    });
  } catch (error) {
    signal.throwIfAborted();
    // What could not be read is why the engine got half an archive.
    throw refusedWith(error) === undefined && sourceError !== undefined ? sourceError : error;
  } finally {
    archive.destroy();
  }
}

/** Makes the workspace, and folders in it, open to whatever user the image runs as. */
export async function openFolders(
  client: DockerClient,
  container: string,
  folders: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  async function* entries(): AsyncGenerator<WorkspaceEntry> {
    for (const path of new Set([WORKSPACE, ...folders])) yield folderEntry(path.slice(1));
  }
  await putArchive(client, container, '/', packTar('', entries(), ROOT_USER), signal);
}

/** The entries with their places below the base, each folder on the way before what is in it. */
async function* openEntries(place: string, entries: AsyncIterable<WorkspaceEntry>): AsyncGenerator<WorkspaceEntry> {
  const made = new Set<string>(['', '.']);
  for await (const entry of entries) {
    const path = posix.join(place, entry.path);
    const parts = path.split('/');
    const folders = entry.kind === 'directory' ? parts.length : parts.length - 1;
    for (let depth = 1; depth <= folders; depth += 1) {
      const folder = parts.slice(0, depth).join('/');
      if (made.has(folder)) continue;
      made.add(folder);
      yield folderEntry(folder);
    }
    if (entry.kind === 'file') yield { ...entry, path, mode: (entry.mode & 0o111) === 0 ? 0o666 : 0o777 };
  }
}

const folderEntry = (path: string): WorkspaceEntry => ({
  path,
  kind: 'directory',
  sizeBytes: 0,
  mode: OPEN_FOLDER,
  content: bytesOf(new Uint8Array()),
});

async function existingFolder(
  client: DockerClient,
  container: string,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  for (let at = path; at !== '/'; at = posix.dirname(at)) {
    try {
      await client.plain('HEAD', `/containers/${container}/archive`, { query: { path: at }, signal });
      return at;
    } catch (error) {
      if (refusedWith(error) !== 404) throw error;
    }
  }
  return '/';
}

export const openArchive =
  (client: DockerClient, container: string, signal: AbortSignal) =>
  async (path: string): Promise<AsyncIterable<Uint8Array> | undefined> => {
    try {
      return await client.stream('GET', `/containers/${container}/archive`, { query: { path }, signal, timeoutMs: 0 });
    } catch (error) {
      if (refusedWith(error) === 404) return undefined;
      throw error;
    }
  };

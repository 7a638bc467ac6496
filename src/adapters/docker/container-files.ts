// The files of an attempt behind the engine's archive API: written and read as tar streams, so that a remote engine and other
// people's uids are no trouble. What is written may be read and written by whatever user the container runs as.

import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header, type Pack, pack } from 'tar-stream';
import { linkedPath, linkEscapes, notAFile } from '../../workspace/safe-path.ts';
import type { WorkspaceEntry, WorkspaceFiles } from '../../workspace/workspace-files.ts';
import { inWorkspace, WORKSPACE } from './container-spec.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';

/** Links that lead to links, as deep as the kernel follows them. */
const LINKS_MAX = 40;

/** `containers` hold the same workspace; what is outside of it is looked for in each, in order. Writes go to the first. */
export function createContainerFiles(
  client: DockerClient,
  containers: readonly string[],
  signal: AbortSignal,
): WorkspaceFiles {
  const [first = ''] = containers;
  return {
    write: (path, entries) =>
      putArchive(client, first, (archive) => packEntries(archive, inWorkspace(path), entries), signal),
    read: (path) => readPath({ client, containers, signal }, inWorkspace(path)),
  };
}

/** Sends a tar stream to be unpacked at the container's root. */
export async function putArchive(
  client: DockerClient,
  container: string,
  fill: (archive: Pack) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const archive = pack();
  const failed = new AbortController();
  const filling = fill(archive).then(
    () => archive.finalize(),
    (error: unknown) => {
      failed.abort();
      archive.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    },
  );
  const sending = client.plain('PUT', `/containers/${container}/archive`, {
    query: { path: '/' },
    body: Readable.from(archive as AsyncIterable<Uint8Array>),
    headers: { 'content-type': 'application/x-tar' },
    signal: AbortSignal.any([signal, failed.signal]),
    timeoutMs: 0,
  });
  sending.catch(() => archive.destroy());
  const [filled, sent] = await Promise.allSettled([filling, sending]);
  signal.throwIfAborted();
  // Where the engine refuses, filling fails too, and only because of it.
  if (failed.signal.aborted && filled.status === 'rejected' && !isEngineFirst(sent)) throw filled.reason;
  if (sent.status === 'rejected') throw sent.reason;
  if (filled.status === 'rejected') throw filled.reason;
}

const isEngineFirst = (sent: PromiseSettledResult<void>): boolean =>
  sent.status === 'rejected' && refusedWith(sent.reason) !== undefined;

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

/** Writes one entry, waiting while the engine is slower than the source. */
export async function packEntry(archive: Pack, header: EntryHeader, content: AsyncIterable<Uint8Array> | null): Promise<void> {
  if (content === null) {
    archive.entry(header);
    return;
  }
  const sink = archive.entry(header);
  let isClosed = false;
  let wake = () => {};
  sink.on('close', () => {
    isClosed = true;
    wake();
  });
  sink.on('drain', () => wake());
  sink.on('error', () => {});
  for await (const chunk of content) {
    if (isClosed) throw new Error('the archive was closed before its end');
    if (sink.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (isClosed) resolve();
    });
  }
  sink.end(null);
}

async function packEntries(archive: Pack, base: string, entries: AsyncIterable<WorkspaceEntry>): Promise<void> {
  const made = new Set<string>(['/', WORKSPACE]);
  const makeFolder = async (path: string): Promise<void> => {
    // Folders outside of the workspace are the image's: the engine makes those that are missing.
    if (made.has(path) || !isInWorkspace(path)) return;
    await makeFolder(posix.dirname(path));
    made.add(path);
    await packEntry(archive, { name: path.slice(1), type: 'directory', mode: 0o777 }, null);
  };
  for await (const entry of entries) {
    const path = posix.join(base, entry.path);
    if (entry.kind === 'directory') {
      await makeFolder(path);
      continue;
    }
    await makeFolder(posix.dirname(path));
    const mode = (entry.mode & 0o111) === 0 ? 0o666 : 0o777;
    await packEntry(archive, { name: path.slice(1), size: entry.sizeBytes, mode }, entry.content);
  }
}

/** The workspace itself, open to whatever user the image runs as. */
export const openWorkspace = (client: DockerClient, container: string, folders: readonly string[], signal: AbortSignal) =>
  putArchive(
    client,
    container,
    async (archive) => {
      for (const path of new Set([WORKSPACE, ...folders])) {
        await packEntry(archive, { name: path.slice(1), type: 'directory', mode: 0o777 }, null);
      }
    },
    signal,
  );

const isInWorkspace = (path: string): boolean => path === WORKSPACE || path.startsWith(`${WORKSPACE}/`);

type Source = { readonly client: DockerClient; readonly containers: readonly string[]; readonly signal: AbortSignal };

async function* readPath(source: Source, path: string, depth = 0): AsyncGenerator<WorkspaceEntry> {
  for (const container of isInWorkspace(path) ? source.containers.slice(0, 1) : source.containers) {
    const stream = await getArchive(source, container, path);
    if (!stream) continue;
    yield* unpack(source, path, stream, depth);
    return;
  }
}

async function getArchive(source: Source, container: string, path: string): Promise<Readable | undefined> {
  try {
    const { client, signal } = source;
    return await client.stream('GET', `/containers/${container}/archive`, { query: { path }, signal, timeoutMs: 0 });
  } catch (error) {
    if (refusedWith(error) === 404) return undefined;
    throw error;
  }
}

/** The archive's names begin with the last part of the path that was asked for. */
async function* unpack(
  source: Source,
  root: string,
  stream: Readable,
  depth: number,
): AsyncGenerator<WorkspaceEntry> {
  const unpacked = extract();
  const pumping = pipeline(stream, unpacked as unknown as NodeJS.WritableStream);
  pumping.catch(() => {});
  try {
    for await (const entry of unpacked) {
      const { name, type, size = 0, mode = 0o644, linkname } = entry.header;
      const path = name.split('/').filter(Boolean).slice(1).join('/');
      const facts = { path, sizeBytes: size, mode: mode & 0o777 };
      const content = entry as AsyncIterable<Uint8Array>;
      if (type === 'directory') yield { ...facts, kind: 'directory', sizeBytes: 0, content };
      else if (type === 'file' || type === 'contiguous-file') yield { ...facts, kind: 'file', content };
      else if (type === 'link') yield* below(path, readPath(source, posix.join(root, path), depth + 1));
      else if (type === 'symlink') yield* followLink(source, root, path, linkname ?? '', depth);
      else throw notAFile(posix.join(root, path), type ?? 'special file');
      entry.resume();
    }
    await pumping;
  } catch (error) {
    source.signal.throwIfAborted();
    throw source.client.translate(error);
  } finally {
    stream.destroy();
    unpacked.destroy();
  }
}

async function* followLink(
  source: Source,
  root: string,
  path: string,
  target: string,
  depth: number,
): AsyncGenerator<WorkspaceEntry> {
  const link = posix.join(root, path);
  // Of the workspace, links may lead anywhere within; of another path of the container, within that path.
  const boundary = isInWorkspace(root) ? WORKSPACE : root;
  if (depth >= LINKS_MAX) throw linkEscapes(link, target);
  const inside = linkedPath(boundary, link, target);
  yield* below(path, readPath(source, inside, depth + 1));
}

async function* below(path: string, entries: AsyncIterable<WorkspaceEntry>): AsyncGenerator<WorkspaceEntry> {
  for await (const entry of entries) {
    yield { ...entry, path: entry.path === '' ? path : path === '' ? entry.path : `${path}/${entry.path}` };
  }
}

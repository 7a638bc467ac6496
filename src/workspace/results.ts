// Looks at what a run's tasks have published, and fetches it into a folder: for people, after the run. Names in the folder
// come from the URLs, without what all of them begin with; what is there already and the same is left alone.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DistributoError } from '../domain/errors.ts';
import type { Transfer } from '../domain/job.ts';
import type { ObjectStat, Objects } from '../ports/objects.ts';
import { mapAhead, orAborted, untilAborted } from './bounded-flow.ts';
import { encodePath } from './bring-in.ts';
import { displayUrl } from './display-url.ts';
import { hasWildcard } from './path-pattern.ts';
import { makeFolder, publishFile } from './publish-file.ts';
import { entryPath, joinPath, lastPart } from './safe-path.ts';
import { verified } from './verify-content.ts';

export type PublishedOutput = {
  /** Where it is or should be; ends in `/` for a directory. */
  readonly url: string;
  readonly kind: 'file' | 'directory' | null;
  /** null for a directory, and where it is not known. */
  readonly sizeBytes: number | null;
  readonly present: boolean;
};

type Transfers = Iterable<Transfer> | AsyncIterable<Transfer>;

const AT_ONCE = 8;

/** One line an output, in their order; a million of them are looked up as they are asked for. */
export async function* listOutputs(outputs: Transfers, objects: Objects): AsyncGenerator<PublishedOutput> {
  yield* mapAhead(asyncOf(outputs), AT_ONCE, async (output) => {
    const { url, stat } = await locate(output, objects);
    if (stat === undefined) return { url, kind: null, sizeBytes: null, present: false };
    return { url, kind: stat.kind, sizeBytes: stat.sizeBytes, present: true };
  });
}

type Located = { readonly url: string; readonly stat: ObjectStat | undefined };

/** Where staging put it: a file sent to a URL that ends in `/` lies below it, wildcards fill a folder. */
async function locate(output: Transfer, objects: Objects): Promise<Located> {
  const url = publishedUrl(output);
  if (output.url.endsWith('/') && !hasWildcard(output.path) && !output.path.endsWith('/')) {
    const name = lastPart(output.path);
    const below = name === '' ? url : url + encodePath(url, name);
    const stat = name === '' ? undefined : await objects.stat(below);
    if (stat?.kind === 'file') return { url: below, stat };
  }
  const stat = await objects.stat(url);
  return { url: stat?.kind === 'directory' && !url.endsWith('/') ? `${url}/` : url, stat };
}

function publishedUrl({ url, path }: Transfer): string {
  return hasWildcard(path) && !url.endsWith('/') ? `${url}/` : url;
}

export type FetchedOutput = {
  readonly url: string;
  /** Relative to the folder. */
  readonly path: string;
  readonly outcome: 'fetched' | 'same' | 'missing';
  readonly sizeBytes: number | null;
};

/** Brings outputs into `folder`, several at once, each file at once or not at all. A missing one is told, not thrown. */
export async function* fetchOutputs(
  outputs: readonly Transfer[],
  objects: Objects,
  folder: string,
  signal: AbortSignal,
): AsyncGenerator<FetchedOutput> {
  const common = commonFolder(outputs);
  await makeFolder(folder, undefined);
  yield* mapAhead(filesOf(outputs, objects, common, signal), AT_ONCE, async (file) => {
    if (file.stat === undefined)
      return { url: file.url, path: file.path, outcome: 'missing', sizeBytes: null } as const;
    const outcome = await fetchFile(file.url, file.stat, join(folder, file.path), objects, signal);
    return { url: file.url, path: file.path, outcome, sizeBytes: file.stat.sizeBytes };
  });
}

type FileToFetch = { readonly url: string; readonly path: string; readonly stat: ObjectStat | undefined };

async function* filesOf(
  outputs: readonly Transfer[],
  objects: Objects,
  common: string,
  signal: AbortSignal,
): AsyncGenerator<FileToFetch> {
  const seen = new Set<string>();
  const located = mapAhead(asyncOf(outputs), AT_ONCE, (output) => orAborted(locate(output, objects), signal));
  for await (const { url, stat } of located) {
    // Several tasks may fill one folder.
    if (seen.has(url)) continue;
    seen.add(url);
    const path = localPath(url, common);
    if (stat?.kind !== 'directory') {
      yield { url, path: path === '' ? lastPart(url) : path, stat };
      continue;
    }
    for await (const listed of untilAborted(objects.list(url), signal)) {
      const fileUrl = url + encodePath(url, listed.path);
      if (seen.has(fileUrl)) continue;
      seen.add(fileUrl);
      const found = await orAborted(objects.stat(fileUrl), signal);
      yield { url: fileUrl, path: joinPath(path, entryPath(listed.path)), stat: found };
    }
  }
}

/** The folder that all URLs lie in, with its slash. */
function commonFolder(outputs: readonly Transfer[]): string {
  let common: string | undefined;
  for (const output of outputs) {
    const url = publishedUrl(output);
    const folder =
      url.endsWith('/') && outputs.length === 1 ? url : url.slice(0, url.replace(/\/$/, '').lastIndexOf('/') + 1);
    if (common === undefined) common = folder;
    while (!folder.startsWith(common)) common = common.slice(0, common.slice(0, -1).lastIndexOf('/') + 1);
  }
  return common ?? '';
}

/** A URL below the common folder as a path, decoded as its scheme is written; never out of the folder. */
function localPath(url: string, common: string): string {
  const rest = url.slice(common.length).replace(/[/]+$/, '');
  if (/^s3:/i.test(url)) return entryPath(rest.replace(/^s3:\/\//i, ''));
  const plain = rest.replace(/^[a-z]+:\/\//i, '').replace(/[?#].*$/s, '');
  try {
    return entryPath(decodeURIComponent(plain).replaceAll('\0', '_'));
  } catch (error) {
    if (error instanceof URIError) return entryPath(plain);
    throw error;
  }
}

async function fetchFile(
  url: string,
  stat: ObjectStat,
  goal: string,
  objects: Objects,
  signal: AbortSignal,
): Promise<'fetched' | 'same'> {
  if (await isSame(url, stat, goal, objects, signal)) return 'same';
  try {
    await makeFolder(dirname(goal), undefined);
    const content = verified(untilAborted(objects.read(url), signal), displayUrl(url), () => stat);
    await publishFile(goal, content, { mode: stat.mode ?? 0o644, isDurable: false });
    return 'fetched';
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DistributoError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new DistributoError('OUTPUT_UNWRITABLE', `${goal} could not be written: ${why}`, {
      hint: 'name a folder that can be written and has room: distributo results RUN DIR',
      cause: error,
    });
  }
}

/** By size first, then by the hash that the source states; local files are compared by their content. */
async function isSame(
  url: string,
  stat: ObjectStat,
  goal: string,
  objects: Objects,
  signal: AbortSignal,
): Promise<boolean> {
  const there = await lstat(goal).catch(() => undefined);
  if (there?.isFile() !== true || there.size !== stat.sizeBytes) return false;
  if (stat.sha256 !== null) return (await hashOf('sha256', createReadStream(goal))) === stat.sha256;
  if (stat.etag !== null && /^[0-9a-f]{32}$/.test(stat.etag)) {
    return (await hashOf('md5', createReadStream(goal))) === stat.etag;
  }
  if (!/^file:/i.test(url)) return false;
  const [theirs, ours] = await Promise.all([
    hashOf('sha256', untilAborted(objects.read(url), signal)),
    hashOf('sha256', createReadStream(goal)),
  ]);
  return theirs === ours;
}

async function hashOf(algorithm: string, content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of content) hash.update(chunk);
  return hash.digest('hex');
}

async function* asyncOf<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}

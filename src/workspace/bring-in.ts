// One input: from its URL to its place in the workspace. A URL with files below it is a directory and is brought whole.

import { DistributoError } from '../domain/errors.ts';
import type { Transfer } from '../domain/job.ts';
import type { ListedObject, Objects } from '../ports/objects.ts';
import { mapAhead, orAborted, untilAborted } from './bounded-flow.ts';
import { displayUrl } from './display-url.ts';
import { bytesOf, ofSize, readWhole, SMALL_BYTES, spool } from './file-content.ts';
import { entryPath, joinPath, lastPart, workspacePath } from './safe-path.ts';
import type { WorkspaceEntry, WorkspaceFiles } from './workspace-files.ts';

/** Small files of a directory that are fetched while earlier ones are written. */
const FILES_AHEAD = 8;

const DEFAULT_FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

export async function bringIn(
  input: Transfer,
  files: WorkspaceFiles,
  objects: Objects,
  signal: AbortSignal,
): Promise<void> {
  const path = workspacePath(input.path);
  const found = await orAborted(objects.stat(input.url), signal);
  if (found === undefined) {
    throw new DistributoError('INPUT_UNREADABLE', `input ${displayUrl(input.url)} does not exist`, {
      hint: 'check the spelling of its url; local paths are relative to the directory the run was submitted from',
      details: { url: displayUrl(input.url), path: input.path },
    });
  }
  if (found.kind === 'directory') {
    await files.write(path, directoryEntries(input.url, objects, signal));
    return;
  }
  if (path === '' || path === '/') throw needsAName(input);
  const target = input.path.endsWith('/') ? joinPath(path, fileNameOf(input.url)) : path;
  const mode = found.mode ?? DEFAULT_FILE_MODE;
  const source = untilAborted(objects.read(input.url), signal);
  if (found.sizeBytes !== null) {
    const content = ofSize(source, found.sizeBytes, 'INPUT_UNREADABLE', displayUrl(input.url));
    await files.write(target, one({ path: '', kind: 'file', sizeBytes: found.sizeBytes, mode, content }));
    return;
  }
  const spooled = await spool(source);
  try {
    const { sizeBytes, content } = spooled;
    await files.write(target, one({ path: '', kind: 'file', sizeBytes, mode, content }));
  } finally {
    await spooled.dispose();
  }
}

async function* directoryEntries(url: string, objects: Objects, signal: AbortSignal): AsyncGenerator<WorkspaceEntry> {
  yield { path: '', kind: 'directory', sizeBytes: 0, mode: DIRECTORY_MODE, content: bytesOf(new Uint8Array()) };
  const folder = url.endsWith('/') ? url : `${url}/`;
  yield* mapAhead(untilAborted(objects.list(url), signal), FILES_AHEAD, async (listed) => {
    const path = entryPath(listed.path);
    const fileUrl = folder + encodePath(folder, listed.path);
    const source = untilAborted(objects.read(fileUrl), signal);
    const content = ofSize(source, listed.sizeBytes, 'INPUT_UNREADABLE', displayUrl(fileUrl));
    return entryOf(path, listed, listed.sizeBytes <= SMALL_BYTES ? bytesOf(await readWhole(content)) : content);
  });
}

const entryOf = (path: string, listed: ListedObject, content: AsyncIterable<Uint8Array>): WorkspaceEntry => ({
  path,
  kind: 'file',
  sizeBytes: listed.sizeBytes,
  mode: listed.mode ?? DEFAULT_FILE_MODE,
  content,
});

/** A path below a URL, written as that scheme writes it. S3 keys are taken as they are. */
export function encodePath(folder: string, path: string): string {
  return folder.startsWith('s3:') ? path : path.split('/').map(encodeURIComponent).join('/');
}

/** The name at the end of a URL, as a file name. */
export function fileNameOf(url: string): string {
  if (url.startsWith('s3:')) return lastPart(url);
  const name = lastPart(new URL(url).pathname);
  try {
    return entryPath(decodeURIComponent(name).replaceAll('/', '_'));
  } catch (error) {
    if (error instanceof URIError) return name;
    throw error;
  }
}

async function* one(entry: WorkspaceEntry): AsyncGenerator<WorkspaceEntry> {
  yield entry;
}

function needsAName(input: Transfer): DistributoError {
  const message = `input ${displayUrl(input.url)} is a file, but its path ${JSON.stringify(input.path)} is the workspace itself`;
  return new DistributoError('INPUT_UNREADABLE', message, { hint: `write path: ${fileNameOf(input.url)}` });
}

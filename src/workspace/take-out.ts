// One output: from its path in the workspace to its URL. A directory is taken whole; wildcards take each match.

import { DistributoError } from '../domain/errors.ts';
import type { Transfer } from '../domain/job.ts';
import { nearestName } from '../domain/nearest-name.ts';
import type { Objects, ObjectWriteOptions } from '../ports/objects.ts';
import { Crew, orAborted, untilAborted } from './bounded-flow.ts';
import { encodePath } from './bring-in.ts';
import { bytesOf, ofSize, readWhole, SMALL_BYTES } from './file-content.ts';
import { hasWildcard, splitPattern } from './path-pattern.ts';
import { entryPath, joinPath, lastPart, workspacePath } from './safe-path.ts';
import type { WorkspaceEntry, WorkspaceFiles } from './workspace-files.ts';

export type Owner = { readonly uid: number; readonly gid: number };

export type TakeOut = {
  readonly output: Transfer;
  readonly files: WorkspaceFiles;
  readonly objects: Objects;
  readonly owner: Owner | null;
  readonly signal: AbortSignal;
  /** URLs that are published; those are passed over, new ones are added. */
  readonly published: Set<string>;
  readonly skipMissing: boolean;
};

/** Small files of a directory that are published at once. */
const FILES_AT_ONCE = 8;

export async function takeOut(work: TakeOut): Promise<void> {
  const { output, files } = work;
  const path = workspacePath(output.path);
  if (await publishAll(work, files.read(path), (entry) => urlOf(output, path, entry))) return;
  if (hasWildcard(path)) {
    const { folder, matches } = splitPattern(path);
    const chosen = (entry: WorkspaceEntry): string | undefined =>
      matches(entry.path) ? below(asFolder(output.url), entry.path) : undefined;
    if (await publishAll(work, files.read(folder), chosen)) return;
  }
  if (!work.skipMissing) throw await missing(output, path, files);
}

/** The URL of a file below an output's path. A single file goes to the URL itself, or into it where it ends in `/`. */
function urlOf(output: Transfer, path: string, entry: WorkspaceEntry): string {
  if (entry.path !== '') return below(asFolder(output.url), entry.path);
  if (entry.kind === 'directory') return asFolder(output.url);
  return output.url.endsWith('/') ? below(output.url, lastPart(path)) : output.url;
}

const asFolder = (url: string): string => (url.endsWith('/') ? url : `${url}/`);
const below = (folder: string, path: string): string => folder + encodePath(folder, path);

/** True where there was something to publish: a file, or a directory asked for by its own name, be it empty. */
async function publishAll(
  work: TakeOut,
  entries: AsyncIterable<WorkspaceEntry>,
  urlFor: (entry: WorkspaceEntry) => string | undefined,
): Promise<boolean> {
  const crew = new Crew(FILES_AT_ONCE);
  let emptyFolder: string | undefined;
  let hasFile = false;
  try {
    for await (const entry of untilAborted(entries, work.signal)) {
      entryPath(entry.path);
      const url = urlFor(entry);
      if (url === undefined) continue;
      if (entry.kind === 'directory') {
        if (entry.path === '') emptyFolder = url;
        continue;
      }
      hasFile = true;
      if (work.published.has(url)) continue;
      await publish(work, entry, url, crew);
    }
  } finally {
    await crew.end();
  }
  if (hasFile || emptyFolder === undefined) return hasFile;
  await orAborted(work.objects.write(emptyFolder, bytesOf(new Uint8Array()), optionsFor(work, 0, 0o755)), work.signal);
  return true;
}

/** Small files are held and sent beside others; large ones are streamed one after another, as the workspace gives them. */
async function publish(work: TakeOut, entry: WorkspaceEntry, url: string, crew: Crew): Promise<void> {
  const name = joinPath(work.output.path, entry.path);
  const content = ofSize(untilAborted(entry.content, work.signal), entry.sizeBytes, 'OUTPUT_UNWRITABLE', name);
  const options = optionsFor(work, entry.sizeBytes, entry.mode);
  const send = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    await orAborted(work.objects.write(url, bytes, options), work.signal);
    work.published.add(url);
  };
  if (entry.sizeBytes > SMALL_BYTES) return await send(content);
  const whole = await readWhole(content);
  await crew.add(() => send(bytesOf(whole)));
}

const optionsFor = (work: TakeOut, sizeBytes: number, mode: number): ObjectWriteOptions => ({
  sizeBytes,
  mode,
  ...(work.owner === null ? {} : { owner: work.owner }),
});

const NEIGHBOURS_MAX = 1_000;
const NEIGHBOUR_BYTES_MAX = 64 * 1024 * 1024;

async function missing(output: Transfer, path: string, files: WorkspaceFiles): Promise<DistributoError> {
  const cut = path.lastIndexOf('/');
  const folder = cut > 0 ? path.slice(0, cut) : path.startsWith('/') ? '/' : '';
  const beside = await namesIn(folder, files);
  const place = folder === '' ? 'the workspace' : `${folder}/`;
  const message = hasWildcard(path)
    ? `nothing matches the output ${output.path}`
    : `the command ended well, but its output ${output.path} is not there`;
  const nearest = nearestName(lastPart(path), beside);
  const few = beside.slice(0, 5).join(', ') + (beside.length > 5 ? ` and ${beside.length - 5} more` : '');
  const what = beside.length === 0 ? `${place} is empty or not there` : `beside it in ${place}: ${few}`;
  const hint =
    nearest === undefined
      ? 'make the command write there, or correct the path of the output'
      : `did the command write ${joinPath(folder, nearest)}?`;
  return new DistributoError('OUTPUT_MISSING', `${message}; ${what}`, {
    hint,
    details: { path: output.path, nearest: nearest ?? null, beside: beside.slice(0, 100) },
  });
}

/** Names directly in a folder, sorted. Gives up early in a large one: an engine sends content along with names. */
async function namesIn(folder: string, files: WorkspaceFiles): Promise<readonly string[]> {
  const names = new Set<string>();
  let bytes = 0;
  try {
    for await (const entry of files.read(folder)) {
      const [name = ''] = entry.path.split('/');
      if (name !== '') names.add(name);
      bytes += entry.sizeBytes;
      if (names.size >= NEIGHBOURS_MAX || bytes > NEIGHBOUR_BYTES_MAX) break;
    }
  } catch (error) {
    // The folder is not to be read, or holds a link outwards: what is missing stays the finding.
    if (!(error instanceof DistributoError)) throw error;
  }
  return [...names].sort();
}

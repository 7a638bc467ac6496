// Workspace files as an engine's archive API carries them: tar in, tar out. What a container wrote is not trusted: names that
// climb, links that leave the root, devices and pipes are refused; links inside are followed by asking for their target.

import { finished, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header, pack } from 'tar-stream';
import { DistributoError } from '../domain/errors.ts';
import { bytesOf } from './file-content.ts';
import { entryPath, joinPath, lastPart, linkedPath, notAFile } from './safe-path.ts';
import type { Owner } from './take-out.ts';
import type { WorkspaceEntry } from './workspace-files.ts';

/** The archive of a path of the container; undefined where nothing is there. */
export type OpenArchive = (path: string) => Promise<AsyncIterable<Uint8Array> | undefined>;

/**
 * What lies at `path` (absolute), as WorkspaceFiles.read gives it. `root` is what links may not leave: the workspace, or `/`
 * where the path lies elsewhere in the container. An archive names what it holds by the last part of the path, as Docker does.
 */
export async function* readTar(open: OpenArchive, root: string, path: string): AsyncGenerator<WorkspaceEntry> {
  const archive = await open(path);
  if (archive !== undefined) yield* readArchive({ open, root }, archive, path, '', [path]);
}

/** What makes a header; the rest has defaults. */
type NewHeader = Partial<Header> & Pick<Header, 'name'>;

type Source = { readonly open: OpenArchive; readonly root: string };

async function* readArchive(
  source: Source,
  archive: AsyncIterable<Uint8Array>,
  path: string,
  at: string,
  chain: readonly string[],
): AsyncGenerator<WorkspaceEntry> {
  const links: { readonly at: string; readonly target: string }[] = [];
  const unpacking = extract();
  const feeding = pipeline(Readable.from(archive, { objectMode: false }), unpacking).catch(() => undefined); // seen by the loop below
  try {
    for await (const entry of unpacking) {
      const { header } = entry;
      const below = withoutFirst(header.name);
      const here = joinPath(at, below);
      const shown = joinPath(path, below);
      if (header.type === 'symlink' || header.type === 'link') {
        links.push({ at: here, target: targetOf(source.root, path, shown, header) });
      } else {
        const kind = kindOf(header, shown);
        const sizeBytes = kind === 'file' ? header.size : 0;
        yield {
          path: here,
          kind,
          sizeBytes,
          mode: header.mode & 0o777,
          content: entry as AsyncIterable<unknown> as AsyncIterable<Uint8Array>,
        };
      }
      entry.resume();
    }
  } finally {
    await feeding;
  }
  for (const link of links) {
    if (chain.includes(link.target) || `${joinPath(path, '')}/`.startsWith(`${link.target}/`)) throw looping(link);
    const next = await source.open(link.target);
    if (next === undefined) throw dangling(link);
    yield* readArchive(source, next, link.target, link.at, [...chain, link.target]);
  }
}

/** `out/a/b` → `a/b`: an archive names the entries by the last part of the path that was asked for. */
function withoutFirst(name: string): string {
  const [, ...rest] = entryPath(name.startsWith('./') ? `x/${name}` : name).split('/');
  return rest.join('/');
}

function targetOf(root: string, path: string, shown: string, header: Header): string {
  // tar-stream gives null for an empty one, whatever its types say.
  const linkname = (header.linkname as string | null) ?? '';
  // A hard link names an earlier entry of the same archive; a symbolic link is as the program wrote it.
  return header.type === 'link' ? joinPath(path, withoutFirst(linkname)) : linkedPath(root, shown, linkname);
}

function kindOf(header: Header, shown: string): 'file' | 'directory' {
  if (header.type === 'directory') return 'directory';
  if (header.type === 'file' || header.type === 'contiguous-file') return 'file';
  const names: Record<string, string> = { fifo: 'named pipe', 'block-device': 'device', 'character-device': 'device' };
  throw notAFile(shown, names[header.type] ?? `thing of another kind (${header.type})`);
}

const looping = (link: { at: string; target: string }): DistributoError =>
  new DistributoError('PATH_ESCAPES', `${link.at} is a link to ${link.target}, where following it would never end`, {
    hint: 'remove the link before the task ends',
  });

const dangling = (link: { at: string; target: string }): DistributoError =>
  new DistributoError('PATH_ESCAPES', `${link.at} is a link to ${link.target}, where nothing is`, {
    hint: 'remove the link before the task ends, or make what it points to',
  });

/**
 * Entries below `path` (relative to where the archive will be unpacked) as a tar stream, parents included, all given to
 * `owner`. Entries are read as fast as the stream is.
 */
export function packTar(path: string, entries: AsyncIterable<WorkspaceEntry>, owner: Owner): Readable {
  const packing = pack();
  // A plain stream on top: what it is piped into may know nothing of tar-stream's own kind.
  const out = Readable.from(packing as AsyncIterable<Uint8Array>, { objectMode: false });
  packing.on('error', () => undefined); // `out` reports it
  finished(out, () => packing.destroy());
  fill(packing, path, entries, owner).then(
    () => packing.finalize(),
    (error: Error) => packing.destroy(error),
  );
  return out;
}

async function fill(
  packing: ReturnType<typeof pack>,
  path: string,
  entries: AsyncIterable<WorkspaceEntry>,
  owner: Owner,
): Promise<void> {
  const made = new Set(['']);
  const makeFolder = async (folder: string, mode = 0o755): Promise<void> => {
    if (made.has(folder)) return;
    const cut = folder.lastIndexOf('/');
    await makeFolder(cut < 0 ? '' : folder.slice(0, cut));
    made.add(folder);
    await put(packing, { name: `${folder}/`, type: 'directory', mode, ...owner }, bytesOf(new Uint8Array()));
  };
  const base = entryPath(path);
  for await (const entry of entries) {
    const name = joinPath(base, entryPath(entry.path));
    if (entry.kind === 'directory') {
      await makeFolder(name, entry.mode & 0o777);
      continue;
    }
    await makeFolder(name.slice(0, Math.max(0, name.length - lastPart(name).length - 1)));
    const header: NewHeader = { name, type: 'file', size: entry.sizeBytes, mode: entry.mode & 0o777, ...owner };
    await put(packing, header, entry.content);
  }
}

async function put(
  packing: ReturnType<typeof pack>,
  header: NewHeader,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    packing.once('close', gone);
    function gone(): void {
      reject(new Error('the archive was given up'));
    }
    const sink = packing.entry({ mtime: new Date(), ...header }, (error) => {
      packing.off('close', gone);
      if (error) reject(error);
      else resolve();
    });
    sink.on('error', reject);
    if (header.type === 'file') pump(content, sink).catch(reject);
  });
  await written;
}

async function pump(content: AsyncIterable<Uint8Array>, sink: NodeJS.WritableStream): Promise<void> {
  for await (const chunk of content) {
    if (sink.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      sink.once('drain', resolve);
      sink.once('close', resolve);
    });
  }
  sink.end();
}

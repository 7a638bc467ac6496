// Images for tests, made from this machine's own files: no registry is asked. Only names under `distributo-test/` are used.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { DockerClient, refusedWith } from '../../src/adapters/docker/docker-client.ts';
import { findDockerEndpoint } from '../../src/adapters/docker/endpoint.ts';
import type { Target } from '../../src/domain/job.ts';

export const BUSYBOX_IMAGE = 'distributo-test/busybox:1';
const BUSYBOX = '/bin/busybox';

export type TestEngine =
  | { readonly unavailable: null; readonly target: Target; readonly client: DockerClient }
  | { readonly unavailable: string };

/** The engine that Docker's own command line would use, with the busybox image on it; or why there is none. */
export async function findTestEngine(): Promise<TestEngine> {
  try {
    const { endpoint, tlsDirectory, chosenBy } = await findDockerEndpoint(process.env);
    const client = await DockerClient.create({ endpoint, tlsDirectory, chosenBy });
    await client.negotiate();
    if (!existsSync(BUSYBOX)) return { unavailable: `${BUSYBOX} is missing (package busybox-static)` };
    await ensureBusybox(client);
    const target: Target = { backend: 'local', runtime: 'docker', endpoint, ...(tlsDirectory ? { tlsDirectory } : {}) };
    return { unavailable: null, target, client };
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}

async function ensureBusybox(client: DockerClient): Promise<void> {
  try {
    await client.plain('GET', `/images/${BUSYBOX_IMAGE}/json`);
  } catch (error) {
    if (refusedWith(error) !== 404) throw error;
    await importImage(client, BUSYBOX_IMAGE, busyboxRoot());
  }
}

export type RootEntry = {
  readonly name: string;
  readonly content?: Buffer | string;
  readonly link?: string;
  readonly mode?: number;
};

/** busybox with all its names, three users, and a folder for temporary files. */
export function busyboxRoot(more: readonly RootEntry[] = []): RootEntry[] {
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return [
    { name: 'bin/busybox', content: readFileSync(BUSYBOX), mode: 0o755 },
    ...applets.filter((name) => name !== 'busybox').map((name) => ({ name: `bin/${name}`, link: 'busybox' })),
    { name: 'etc/passwd', content: 'root:x:0:0:root:/:/bin/sh\nworker:x:1234:1235::/:/bin/sh\n' },
    { name: 'etc/group', content: 'root:x:0:\nworkers:x:1235:\n' },
    { name: 'tmp/', mode: 0o1777 },
    ...more,
  ];
}

export function packRoot(root: readonly RootEntry[]): AsyncIterable<Uint8Array> {
  const archive = pack();
  for (const { name, content, link, mode = 0o644 } of root) {
    if (name.endsWith('/')) archive.entry({ name, type: 'directory', mode });
    else if (link !== undefined) archive.entry({ name, type: 'symlink', linkname: link, mode: 0o777 });
    else archive.entry({ name, mode }, content ?? '');
  }
  archive.finalize();
  return archive as AsyncIterable<Uint8Array>;
}

/** What `docker import` does. */
export async function importImage(client: DockerClient, image: string, root: readonly RootEntry[]): Promise<void> {
  const [repo = '', tag = 'latest'] = image.split(':');
  await send(client, image, '/images/create', { fromSrc: '-', repo, tag }, packRoot(root));
}

/** What `docker load` does with an image of one layer, for any architecture and with any configuration. */
export async function loadImage(
  client: DockerClient,
  image: string,
  root: readonly RootEntry[],
  architecture: string,
  config: Record<string, unknown> = {},
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of packRoot(root)) chunks.push(chunk);
  const layer = Buffer.concat(chunks);
  const digest = createHash('sha256').update(layer).digest('hex');
  const details = { architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] } };
  const manifest = [{ Config: 'config.json', RepoTags: [image], Layers: ['layer.tar'] }];
  const files = [
    { name: 'layer.tar', content: layer },
    { name: 'config.json', content: JSON.stringify(details) },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ];
  await send(client, image, '/images/load', { quiet: true }, packRoot(files));
}

async function send(
  client: DockerClient,
  image: string,
  path: string,
  query: Record<string, string | boolean>,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const answer = await client.stream('POST', path, {
    query,
    body: Readable.from(body, { objectMode: false }),
    headers: { 'content-type': 'application/x-tar' },
  });
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  if (text.includes('"error"')) throw new Error(`${image} could not be made: ${text}`);
}

export async function removeImage(client: DockerClient, image: string): Promise<void> {
  await client.plain('DELETE', `/images/${image}`, { query: { force: true } }).catch((error: unknown) => {
    if (refusedWith(error) !== 404) throw error;
  });
}

// Puts secrets that are files into a container before its start: through the archive API, so that no value is in the
// container's configuration, mode 0400, belonging to the user that the container runs as.

import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import { readTar } from '../../workspace/tar-files.ts';
import { openArchive, putArchive } from './container-files.ts';
import { isFileSecret } from './container-spec.ts';
import type { DockerClient } from './docker-client.ts';

export async function putSecretFiles(
  client: DockerClient,
  container: string,
  order: AttemptOrder,
  user: string,
  signal: AbortSignal,
): Promise<void> {
  const files = Object.entries(order.secrets).filter(([target]) => isFileSecret(target));
  if (files.length === 0) return;
  const owner = await resolveUser(client, container, user, signal);
  await putArchive(client, container, '/', packSecrets(files, owner), signal);
}

/** Folders on the way are not named: those that are there stay as they are, the engine makes the others. */
function packSecrets(files: readonly (readonly [string, string])[], owner: UserId): Readable {
  const archive = pack();
  for (const [target, value] of files) archive.entry({ name: target.slice(1), mode: 0o400, ...owner }, value);
  archive.finalize();
  return Readable.from(archive as AsyncIterable<Uint8Array>, { objectMode: false });
}

type UserId = { readonly uid: number; readonly gid: number };

/** `name`, `name:group`, `uid`, `uid:gid` or nothing, as Docker reads it: from the container's own files. */
async function resolveUser(
  client: DockerClient,
  container: string,
  user: string,
  signal: AbortSignal,
): Promise<UserId> {
  const [name = '', group] = user.split(':');
  if (name === '' || name === '0' || name === 'root') return { uid: 0, gid: 0 };
  const passwd = parseAccounts(await readText(client, container, '/etc/passwd', signal));
  const account = passwd.find((fields) => fields[0] === name || fields[2] === name);
  const uid = Number(account?.[2] ?? name);
  if (group === undefined) return { uid: numberOr0(uid), gid: numberOr0(Number(account?.[3] ?? 0)) };
  const groups = /^\d+$/.test(group) ? [] : parseAccounts(await readText(client, container, '/etc/group', signal));
  const gid = Number(groups.find((fields) => fields[0] === group)?.[2] ?? group);
  return { uid: numberOr0(uid), gid: numberOr0(gid) };
}

/** An unknown name is refused by the engine at the start, with its own words. */
const numberOr0 = (value: number): number => (Number.isInteger(value) ? value : 0);

const parseAccounts = (text: string): string[][] => text.split('\n').map((line) => line.split(':'));

async function readText(client: DockerClient, container: string, path: string, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const entry of readTar(openArchive(client, container, signal), '/', path)) {
    for await (const chunk of entry.content) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

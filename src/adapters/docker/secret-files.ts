// Puts secrets that are files into a container before its start: through the archive API, so that no value is in the
// container's configuration, mode 0400, belonging to the user that the container runs as.

import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import { packEntry, putArchive } from './container-files.ts';
import { isFileSecret } from './container-spec.ts';
import { type DockerClient, refusedWith } from './docker-client.ts';

export async function putSecretFiles(
  client: DockerClient,
  container: string,
  order: AttemptOrder,
  user: string,
  signal: AbortSignal,
): Promise<void> {
  const files = Object.entries(order.secrets).filter(([target]) => isFileSecret(target));
  if (files.length === 0) return;
  const { uid, gid } = await resolveUser(client, container, user, signal);
  const fill = async (archive: Parameters<Parameters<typeof putArchive>[2]>[0]) => {
    for (const [target, value] of files) {
      const content = Buffer.from(value);
      const header = { name: target.slice(1), size: content.length, mode: 0o400, uid, gid };
      await packEntry(archive, header, once(content));
    }
  };
  await putArchive(client, container, fill, signal);
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  if (content.length > 0) yield content;
}

type UserId = { readonly uid: number; readonly gid: number };

/** `name`, `name:group`, `uid`, `uid:gid` or nothing, as Docker reads it: from the container's own files. */
async function resolveUser(client: DockerClient, container: string, user: string, signal: AbortSignal): Promise<UserId> {
  const [name = '', group] = user.split(':');
  if (name === '' || name === '0' || name === 'root') return { uid: 0, gid: 0 };
  const passwd = parseAccounts(await readText(client, container, '/etc/passwd', signal));
  const account = passwd.find((fields) => fields[0] === name || fields[2] === name);
  const uid = Number(account?.[2] ?? name);
  if (group === undefined) return { uid: numberOr0(uid), gid: numberOr0(Number(account?.[3] ?? 0)) };
  const groups = /^\d+$/.test(group) ? [] : parseAccounts(await readText(client, container, '/etc/group', signal));
  return { uid: numberOr0(uid), gid: numberOr0(Number(groups.find((fields) => fields[0] === group)?.[2] ?? group)) };
}

/** An unknown name is refused by the engine at the start, with its own words. */
const numberOr0 = (value: number): number => (Number.isInteger(value) ? value : 0);

const parseAccounts = (text: string): string[][] => text.split('\n').map((line) => line.split(':'));

async function readText(client: DockerClient, container: string, path: string, signal: AbortSignal): Promise<string> {
  let stream: Readable;
  try {
    stream = await client.stream('GET', `/containers/${container}/archive`, { query: { path }, signal });
  } catch (error) {
    if (refusedWith(error) === 404) return '';
    throw error;
  }
  const unpacked = extract();
  stream.pipe(unpacked as unknown as NodeJS.WritableStream);
  let text = '';
  for await (const entry of unpacked) {
    for await (const chunk of entry as AsyncIterable<Buffer>) text += chunk.toString('utf8');
  }
  return text;
}

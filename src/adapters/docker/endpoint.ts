// Where the Docker engine is, found as Docker's own command line finds it: DOCKER_HOST, DOCKER_CONTEXT, the current context of
// its configuration, then the sockets that Docker, rootless Docker, Docker Desktop and Podman use. Runs in the submitting
// client, so it loads nothing heavy and talks to no engine beyond opening a socket.

import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';

export type DockerEndpoint = {
  /** `unix:///…`, `tcp://…` or `ssh://…`. */
  readonly endpoint: string;
  /** A folder with ca.pem, cert.pem, key.pem, where the engine is spoken to over TLS. */
  readonly tlsDirectory?: string;
  readonly dockerConfigDirectory: string;
  /** How it was chosen, to be read after "chosen by": `DOCKER_HOST`, `the context "colima"`. */
  readonly chosenBy: string;
};

/** `missing`: no such file; `refused`: nobody listens; `denied`: no permission. */
export type SocketState = 'open' | 'missing' | 'refused' | 'denied';

export type EndpointWorld = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly uid: number;
  readonly readText: (path: string) => Promise<string | undefined>;
  readonly tryUnixSocket: (path: string) => Promise<SocketState>;
};

export const DEFAULT_SOCKET = '/var/run/docker.sock';

export function realEndpointWorld(env: EndpointWorld['env']): EndpointWorld {
  return {
    env,
    home: env.HOME || homedir(),
    uid: process.getuid?.() ?? userInfo().uid,
    readText: (path) => readFile(path, 'utf8').catch(() => undefined),
    tryUnixSocket,
  };
}

/** Throws CONFIG_INVALID where a context is named that does not exist. An endpoint that does not answer is still found. */
export async function findDockerEndpoint(
  env: EndpointWorld['env'],
  world: EndpointWorld = realEndpointWorld(env),
): Promise<DockerEndpoint> {
  const dockerConfigDirectory = env.DOCKER_CONFIG || join(world.home, '.docker');
  if (env.DOCKER_HOST) {
    const tlsDirectory = env.DOCKER_TLS_VERIFY || env.DOCKER_TLS ? env.DOCKER_CERT_PATH || dockerConfigDirectory : null;
    return {
      endpoint: normaliseEndpoint(env.DOCKER_HOST, 'DOCKER_HOST'),
      ...(tlsDirectory === null ? {} : { tlsDirectory }),
      dockerConfigDirectory,
      chosenBy: 'DOCKER_HOST',
    };
  }
  const context = await currentContext(world, dockerConfigDirectory);
  if (context) return { ...(await readContext(world, dockerConfigDirectory, context)), dockerConfigDirectory };
  return { ...(await findSocket(world)), dockerConfigDirectory };
}

type Context = { readonly name: string; readonly chosenBy: string };

async function currentContext(world: EndpointWorld, directory: string): Promise<Context | undefined> {
  const named = world.env.DOCKER_CONTEXT;
  if (named) return named === 'default' ? undefined : { name: named, chosenBy: `DOCKER_CONTEXT=${named}` };
  const path = join(directory, 'config.json');
  const config = parseObject(await world.readText(path));
  const current = config?.currentContext;
  if (typeof current !== 'string' || current === '' || current === 'default') return undefined;
  return { name: current, chosenBy: `the current context "${current}" of ${path}` };
}

async function readContext(
  world: EndpointWorld,
  directory: string,
  context: Context,
): Promise<Omit<DockerEndpoint, 'dockerConfigDirectory'>> {
  const id = createHash('sha256').update(context.name).digest('hex');
  const path = join(directory, 'contexts', 'meta', id, 'meta.json');
  const meta = parseObject(await world.readText(path));
  const docker = asObject(asObject(meta?.Endpoints)?.docker);
  if (typeof docker?.Host !== 'string' || docker.Host === '') {
    throw new DistributoError('CONFIG_INVALID', `the Docker context "${context.name}" has no endpoint in ${path}`, {
      hint: 'see the contexts there are with: docker context ls',
    });
  }
  const tlsDirectory = join(directory, 'contexts', 'tls', id, 'docker');
  const hasTls = (await world.readText(join(tlsDirectory, 'ca.pem'))) !== undefined;
  return {
    endpoint: normaliseEndpoint(docker.Host, `the context "${context.name}"`),
    ...(hasTls ? { tlsDirectory } : {}),
    chosenBy: context.chosenBy,
  };
}

/** Of the usual sockets the first that answers; else the first that exists; else Docker's default. */
async function findSocket(world: EndpointWorld): Promise<Omit<DockerEndpoint, 'dockerConfigDirectory'>> {
  let existing: { endpoint: string; chosenBy: string } | undefined;
  for (const { path, what } of usualSockets(world)) {
    const state = await world.tryUnixSocket(path);
    const found = { endpoint: `unix://${path}`, chosenBy: what };
    if (state === 'open') return found;
    if (state !== 'missing') existing ??= found;
  }
  return existing ?? { endpoint: `unix://${DEFAULT_SOCKET}`, chosenBy: 'default' };
}

function usualSockets(world: EndpointWorld): { path: string; what: string }[] {
  const runtimeDirectory = world.env.XDG_RUNTIME_DIR || `/run/user/${world.uid}`;
  return [
    { path: DEFAULT_SOCKET, what: 'default' },
    { path: join(runtimeDirectory, 'docker.sock'), what: 'the socket of rootless Docker' },
    { path: join(world.home, '.docker/run/docker.sock'), what: 'the socket of Docker Desktop' },
    { path: join(world.home, '.docker/desktop/docker.sock'), what: 'the socket of Docker Desktop' },
    { path: join(runtimeDirectory, 'podman/podman.sock'), what: 'the socket of Podman' },
    { path: '/run/podman/podman.sock', what: 'the socket of Podman' },
  ];
}

/** Takes what Docker's CLI takes; the answer has a scheme and, for tcp, a port. */
export function normaliseEndpoint(text: string, origin: string): string {
  const value = text.trim();
  if (value.startsWith('/')) return `unix://${value}`;
  const [scheme, rest] = value.includes('://') ? split(value, '://') : ['tcp', value];
  if (scheme === 'unix') return `unix://${rest === '' ? DEFAULT_SOCKET : rest}`;
  if (scheme === 'ssh' && rest !== '') return `ssh://${rest}`;
  if (scheme === 'tcp' || scheme === 'http' || scheme === 'https') {
    const host = rest.replace(/\/+$/, '');
    if (host !== '') return `tcp://${/:\d+$/.test(host) ? host : `${host}:${scheme === 'https' ? 2376 : 2375}`}`;
  }
  throw new DistributoError('CONFIG_INVALID', `${origin} is "${value}", which is no Docker endpoint`, {
    hint: 'use unix:///path/docker.sock, tcp://host:port or ssh://user@host',
  });
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}

/** Opens and closes a connection; a socket file may be left over from an engine that is gone. */
async function tryUnixSocket(path: string): Promise<SocketState> {
  try {
    await access(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'denied' : 'missing';
  }
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('open');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES' ? 'denied' : 'refused'));
  });
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

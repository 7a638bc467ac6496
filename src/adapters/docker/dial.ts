// Opens one connection to an engine: a Unix socket, TCP, TLS, or `ssh host docker system dial-stdio`, whose standard input and
// output are then the connection. No HTTP here.

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import { DistributoError } from '../../domain/errors.ts';

export type Dial = (callback: (error: Error | null, connection: Duplex | null) => void) => void;

export type DialOptions = {
  readonly endpoint: string;
  readonly tlsDirectory?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

const CONNECT_TIMEOUT_MS = 20_000;

export async function makeDial(options: DialOptions): Promise<Dial> {
  const { endpoint } = options;
  const rest = endpoint.slice(endpoint.indexOf('://') + 3);
  if (endpoint.startsWith('unix://')) return (callback) => settle(connectSocket(rest), 'connect', callback);
  if (endpoint.startsWith('ssh://')) return (callback) => dialSsh(rest, options.env ?? process.env, callback);
  const { hostname, port } = new URL(`tcp://${rest}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (options.tlsDirectory === undefined) {
    return (callback) => settle(connectSocket({ host, port: Number(port) }), 'connect', callback);
  }
  const secure = await readCertificates(options.tlsDirectory);
  return (callback) =>
    settle(connectTls({ host, port: Number(port), servername: host, ...secure }), 'secureConnect', callback);
}

type Socket = ReturnType<typeof connectSocket>;

function settle(socket: Socket, event: 'connect' | 'secureConnect', callback: Parameters<Dial>[0]): void {
  socket.setKeepAlive(true, 30_000).setNoDelay(true).setTimeout(CONNECT_TIMEOUT_MS);
  const fail = (error: Error) => {
    socket.destroy();
    callback(error, null);
  };
  const timeOut = () => fail(Object.assign(new Error('the host does not answer'), { code: 'ETIMEDOUT' }));
  socket.once('error', fail).once('timeout', timeOut);
  socket.once(event, () => {
    socket.off('error', fail).off('timeout', timeOut).setTimeout(0);
    callback(null, socket);
  });
}

async function readCertificates(directory: string): Promise<SecureContextOptions> {
  const read = (name: string) => readFile(join(directory, name));
  const optional = (name: string) => read(name).catch(() => undefined);
  const ca = await read('ca.pem').catch((error: unknown) => {
    throw new DistributoError(
      'CONFIG_INVALID',
      `Docker's TLS certificate ${join(directory, 'ca.pem')} cannot be read`,
      {
        hint: 'DOCKER_CERT_PATH must name a folder with ca.pem, cert.pem and key.pem',
        cause: error,
      },
    );
  });
  const [cert, key] = await Promise.all([optional('cert.pem'), optional('key.pem')]);
  return { ca, ...(cert && key ? { cert, key } : {}) };
}

/** `user@host:port` as in Docker's own ssh endpoints; a path after the host is the remote socket. */
export function sshArguments(rest: string): string[] {
  const url = new URL(`ssh://${rest}`);
  const remote = [
    'docker',
    ...(url.pathname.length > 1 ? ['--host', `unix://${url.pathname}`] : []),
    'system',
    'dial-stdio',
  ];
  return [
    '-T',
    ...['-o', 'ConnectTimeout=15', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=15'],
    ...(url.username === '' ? [] : ['-l', decodeURIComponent(url.username)]),
    ...(url.port === '' ? [] : ['-p', url.port]),
    ...['--', url.hostname.replace(/^\[|\]$/g, ''), ...remote],
  ];
}

function dialSsh(rest: string, env: NonNullable<DialOptions['env']>, callback: Parameters<Dial>[0]): void {
  const child = spawn('ssh', sshArguments(rest), { stdio: ['pipe', 'pipe', 'pipe'], env: env as NodeJS.ProcessEnv });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2_000);
  });
  const connection = new Duplex({
    read: () => child.stdout.resume(),
    // A pipe that breaks is no news: why it broke comes with the end of ssh.
    write: (chunk, _, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      // What runs at the far end may not heed a signal; it ends when nobody writes to it any more.
      child.stdin.destroy();
      child.stdout.destroy();
      child.kill();
      done(error);
    },
  });
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk) => {
    if (!connection.push(chunk)) child.stdout.pause();
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? new Error('ssh is not installed') : error;
    connection.on('error', () => undefined).destroy(why);
    callback(why, null);
  });
  child.once('close', (code) => {
    if (code === 0) connection.push(null);
    else connection.destroy(new Error(words.trim().split('\n').at(-1) || `ssh ended with code ${code}`));
  });
  // There is no sign that the other end is ready: what is written waits in the pipe.
  child.once('spawn', () => callback(null, connection));
}

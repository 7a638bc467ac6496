// A real S3 server that others wrote: moto, from PyPI, in a virtual environment of its own under .cache/. Made once for each
// set of pinned requirements. Where it cannot be had its suites are skipped, saying why; with CI=true that is a failure.

import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The project's own folder: this file runs from dist/test/support. */
const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const requirements = join(project, 'test/support/moto-requirements.txt');

export type Moto =
  | { readonly endpoint: string; readonly stop: () => Promise<void>; readonly skip: false }
  | { readonly endpoint: ''; readonly stop: () => Promise<void>; readonly skip: string };

export const MOTO_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** Call `stop` when the tests are over; the server also ends with this process, however that ends. */
export async function startMoto(): Promise<Moto> {
  try {
    return await serve(await prepareMoto());
  } catch (error) {
    const why = `moto, the S3 server of the tests, could not be prepared: ${error instanceof Error ? error.message : error}`;
    if (process.env.CI === 'true') throw new Error(why);
    process.stderr.write(`! ${why}\n! its suites are skipped; they need python3 with venv, and PyPI\n`);
    return { endpoint: '', stop: async () => undefined, skip: why.split('\n')[0] ?? why };
  }
}

/** The Python of the environment, made where it is not there yet. Safe from several processes at once. */
export async function prepareMoto(): Promise<string> {
  const pins = await readFile(requirements);
  const cache = process.env.DISTRIBUTO_TEST_CACHE ?? join(project, '.cache');
  const folder = join(cache, `moto-${createHash('sha256').update(pins).digest('hex').slice(0, 12)}`);
  const python = join(folder, 'bin/python');
  const done = join(folder, 'complete');
  await mkdir(cache, { recursive: true });
  while (!(await isThere(done))) {
    if (!(await takeLock(`${folder}.lock`))) {
      await new Promise((wake) => setTimeout(wake, 200));
      continue;
    }
    try {
      if (await isThere(done)) break;
      await rm(folder, { recursive: true, force: true });
      await run('python3', ['-m', 'venv', folder]);
      const options = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--only-binary', ':all:'];
      await run(python, ['-m', 'pip', 'install', ...options, '--requirement', requirements], { timeout: 600_000 });
      await writeFile(done, '');
    } finally {
      await rm(`${folder}.lock`, { force: true });
    }
  }
  return python;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** One maker at a time; a lock whose holder has died is taken away. */
async function takeLock(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(path, 'utf8').catch(() => '0'));
  if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Asks the kernel to end it with its parent (PR_SET_PDEATHSIG = 1, SIGKILL = 9), then serves on a free port. */
const PROGRAM = `
import ctypes
try:
    ctypes.CDLL(None).prctl(1, 9)
except Exception:
    pass
from moto.server import main
main(["-H", "127.0.0.1", "-p", "0"])
`;

async function serve(python: string): Promise<Moto> {
  const child = spawn(python, ['-c', PROGRAM], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  let said = '';
  const port = await new Promise<string>((found, fail) => {
    const listen = (chunk: Buffer): void => {
      if (said.length < 65_536) said += chunk.toString();
      const match = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(said);
      if (match?.[1] !== undefined) found(match[1]);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', fail);
    child.once('close', (code) => fail(new Error(`moto ended with ${code}: ${said.slice(-500)}`)));
    setTimeout(() => fail(new Error(`moto did not start within 60 s: ${said.slice(-500)}`)), 60_000).unref();
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const answer = await fetch(`${endpoint}/moto-api/data.json`);
  if (!answer.ok) {
    await stop();
    throw new Error(`moto answered ${answer.status}`);
  }
  await answer.arrayBuffer();
  return { endpoint, stop, skip: false };
}

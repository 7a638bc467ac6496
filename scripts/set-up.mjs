// What every npm command does first, on a machine that has only Node and npm: install the dependencies, build. Quick where both
// are done already. Plain JavaScript without dependencies, since it runs before there are any.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(ROOT, 'node_modules', '.installed-lock');

export const say = (text) => process.stderr.write(`${text}\n`);

/** Ends the process with a sentence and what to do. */
export function fail(what, next, code = 1) {
  say(`error: ${what}`);
  if (next) say(`next: ${next}`);
  process.exit(code);
}

/** Runs a command quietly; what it printed is shown only where it fails. */
export function runQuietly(what, command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, ...options });
  if (done.status === 0) return;
  say(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`.trimEnd());
  fail(`${what} failed (${command} ${args.slice(0, 3).join(' ')})`, 'see the lines above');
}

export function setUp() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node ${process.versions.node} is too old`, 'install Node 20.19 or newer');
  install();
  build();
}

function install() {
  // A link: another checkout's packages, which npm would empty.
  if (lstatSync(join(ROOT, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return;
  say('installing dependencies (npm ci)');
  runQuietly('the installation of dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    shell: process.platform === 'win32',
  });
  writeFileSync(STAMP, lock);
}

function build() {
  if (!existsSync(join(ROOT, 'dist'))) say('building');
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  runQuietly('the build', process.execPath, [tsc, '-b', 'tsconfig.core.json', 'tsconfig.json']);
  runQuietly('the build', process.execPath, [join(ROOT, 'dist', 'scripts', 'write-schema.js')]);
}

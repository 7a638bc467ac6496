// Packages of Debian that an example or a test needs: which are missing, and how they come.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { say } from './set-up.mjs';

const answers = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** What is looked for, by the package that brings it. */
const NEEDS = {
  python3: () => answers('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 11))'),
  'python3-venv': () => answers('python3', '-c', 'import ensurepip, venv'),
  'docker.io': () => answers('dockerd', '--version') && answers('docker', '--version'),
  'busybox-static': () => existsSync('/bin/busybox'),
  gcc: () => answers('gcc', '--version'),
  'libc6-dev': () => existsSync('/usr/include/dlfcn.h'),
  git: () => answers('git', '--version'),
  tmux: () => answers('tmux', '-V'),
};

export const missingPackages = (names) => names.filter((name) => !NEEDS[name]());

export const installCommand = (names) => `apt-get install -y --no-install-recommends ${names.join(' ')}`;

export const canInstall = () => process.getuid?.() === 0 && answers('apt-get', '--version');

/** Installs what is missing; the answer lists what is still missing afterwards. */
export function installPackages(names) {
  const missing = missingPackages(names);
  if (missing.length === 0 || !canInstall()) return missing;
  say(`installing ${missing.join(', ')} (apt-get)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...missing], { env, encoding: 'utf8' });
  let done = install();
  if (done.status !== 0) {
    spawnSync('apt-get', ['update'], { env, stdio: 'ignore' });
    done = install();
  }
  if (done.status !== 0) say(`${done.stderr ?? ''}`.trimEnd().split('\n').slice(-5).join('\n'));
  return missingPackages(names);
}

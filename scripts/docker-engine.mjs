// A Docker engine for the tests: the one that answers, else one started here and ended with us. DOCKER_HOST is a choice of its
// own: where it points nowhere, no other engine takes its place.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from './set-up.mjs';

const answers = () =>
  spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore', timeout: 20_000 }).status ===
  0;

/** Tried in this order: as it is; where the network may not be changed; where the disk cannot hold layers either. */
const WAYS = [
  [],
  ['--iptables=false', '--bridge=none'],
  ['--iptables=false', '--bridge=none', '--storage-driver=vfs', '--data-root=OWN'],
];
const START_MS = 60_000;
/** A daemon without a bridge removes docker0, which may be that of another engine: then it gets a network of its own. */
const apartFrom = (way) =>
  way.includes('--bridge=none') && existsSync('/sys/class/net/docker0') ? ['unshare', '--net'] : [];

/** @returns {Promise<{ stop: () => Promise<void>, trouble: string | null }>} */
export async function provideDocker() {
  const none = async () => undefined;
  if (answers()) return { stop: none, trouble: null };
  if (process.env.DOCKER_HOST)
    return { stop: none, trouble: `no engine answers at DOCKER_HOST=${process.env.DOCKER_HOST}` };
  if (process.getuid?.() !== 0) return { stop: none, trouble: 'no Docker engine answers, and only root can start one' };
  mountControlGroups();
  let last = 'dockerd is not installed';
  for (const way of WAYS) {
    const folder = mkdtempSync(join(tmpdir(), 'distributo-dockerd-'));
    const flags = way.map((flag) => flag.replace('OWN', join(folder, 'data')));
    const log = openSync(join(folder, 'log'), 'a');
    const [program, ...words] = [...apartFrom(way), 'dockerd', ...flags];
    const daemon = spawn(program, words, { stdio: ['ignore', log, log] });
    closeSync(log);
    let isOver = false;
    daemon.on('error', () => {
      isOver = true;
    });
    daemon.on('exit', () => {
      isOver = true;
    });
    for (const until = Date.now() + START_MS; Date.now() < until && !isOver; ) {
      if (answers()) {
        say(`started a Docker engine for the tests (dockerd ${flags.join(' ')})`);
        return { stop: () => end(daemon).then(() => remove(folder)), trouble: null };
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    last = `dockerd did not come up: ${readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n').at(-1) ?? ''}`;
    if (!isOver) await end(daemon);
    remove(folder);
  }
  return { stop: none, trouble: last };
}

/** Where no init system has mounted them (a container, a chroot), as Debian's cgroupfs-mount does. */
function mountControlGroups() {
  const root = '/sys/fs/cgroup';
  if (existsSync(`${root}/cgroup.controllers`) || existsSync(`${root}/devices`)) return;
  const mount = (...args) => spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
  const first = readFileSync('/proc/cgroups', 'utf8').split('\n').slice(1).filter(Boolean);
  const named = first
    .map((line) => line.split('\t'))
    .filter(([, hierarchy, , isEnabled]) => hierarchy !== '0' && isEnabled === '1');
  if (named.length === 0) {
    mount('-t', 'cgroup2', 'cgroup2', root);
    return;
  }
  if (!mount('-t', 'tmpfs', '-o', 'uid=0,gid=0,mode=0755', 'cgroup', root)) return;
  for (const [name] of named) {
    mkdirSync(`${root}/${name}`, { recursive: true });
    if (!mount('-t', 'cgroup', '-o', name, 'cgroup', `${root}/${name}`)) rmdirSync(`${root}/${name}`);
  }
  // Without it containers that run out of memory are not reported as such.
  mkdirSync(`${root}/systemd`, { recursive: true });
  if (!mount('-t', 'cgroup', '-o', 'none,name=systemd', 'cgroup', `${root}/systemd`)) rmdirSync(`${root}/systemd`);
}

/** Its log, and its data where they lay there. What is still mounted stays, and is nobody's harm. */
function remove(folder) {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    say(`! left behind: ${folder} (${error.code})`);
  }
}

function end(daemon) {
  return new Promise((resolve) => {
    if (daemon.exitCode !== null) return resolve();
    daemon.once('exit', resolve);
    daemon.kill('SIGTERM');
  });
}

// A Docker engine of the test's own, with its own data, which may be stopped, killed and started again without harm to
// anybody. Needs root and the dockerd program.

import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerClient } from '../../src/adapters/docker/docker-client.ts';
import type { Target } from '../../src/domain/job.ts';
import { BUSYBOX_IMAGE, busyboxRoot, importImage } from './docker-image.ts';

const GENEROUS_MS = 60_000;

/** Why there can be none here; null where there can. */
export function privateEngineUnavailable(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  if (spawnSync('dockerd', ['--version']).status !== 0) return 'dockerd is not installed';
  if (!existsSync('/bin/busybox')) return '/bin/busybox is missing (package busybox-static)';
  return null;
}

export class PrivateEngine {
  readonly directory: string;
  readonly target: Target;
  #daemon: ChildProcess | undefined;
  /** Apart from the daemon, as in Debian's package: containers outlive a daemon that crashes. */
  #containerd: ChildProcess | undefined;

  static async start(): Promise<PrivateEngine> {
    const engine = new PrivateEngine(await mkdtemp(join(tmpdir(), 'distributo-dockerd-')));
    await engine.start();
    const client = await DockerClient.create({ endpoint: engine.target.endpoint });
    await client.negotiate();
    await importImage(client, BUSYBOX_IMAGE, busyboxRoot());
    await client.close();
    return engine;
  }

  private constructor(directory: string) {
    this.directory = directory;
    this.target = { backend: 'local', runtime: 'docker', endpoint: `unix://${join(directory, 'docker.sock')}` };
  }

  async start(): Promise<void> {
    const at = (name: string) => join(this.directory, name);
    const log = createWriteStream(at('dockerd.log'), { flags: 'a' });
    await once(log, 'open');
    const stdio: StdioOptions = ['ignore', log, log];
    const containerd = [
      '--root',
      at('containerd'),
      '--state',
      at('containerd-run'),
      '--address',
      at('containerd.sock'),
    ];
    this.#containerd ??= spawn('containerd', containerd, { stdio });
    const flags = [
      '--data-root',
      at('data'),
      '--exec-root',
      at('exec'),
      '--pidfile',
      at('pid'),
      '--host',
      this.target.endpoint,
    ];
    const quiet = ['--bridge', 'none', '--iptables=false', '--ip-masq=false', '--containerd', at('containerd.sock')];
    // In a network of its own: a daemon without a bridge removes docker0, which may be that of the machine's own engine.
    this.#daemon = spawn('unshare', ['--net', 'dockerd', ...flags, ...quiet], { stdio });
    await this.#untilAnswers();
    log.close();
  }

  async #untilAnswers(): Promise<void> {
    const client = await DockerClient.create({ endpoint: this.target.endpoint });
    try {
      for (const limit = Date.now() + GENEROUS_MS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
        try {
          await client.negotiate();
          return;
        } catch (error) {
          if (Date.now() > limit || this.#daemon?.exitCode !== null) {
            throw new Error(
              `dockerd did not start: ${readFileSync(join(this.directory, 'dockerd.log'), 'utf8').slice(-2_000)}`,
              { cause: error },
            );
          }
        }
      }
    } finally {
      await client.close();
    }
  }

  /** SIGTERM: as `systemctl stop docker`; containers end with it. SIGKILL: as a crash; they go on until it comes back. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'exit');
    daemon.kill(signal);
    await ended;
  }

  /** A daemon leaves its own folder mounted on itself. */
  #unmount(): void {
    const points = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((point) => point.startsWith(`${this.directory}/`));
    for (const point of points.reverse()) spawnSync('umount', ['--lazy', point]);
  }

  async remove(): Promise<void> {
    await this.stop('SIGTERM');
    if (this.#containerd && this.#containerd.exitCode === null) {
      const ended = once(this.#containerd, 'exit');
      this.#containerd.kill('SIGTERM');
      await ended;
    }
    this.#unmount();
    await rm(this.directory, { recursive: true, force: true });
  }
}

// A user with a home, a folder and a shell: runs the real program there, on plain processes, and tidies up afterwards.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/shells/cli/main.js', import.meta.url));

export type Finished = { readonly code: number | null; readonly out: string; readonly err: string };
export type Started = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<Finished>;
};

export class CliHouse {
  readonly folder: string;
  readonly env: Record<string, string>;

  private constructor(folder: string) {
    this.folder = folder;
    this.env = {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: folder,
      DISTRIBUTO_STATE: join(folder, 'state'),
      DISTRIBUTO_RUNTIME: 'process',
      LANG: 'C.UTF-8',
    };
  }

  static async build(context: Pick<TestContext, 'after'>): Promise<CliHouse> {
    const house = new CliHouse(await realpath(await mkdtemp(join(tmpdir(), 'distributo-cli-'))));
    // In this order: the controller lives in the folder.
    context.after(async () => {
      await house.run('controller', 'stop');
      await rm(house.folder, { recursive: true, force: true });
    });
    return house;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(this.path(name), text);
  }

  start(
    words: readonly string[],
    more: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
  ): Started {
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: this.folder, env: { ...this.env, ...more.env } });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.stdin.end(more.input ?? '');
    const ended = new Promise<Finished>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, out, err }));
    });
    return { child, out: () => out, err: () => err, ended };
  }

  run(...words: readonly string[]): Promise<Finished> {
    return this.start(words).ended;
  }

  /** A job file of one job, `fields` as YAML lines. */
  async job(name: string, ...fields: readonly string[]): Promise<string> {
    await this.write(`${name}.yaml`, [`name: ${name}`, 'image: none', ...fields, ''].join('\n'));
    return `${name}.yaml`;
  }
}

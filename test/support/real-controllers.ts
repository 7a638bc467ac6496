// Controllers as processes of their own, in state directories of a test; all of them ended and removed when it is over.

import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { logPath } from '../../src/shells/controller/controller-log.ts';
import { readHolder, readRecord } from '../../src/shells/controller/controller-record.ts';
import { removeSocket } from '../../src/shells/controller/socket-path.ts';
import { type Connection, type StartOptions, startController } from '../../src/shells/controller/start-controller.ts';
import { waitFor } from './wait-for.ts';

export type RealControllers = {
  readonly stateDirectory: string;
  start(options?: Partial<StartOptions>): Promise<Connection>;
  /** kill -9 of the one that holds the directory; resolves when it is gone. */
  kill(): Promise<void>;
  isHeld(): boolean;
  log(): string;
};

export async function realControllers(test: TestContext, subdirectory = 'state'): Promise<RealControllers> {
  // Not `scratchFolder`: its folder would be gone before the controllers in it are ended.
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'distributo-test-')));
  const stateDirectory = `${folder}/${subdirectory}`;
  const connections: Connection[] = [];
  const kill = () => killHolder(stateDirectory);
  test.after(async () => {
    for (const { client } of connections) client.close();
    await kill();
    const socket = readRecord(stateDirectory)?.socket;
    if (socket) removeSocket(socket); // of a long path: it lies elsewhere
    await rm(folder, { recursive: true, force: true });
  });
  return {
    stateDirectory,
    async start(options = {}) {
      const connection = await startController({ stateDirectory, ...options });
      connections.push(connection);
      return connection;
    },
    kill,
    isHeld: () => readHolder(stateDirectory) !== undefined,
    log: () => readFileSync(logPath(stateDirectory), 'utf8'),
  };
}

export async function killHolder(stateDirectory: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const holder = readHolder(stateDirectory);
  if (holder === undefined) return;
  process.kill(holder.pid, signal);
  await waitFor('the controller to be gone', () => readHolder(stateDirectory)?.pid !== holder.pid);
}

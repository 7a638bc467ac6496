// The HTTP shell around a stub engine, on a Unix socket of its own, with a client. Closed when the test ends.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Engine } from '../../src/engine/engine-api.ts';
import { type ApiClient, createApiClient } from '../../src/shells/api/client.ts';
import { createHttpServer, type HttpServer } from '../../src/shells/http/create-server.ts';

export type ServedStub = {
  readonly client: ApiClient;
  readonly server: HttpServer;
  readonly socketPath: string;
  readonly stops: string[];
  readonly faults: unknown[];
};

export async function serveStub(test: TestContext, engine: Engine, version?: string): Promise<ServedStub> {
  const folder = await mkdtemp(join(tmpdir(), 'distributo-http-'));
  const socketPath = join(folder, 'api.sock');
  const stops: string[] = [];
  const faults: unknown[] = [];
  const server = createHttpServer({
    engine,
    ...(version === undefined ? {} : { version }),
    onFault: (error) => faults.push(error),
    self: {
      stop: (reason) => stops.push(reason),
      describe: () => ({
        schema: 'distributo/controller/1',
        version: version ?? '0.1.0',
        apiNumber: 1,
        pid: process.pid,
        sinceMs: 0,
        stateDirectory: folder,
        socket: socketPath,
        log: join(folder, 'controller.log'),
        ownerId: 'owner',
        isIdle: true,
        endsAtMs: null,
        runs: 0,
        liveAttempts: 0,
      }),
    },
  });
  await server.listen(socketPath);
  const client = createApiClient({ socketPath });
  test.after(async () => {
    client.close();
    await server.close('the test ends');
    await rm(folder, { recursive: true, force: true });
  });
  return { client, server, socketPath, stops, faults };
}

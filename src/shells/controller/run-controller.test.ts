import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratchFolder } from '../../../test/support/scratch.ts';
import { aStubEngine, type StubEngine } from '../../../test/support/stub-engine.ts';
import { DistributoError } from '../../domain/errors.ts';
import { createApiClient } from '../api/client.ts';
import { logPath } from './controller-log.ts';
import { readHolder, readRecord, recordPath } from './controller-record.ts';
import { takeFailureNote } from './failure-note.ts';
import { readProcessIdentity } from './process-identity.ts';
import { type ControllerOptions, type EngineOptions, runController } from './run-controller.ts';

type Parts = {
  readonly engine?: StubEngine;
  readonly openStore?: () => Promise<never>;
  readonly holdDirectory?: () => Promise<never>;
  readonly onOptions?: (options: EngineOptions) => void;
  readonly closed?: string[];
};

function start(
  stateDirectory: string,
  { engine = aStubEngine(), ...parts }: Parts,
  options: Partial<ControllerOptions> = {},
) {
  const note = (what: string) => async () => void parts.closed?.push(what);
  return runController(
    {
      holdDirectory: parts.holdDirectory ?? (async () => () => void parts.closed?.push('directory')),
      openStore: parts.openStore ?? (async () => ({ store: { ownerId: 'owner-1', close: note('store') } })),
      createEngine: async (_held, engineOptions) => {
        parts.onOptions?.(engineOptions);
        return { ...engine, close: note('engine') };
      },
    },
    { stateDirectory, ...options },
  );
}

async function ask(t: TestContext, socketPath: string) {
  const client = createApiClient({ socketPath });
  t.after(() => client.close());
  return client;
}

test('a controller answers on its socket, and leaves nothing but its log when it ends', async (t) => {
  const stateDirectory = await scratchFolder(t);
  const closed: string[] = [];
  const controller = await start(stateDirectory, { closed });
  const client = await ask(t, controller.socketPath);
  const view = await client.readController();
  assert.deepEqual([view.pid, view.ownerId, view.stateDirectory], [process.pid, 'owner-1', stateDirectory]);
  assert.equal(readHolder(stateDirectory)?.socket, controller.socketPath);
  assert.equal(statSync(stateDirectory).mode & 0o777, 0o700);
  await client.stopController();
  assert.equal((await controller.ended).reason, 'a client asked for it');
  assert.deepEqual(closed, ['engine', 'store', 'directory']);
  assert.equal(existsSync(controller.socketPath), false);
  assert.equal(existsSync(recordPath(stateDirectory)), false);
  assert.match(readFileSync(logPath(stateDirectory), 'utf8'), /ends: a client asked for it/);
});

test('with nothing to do it ends by itself; a client that watches keeps it', async (t) => {
  const stateDirectory = await scratchFolder(t);
  const engine = aStubEngine({ listEvents: async () => [] });
  const controller = await start(stateDirectory, { engine }, { settings: { idleEndMs: 150 } });
  const client = await ask(t, controller.socketPath);
  const ends = new AbortController();
  const watching = (async () => {
    for await (const _event of client.followEvents({}, { signal: ends.signal }));
  })();
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.notEqual(readHolder(stateDirectory), undefined);
  ends.abort();
  await watching;
  assert.equal((await controller.ended).reason, 'nothing to do');
});

test('work keeps it from ending', async (t) => {
  const stateDirectory = await scratchFolder(t);
  let isIdle = false;
  const engine = aStubEngine({ isIdle: () => isIdle });
  const controller = await start(stateDirectory, { engine }, { settings: { idleEndMs: 100 } });
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.notEqual(readHolder(stateDirectory), undefined);
  isIdle = true;
  assert.equal((await controller.ended).reason, 'nothing to do');
});

test('a state directory with a long path has its socket elsewhere, found through the record', async (t) => {
  const stateDirectory = join(await scratchFolder(t), 'x'.repeat(120), 'y'.repeat(120));
  const controller = await start(stateDirectory, {});
  assert.ok(Buffer.byteLength(controller.socketPath) <= 100);
  assert.equal(readHolder(stateDirectory)?.socket, controller.socketPath);
  const folder = dirname(controller.socketPath);
  assert.equal(statSync(folder).mode & 0o077, 0);
  const client = await ask(t, controller.socketPath);
  assert.equal((await client.readController()).stateDirectory, stateDirectory);
  await controller.stop('the test ends');
  assert.equal(existsSync(controller.socketPath), false);
});

test('a directory that a living controller holds is refused with who holds it', async (t) => {
  const stateDirectory = await scratchFolder(t);
  const other = spawn('sleep', ['60']);
  t.after(() => other.kill());
  await once(other, 'spawn');
  const pid = other.pid as number;
  const record = {
    schema: 'distributo/controller-record/1',
    version: '0.1.0',
    pid,
    identity: readProcessIdentity(pid),
    sinceMs: Date.UTC(2026, 10, 24, 18, 0, 0),
    socket: '/some/where.sock',
  };
  writeFileSync(recordPath(stateDirectory), JSON.stringify(record));
  await assert.rejects(start(stateDirectory, {}), (error: DistributoError) => {
    assert.equal(error.code, 'STORE_LOCKED');
    assert.match(
      error.message,
      new RegExp(`held by controller ${pid} since 2026-11-24 18:00:00 UTC, listening at /some/where`),
    );
    return true;
  });
  assert.equal(readRecord(stateDirectory)?.pid, pid);
});

test('what a killed controller left is recognised and removed', async (t) => {
  const stateDirectory = await scratchFolder(t);
  const gone = spawn('true');
  const pid = gone.pid as number;
  await once(gone, 'exit');
  const socket = join(stateDirectory, 'controller.sock');
  writeFileSync(socket, '');
  // The number of a process that lives now, with the identity of one that is gone.
  for (const number of [pid, process.ppid]) {
    writeFileSync(
      recordPath(stateDirectory),
      JSON.stringify({ schema: 'distributo/controller-record/1', pid: number, identity: 'boot:1', sinceMs: 0, socket }),
    );
    const controller = await start(stateDirectory, {});
    await (await ask(t, controller.socketPath)).readController();
    await controller.stop('the test ends');
  }
});

test('a lock without a record is told without a name, within a moment', async (t) => {
  const stateDirectory = await scratchFolder(t);
  const holdDirectory = async () => {
    throw new DistributoError('STORE_LOCKED', 'busy');
  };
  await assert.rejects(start(stateDirectory, { holdDirectory }), (error: DistributoError) => {
    assert.equal(error.code, 'STORE_LOCKED');
    assert.match(error.message, /another controller that starts just now/);
    return true;
  });
});

test('an engine that cannot go on ends the process, and the reason waits for the next command', async (t) => {
  const stateDirectory = await scratchFolder(t);
  let options: EngineOptions | undefined;
  const controller = await start(stateDirectory, { onOptions: (given) => (options = given) });
  options?.onFatal(
    new DistributoError('STORE_FAILED', 'the disk of store.db answered EIO', { hint: 'check the disk' }),
  );
  const { error } = await controller.ended;
  assert.equal((error as DistributoError).code, 'STORE_FAILED');
  const note = takeFailureNote(stateDirectory);
  assert.deepEqual([note?.error.code, note?.error.hint], ['STORE_FAILED', 'check the disk']);
  assert.equal(takeFailureNote(stateDirectory), undefined);
});

test('a store that cannot be opened leaves no record and no socket', async (t) => {
  const stateDirectory = await scratchFolder(t);
  const openStore = async () => {
    throw new DistributoError('STORE_DAMAGED', 'the store is corrupt');
  };
  await assert.rejects(start(stateDirectory, { openStore }), { code: 'STORE_DAMAGED' });
  assert.equal(readRecord(stateDirectory), undefined);
});

test('a controller whose state directory is removed ends, and leaves the next one alone', async (t) => {
  const stateDirectory = join(await scratchFolder(t), 'state');
  const controller = await start(stateDirectory, {}, { endsWhenIdle: false });
  rmSync(stateDirectory, { recursive: true });
  assert.equal((await controller.ended).reason, 'its state directory was removed');
  assert.equal(existsSync(stateDirectory), false);
});

// How controllers come and go as real processes.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DistributoError } from '../../src/domain/errors.ts';
import { createApiClient } from '../../src/shells/api/client.ts';
import { readHolder, recordPath } from '../../src/shells/controller/controller-record.ts';
import { readProcessIdentity } from '../../src/shells/controller/process-identity.ts';
import { findController, startController } from '../../src/shells/controller/start-controller.ts';
import { killHolder, realControllers } from '../support/real-controllers.ts';
import { waitFor } from '../support/wait-for.ts';

test('commands that start a controller at once end with one, and all are served', async (t) => {
  for (let round = 0; round < 5; round++) {
    const { stateDirectory, start } = await realControllers(t);
    const connections = await Promise.all([start(), start(), start()]);
    const pids = await Promise.all(connections.map(async ({ client }) => (await client.readController()).pid));
    assert.deepEqual(new Set(pids).size, 1, `round ${round}: ${pids}`);
    assert.equal(readHolder(stateDirectory)?.pid, pids[0]);
    assert.equal(connections.filter(({ isStarted }) => isStarted).length, 1);
    await killHolder(stateDirectory);
  }
});

test('a killed controller leaves a socket and a record, and the next one takes their place', async (t) => {
  const { stateDirectory, start, kill } = await realControllers(t);
  const first = await start();
  await kill();
  assert.ok(existsSync(join(stateDirectory, 'controller.sock')));
  assert.ok(existsSync(recordPath(stateDirectory)));
  assert.equal(await findController(stateDirectory), undefined);
  const second = await start();
  assert.notEqual(second.controller.pid, first.controller.pid);
  assert.equal(second.isStarted, true);
  assert.equal((await start()).isStarted, false);
});

test('with nothing to do the process ends and leaves no socket', async (t) => {
  const { stateDirectory, start, isHeld, log } = await realControllers(t);
  await start({ settings: { idleEndMs: 200 } });
  await waitFor('the idle end', () => !isHeld() && !existsSync(recordPath(stateDirectory)));
  assert.deepEqual(
    readdirSync(stateDirectory).filter((name) => /sock|record|\.new|probe/.test(name)),
    [],
  );
  assert.match(log(), /ends: nothing to do/);
});

test('a state directory whose path is too long for a socket works like any other', async (t) => {
  const { start, kill } = await realControllers(t, `${'deep/'.repeat(30)}state`);
  const { controller, client } = await start();
  assert.ok(Buffer.byteLength(controller.socket) <= 100);
  assert.ok(statSync(controller.socket).isSocket());
  assert.deepEqual((await client.listRuns({ all: true })).runs, []);
  await kill();
  const again = await start();
  assert.equal(existsSync(controller.socket), again.controller.socket === controller.socket);
});

test('a newer command replaces an older controller; an older command leaves a newer one alone', async (t) => {
  const { stateDirectory, start } = await realControllers(t);
  const old = await start({ version: '0.0.1' });
  const newer = await start();
  assert.notEqual(newer.controller.pid, old.controller.pid);
  await assert.rejects(start({ version: '0.0.1' }), (error: DistributoError) => {
    assert.equal(error.code, 'CONTROLLER_VERSION');
    assert.match(error.hint ?? '', /or newer/);
    return true;
  });
  assert.equal(readHolder(stateDirectory)?.pid, newer.controller.pid);
  // Without the courtesy of `startController`: the version in a request is enough.
  const client = createApiClient({ socketPath: newer.controller.socket, version: '99.0.0' });
  await assert.rejects(client.listRuns(), { code: 'CONTROLLER_VERSION' });
  client.close();
  await waitFor('the replaced controller to end', () => readHolder(stateDirectory)?.pid !== newer.controller.pid);
});

test('SIGTERM ends it in order', async (t) => {
  const { stateDirectory, start, log } = await realControllers(t);
  await start();
  await killHolder(stateDirectory, 'SIGTERM');
  assert.match(log(), /ends: signal SIGTERM/);
  assert.equal(existsSync(recordPath(stateDirectory)), false);
});

test('a damaged store is refused with its name, in the words of the process that found it', async (t) => {
  const { stateDirectory, start, kill } = await realControllers(t);
  await start();
  await kill();
  const file = join(stateDirectory, 'store.db');
  const damaged = Buffer.alloc(40_960, 'no store');
  writeFileSync(file, damaged);
  await assert.rejects(start(), (error: DistributoError) => {
    assert.equal(error.code, 'STORE_DAMAGED');
    assert.match(error.message, /store\.db/);
    return true;
  });
  assert.ok(readFileSync(file).equals(damaged));
});

test('a directory that cannot be used is refused before anything is started', async () => {
  await assert.rejects(startController({ stateDirectory: '/proc/distributo' }), (error: DistributoError) => {
    assert.equal(error.code, 'STATE_DIRECTORY_UNUSABLE');
    assert.match(error.message, /\/proc\/distributo/);
    return true;
  });
});

test('a controller that does not answer is named, and no second one is started', async (t) => {
  const { stateDirectory, start } = await realControllers(t);
  const { controller, client } = await start();
  client.close();
  process.kill(controller.pid, 'SIGSTOP');
  try {
    await assert.rejects(findController(stateDirectory), (error: DistributoError) => {
      assert.equal(error.code, 'CONTROLLER_UNREACHABLE');
      assert.match(error.message, new RegExp(`controller ${controller.pid} has not answered`));
      return true;
    });
    assert.equal(readHolder(stateDirectory)?.pid, controller.pid);
  } finally {
    process.kill(controller.pid, 'SIGCONT');
  }
});

test('a state directory that is removed under its controller gets a new one, which the old one does not disturb', async (t) => {
  const { stateDirectory, start } = await realControllers(t);
  const old = await start();
  rmSync(stateDirectory, { recursive: true });
  const fresh = await start();
  assert.notEqual(fresh.controller.pid, old.controller.pid);
  await waitFor('the old one to end', () => readProcessIdentity(old.controller.pid) === null);
  assert.equal((await start()).controller.pid, fresh.controller.pid);
});

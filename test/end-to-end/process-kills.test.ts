// The controller is killed with SIGKILL while it starts and follows plain processes; the next one brings each to its end.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AttemptOrder } from '../../src/ports/attempt-runtime.ts';
import { ProcessHouse, sh } from '../support/process-house.ts';

const CONTROLLER = fileURLToPath(new URL('../support/process-controller.js', import.meta.url));

async function startController(context: TestContext, house: ProcessHouse, orders: readonly AttemptOrder[]) {
  const file = join(house.folder, 'orders.json');
  writeFileSync(file, JSON.stringify(orders));
  const child = spawn(process.execPath, [CONTROLLER, file, house.stateDirectory, house.ownerId], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '' },
  });
  context.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const hears = async (word: string): Promise<void> => {
    while (!said.includes(word)) await once(child.stdout, 'data');
  };
  await hears('ready');
  return { child, hears };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** As the engine does: what is seen is taken up, what is not seen is started. */
async function takeUp(house: ProcessHouse, orders: readonly AttemptOrder[]): Promise<void> {
  const { runtime } = house.observed;
  const seen = new Set((await runtime.list()).map((sighting) => sighting.attemptId));
  for (const order of orders) {
    if (seen.has(order.attemptId)) runtime.adopt(order);
    else runtime.start(order);
  }
}

for (const killedAfterMs of [0, 3, 10, 20, 35, 60, 100, 180, 400, 900]) {
  test(`attempts whose controller is killed ${killedAfterMs} ms after its first start run once and keep their exit code`, async (context) => {
    const house = await ProcessHouse.build(context);
    const ran = join(house.folder, 'ran');
    writeFileSync(ran, '');
    const orders = Array.from({ length: 20 }, (_, index) =>
      house.order({
        executors: [
          sh(`echo ${index}a >> ${ran}; sleep 0.2; exit 3`, { ignoreError: true }),
          sh(`echo ${index}b >> ${ran}; sleep 0.2; echo "said ${index}" >&2; exit 7`),
        ],
      }),
    );
    const { child } = await startController(context, house, orders);
    await new Promise((resolve) => setTimeout(resolve, killedAfterMs));
    await kill(child);
    await takeUp(house, orders);
    for (const [index, { attemptId }] of orders.entries()) {
      const end = await house.observed.ended(attemptId);
      assert.equal(end.reason, `exit 7: "said ${index}"`);
      assert.equal(end.exitCode, 7);
      assert.deepEqual(
        (await house.observed.logs(attemptId)).map((line) => line.text),
        [`said ${index}`],
      );
    }
    const expected = orders.flatMap((_, index) => [`${index}a`, `${index}b`]).sort();
    assert.deepEqual(readFileSync(ran, 'utf8').trim().split('\n').sort(), expected);
  });
}

test("`sh -c 'sleep 5; exit 7'` with its controller killed at 2 s ends as one attempt with exit 7", async (context) => {
  const house = await ProcessHouse.build(context);
  const ran = join(house.folder, 'ran');
  const order = house.order({ executors: [sh(`echo once >> ${ran}; sleep 5; exit 7`)] });
  const { child, hears } = await startController(context, house, [order]);
  await hears('started');
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await kill(child);
  await takeUp(house, [order]);
  const end = await house.observed.ended(order.attemptId);
  assert.equal(end.exitCode, 7);
  assert.equal(end.cause, 'exit');
  assert.ok(end.startedAtMs !== null && end.endedAtMs - end.startedAtMs >= 4_900);
  assert.equal(readFileSync(ran, 'utf8'), 'once\n');
});

test('a stop whose controller is killed in its grace period is carried out by the next, for the same reason', async (context) => {
  const house = await ProcessHouse.build(context);
  const order = house.start('trap "" TERM; echo up; while :; do sleep 0.1; done', { stopGracePeriodMs: 2_000 });
  await house.observed.logged(order.attemptId, (line) => line.text === 'up');
  const end = { state: 'cancelled', cause: 'cancelled', reason: 'cancelled by you' } as const;
  house.observed.runtime.stop(order.attemptId, { gracePeriodMs: 2_000, end });
  await house.reopen();
  house.observed.runtime.adopt(order);
  const ended = await house.observed.ended(order.attemptId);
  assert.equal(ended.state, 'cancelled');
  assert.equal(ended.reason, 'cancelled by you');
  assert.equal(ended.exitCode, 137);
  assert.deepEqual(house.marked(), []);
});

// Two state directories on one Docker engine: neither touches what the other has there.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { countMarks, dockerGround } from '../reliability/storm-ground.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../support/docker-image.ts';
import { skipOrThrow } from '../support/image-inference.ts';
import { realControllers } from '../support/real-controllers.ts';
import { scratchFolder } from '../support/scratch.ts';
import { waitFor } from '../support/wait-for.ts';

const engine = await findTestEngine();
const skip = engine.unavailable === null ? false : skipOrThrow(engine.unavailable);

test('a controller that starts anew and prunes leaves the containers of another alone', { skip }, async (t) => {
  assert.ok(engine.unavailable === null);
  const marks = join(await scratchFolder(t), 'marks');
  await mkdir(marks);
  const ground = dockerGround(marks, engine.target, BUSYBOX_IMAGE);
  const [one, other] = [await realControllers(t), await realControllers(t)];
  const first = await one.start();
  const second = await other.start();
  const mine = await first.client.submitRun({ spec: ground.specOf('mine', 3, 'sleep 6') });
  const theirs = await second.client.submitRun({ spec: ground.specOf('theirs', 3, 'sleep 6') });
  await waitFor('six containers to run', () => countMarks(marks).starts.size === 6);
  assert.notEqual(first.controller.ownerId, second.controller.ownerId);
  await one.kill();
  const again = await one.start();
  await again.client.prune({ all: true });
  await again.client.cancel(mine.run);
  await waitFor('the cancelled run to end', async () => (await again.client.readRun(mine.run)).endedAtMs !== null);
  await waitFor('the other run to end', async () => (await second.client.readRun(theirs.run)).endedAtMs !== null);
  const { tasks } = await second.client.readRun(theirs.run);
  assert.equal(tasks.succeeded, 3);
  assert.equal((await again.client.readRun(mine.run)).state, 'cancelled');
  for (const { controller } of [first, second]) {
    await waitFor('nothing to be left', async () => (await ground.leftovers(controller.ownerId)).length === 0);
  }
});

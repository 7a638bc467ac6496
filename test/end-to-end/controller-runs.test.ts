// Runs that outlive their controller, on processes and on Docker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiClient } from '../../src/shells/api/client.ts';
import { collect } from '../support/collect.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../support/docker-image.ts';
import { skipOrThrow } from '../support/image-inference.ts';
import { realControllers } from '../support/real-controllers.ts';
import { aRunSpec, PROCESS_TARGET, type SpecParts } from '../support/run-spec.ts';
import { waitFor } from '../support/wait-for.ts';

const sh = (script: string): readonly string[] => ['sh', '-c', script];

async function endOf(client: ApiClient, run: string) {
  let last: Awaited<ReturnType<ApiClient['readRun']>> | undefined;
  for await (const frame of client.watchRun(run)) last = frame;
  assert.ok(last);
  return last;
}

const engine = await findTestEngine();

for (const name of ['process', 'docker'] as const) {
  const skip = name === 'docker' && engine.unavailable !== null ? skipOrThrow(engine.unavailable) : false;
  const place: SpecParts =
    name === 'docker' && engine.unavailable === null
      ? { target: engine.target, image: BUSYBOX_IMAGE }
      : { target: PROCESS_TARGET };
  const aSpec = (parts: SpecParts) => aRunSpec({ ...place, ...parts });

  test(`${name}: a task whose controller is killed while it runs ends as one attempt with its exit code`, {
    skip,
  }, async (t) => {
    const { start, kill } = await realControllers(t);
    const first = await start();
    const { run } = await first.client.submitRun({ spec: aSpec({ command: sh('sleep 3; echo late words; exit 7') }) });
    await waitFor('the task to run', async () => (await first.client.readRun(run)).tasks.running === 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await kill();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const { client } = await start();
    const end = await endOf(client, run);
    assert.equal(end.state, 'failed');
    const task = await client.readTask(`${run}/0`);
    assert.deepEqual([task.attempts, task.exitCode], [1, 7]);
    const lines = (await collect(client.readLogs(`${run}/0`))).map(({ text }) => text);
    assert.ok(lines.includes('late words'), lines.join('\n'));
  });

  test(`${name}: a controller that is asked to end leaves its tasks running for the next one`, { skip }, async (t) => {
    const { start } = await realControllers(t);
    const first = await start();
    const { run } = await first.client.submitRun({ spec: aSpec({ command: sh('echo start; sleep 2; exit 0') }) });
    await waitFor('the task to run', async () => (await first.client.readRun(run)).tasks.running === 1);
    await first.client.stopController();
    const second = await start();
    assert.notEqual(second.controller.pid, first.controller.pid);
    assert.equal((await endOf(second.client, run)).state, 'succeeded');
    const task = await second.client.readTask(`${run}/0`);
    assert.equal(task.attempts, 1);
    const texts = (await collect(second.client.readLogs(`${run}/0`))).map(({ text }) => text);
    assert.deepEqual(texts, ['start']);
  });

  test(`${name}: a follower of a run is told when its controller is killed`, { skip }, async (t) => {
    const { start, kill } = await realControllers(t);
    const { client } = await start();
    const { run } = await client.submitRun({ spec: aSpec({ command: sh('sleep 2') }) });
    await assert.rejects(
      async () => {
        for await (const _frame of client.watchRun(run)) await kill();
      },
      { code: 'CONTROLLER_UNREACHABLE' },
    );
  });

  test(`${name}: the same submission key gives the same run, after a kill too`, { skip }, async (t) => {
    const { start, kill } = await realControllers(t);
    const submit = async (client: ApiClient) =>
      (await client.submitRun({ spec: aSpec({}), submissionKey: 'nightly-2026-11-24' })).run;
    const first = await submit((await start()).client);
    await kill();
    assert.equal(await submit((await start()).client), first);
  });

  test(`${name}: a run with an environment of 10 MB is kept whole and ends with a reason`, { skip }, async (t) => {
    const { start, kill } = await realControllers(t);
    const env = Object.fromEntries(Array.from({ length: 100 }, (_none, at) => [`BIG_${at}`, 'x'.repeat(100_000)]));
    const { client } = await start();
    const { run } = await client.submitRun({ spec: aSpec({ env }) });
    const end = await endOf(client, run);
    const task = await client.readTask(`${run}/0`);
    assert.equal(Object.keys(task.filled.executors[0]?.env ?? {}).length, 100);
    // No system takes that much for one program: the start fails, and the reason says so.
    assert.equal(end.state, 'failed');
    assert.match(task.reason ?? '', /environment|argument/i);
    await kill();
    const again = await (await start()).client.readTask(`${run}/0`);
    assert.equal(again.filled.executors[0]?.env.BIG_99?.length, 100_000);
  });

  test(`${name}: twenty thousand items stream in and each task gets its own`, { skip }, async (t) => {
    const { start } = await realControllers(t);
    const { client } = await start();
    const chunks = Array.from({ length: 20 }, (_none, chunk) =>
      JSON.stringify(Array.from({ length: 1000 }, (_nothing, at) => [`name-${chunk * 1000 + at}`])),
    );
    const set = await client.putItems('set-of-a-test', chunks);
    assert.equal(set.items, 20_000);
    const spec = aSpec({
      array: { kind: 'items', itemSetId: 'set-of-a-test', count: 20_000, fields: [] },
      taskCount: 20_000,
      command: sh('echo ${item}'),
    });
    const { run } = await client.submitRun({ spec, trialTasks: 1 });
    const task = await client.readTask(`${run}/19999`);
    assert.deepEqual(task.filled.executors[0]?.command, sh('echo name-19999'));
    await client.cancel(run);
  });
}

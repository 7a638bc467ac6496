// What must hold when the controller dies, the machine goes silent, replies come twice or late, or the disk is full.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DistributoError } from '../../src/domain/errors.ts';
import type { Job } from '../../src/domain/job.ts';
import { EngineHouse } from '../support/engine-house.ts';
import { aJob, aRunSpec, aSubmission } from '../support/run-spec.ts';

const jobOf = (count: number, job: Partial<Job> = {}): Job =>
  aJob({
    array: { kind: 'count', count },
    job: { resources: { cpuUnits: 1024, memoryMib: 100, diskMib: 0, gpus: 0 }, ...job },
  });

const submit = (house: EngineHouse, count: number, job: Partial<Job> = {}) =>
  house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(count, job)] }))));

const firstStarts = (count: number): string[] => Array.from({ length: count }, (_, index) => `trial-1/main/${index}#1`);

test('after a crash running attempts are taken up again and none is started twice', async (t) => {
  const house = await EngineHouse.build(t);
  await submit(house, 12);
  for (let crash = 0; crash < 6; crash += 1) {
    await house.clock.advance(377);
    await house.restart();
  }
  await house.clock.advance(20_000);
  assert.equal((await house.engine.getRun('trial-1')).tasks.succeeded, 12);
  assert.deepEqual(house.machine.starts, firstStarts(12));
});

test('attempts whose end came while no controller lived end with that end', async (t) => {
  const house = await EngineHouse.build(t, { script: () => ({ afterMs: 5000, exitCode: 7 }) });
  await submit(house, 1);
  await house.clock.advance(2000);
  await house.crash();
  await house.clock.advance(10_000);
  await house.start();
  await house.clock.advance(100);
  const task = await house.engine.getTask('trial-1/0');
  assert.deepEqual([task.state, task.exitCode, task.attempts], ['failed', 7, 1]);
});

test('an attempt that was recorded but never sent is sent after the restart, as the same attempt', async (t) => {
  const house = await EngineHouse.build(t);
  house.machine.isDeaf = true;
  await submit(house, 3);
  await house.clock.advance(100);
  assert.deepEqual(house.machine.starts, []);
  house.machine.isDeaf = false;
  await house.restart();
  await house.clock.advance(10_000);
  assert.deepEqual(house.machine.starts, firstStarts(3));
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
});

test('a container that ran and is gone is lost: its task runs again, and no try is counted', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs' });
  await submit(house, 1);
  await house.clock.advance(100);
  house.machine.vanish('trial-1/main/0#1');
  await house.restart();
  await house.clock.advance(5000);
  assert.deepEqual(house.machine.starts, ['trial-1/main/0#1', 'trial-1/main/0#2']);
  const task = await house.engine.getTask('trial-1/0');
  assert.equal(task.attemptList[0]?.state, 'lost');
});

test('a cancel that was recorded is carried out by the next controller', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs' });
  await submit(house, 2);
  await house.clock.advance(100);
  house.machine.isDeaf = true;
  await house.order((engine) => engine.cancel('trial-1', 'you'));
  house.machine.isDeaf = false;
  await house.restart();
  await house.clock.advance(10_000);
  const run = await house.engine.getRun('trial-1');
  assert.deepEqual([run.state, run.tasks.cancelled], ['cancelled', 2]);
  assert.deepEqual(house.machine.running(), []);
});

test('a silent machine makes its attempts unreachable, and nothing of them starts elsewhere until it answers', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs' });
  await submit(house, 6);
  await house.clock.advance(100);
  house.machine.setReachable(false);
  await house.clock.advance(600_000);
  const silent = await house.engine.getTask('trial-1/0');
  assert.equal(silent.attemptList[0]?.state, 'unreachable');
  assert.equal((await house.engine.getRun('trial-1')).jobs[0]?.waitsFor?.kind, 'runtime');
  house.machine.setReachable(true);
  await house.clock.advance(100);
  assert.equal((await house.engine.getTask('trial-1/0')).attemptList[0]?.state, 'running');
  assert.equal(house.machine.starts.length, 4);
});

test('an end reported twice, and news after the end, change nothing', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs' });
  await submit(house, 1);
  await house.clock.advance(100);
  const [container] = house.machine.running();
  const attemptId = container?.order.attemptId as string;
  house.machine.exit('trial-1/main/0#1', 0);
  const end = {
    state: 'lost',
    cause: 'lost',
    exitCode: null,
    reason: 'late',
    startedAtMs: null,
    endedAtMs: 0,
    peakMemoryMib: null,
  } as const;
  house.machine.tell({ kind: 'ended', attemptId, end });
  house.machine.tell({ kind: 'running', attemptId, atMs: 1 });
  await house.clock.advance(5000);
  const task = await house.engine.getTask('trial-1/0');
  assert.deepEqual([task.state, task.attempts], ['succeeded', 1]);
  assert.deepEqual(house.fatal, []);
});

test('what carries our owner id but is unknown is removed, and that is said', async (t) => {
  const house = await EngineHouse.build(t);
  await submit(house, 1);
  await house.clock.advance(3000);
  const [old] = await house.store.listAttempts(1, 0);
  assert.ok(old !== undefined);
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ name: 'other', jobs: [jobOf(1)] }))));
  await house.clock.advance(50);
  const [container] = house.machine.running();
  const unknown = `${container?.order.attemptId.slice(0, -4)}zzzz`;
  house.machine.containers.set(unknown, {
    ...(container as NonNullable<typeof container>),
    order: { ...(container as NonNullable<typeof container>).order, attemptId: unknown, name: 'unknown' },
  });
  await house.restart();
  assert.ok(!house.machine.containers.has(unknown));
  const events = await house.engine.listEvents({ last: 20, limit: 20 });
  assert.ok(events.some((event) => event.kind === 'warning' && event.reason?.includes(unknown)));
});

test('while the store is full nothing goes out; when there is room everything goes on and nothing is lost', async (t) => {
  const house = await EngineHouse.build(t);
  let isFull = true;
  house.onCommit = () => {
    if (isFull) throw new DistributoError('STORE_FULL', 'the disk is full', { retryable: true });
  };
  const submitted = house.engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(3)] })));
  await house.clock.advance(30_000);
  assert.deepEqual(house.machine.starts, []);
  assert.equal(house.log.length, 1, 'said once, not every two seconds');
  isFull = false;
  await house.clock.advance(10_000);
  assert.equal((await submitted).run, 'trial-1');
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
});

test('a store that fails otherwise ends the engine, and a restart goes on from what was recorded', async (t) => {
  const house = await EngineHouse.build(t);
  await submit(house, 4);
  house.onCommit = () => {
    throw new DistributoError('STORE_FAILED', 'the disk returned an error');
  };
  await house.clock.advance(5000);
  assert.equal(house.fatal.length, 1);
  house.onCommit = () => undefined;
  await house.restart();
  await house.clock.advance(10_000);
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
  assert.deepEqual(house.machine.starts, firstStarts(4));
});

test('below the free space that is kept nothing starts, with the numbers as the reason', async (t) => {
  const house = await EngineHouse.build(t);
  house.freeBytes = 500 * 1_048_576;
  await submit(house, 1);
  await house.clock.advance(5000);
  assert.deepEqual(house.machine.starts, []);
  const waits = (await house.engine.getRun('trial-1')).jobs[0]?.waitsFor;
  assert.equal(waits?.kind, 'disk');
  assert.match(waits?.text ?? '', /500 MiB free .* 1,024 MiB are kept free/);
  house.freeBytes = 1e12;
  await house.clock.advance(10_000);
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
});

test('after a restart a task waits for its env: secrets until somebody passes them again', async (t) => {
  const house = await EngineHouse.build(t);
  const secrets = {
    TOKEN: { source: 'env' as const, name: 'MY_TOKEN' },
    '/run/key': { source: 'file' as const, name: '/home/key' },
  };
  const spec = aRunSpec({ jobs: [jobOf(6, { secrets })] });
  await house.order((engine) => engine.submit(aSubmission(spec, { secretValues: { MY_TOKEN: 'canary-1' } })));
  await house.clock.advance(500);
  assert.deepEqual(house.machine.running()[0]?.order.secrets, {
    TOKEN: 'canary-1',
    '/run/key': 'content of /home/key',
  });
  await house.restart();
  await house.clock.advance(10_000);
  const run = await house.engine.getRun('trial-1');
  assert.deepEqual([run.tasks.succeeded, run.jobs[0]?.waitsFor?.kind, run.secretsMissing], [4, 'secret', ['MY_TOKEN']]);
  assert.ok(house.engine.isIdle());
  await house.order((engine) => engine.supplySecrets('trial-1', { MY_TOKEN: 'canary-2' }));
  await house.clock.advance(10_000);
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
});

test('the clock set back an hour ends nothing early and loses nothing', async (t) => {
  const house = await EngineHouse.build(t);
  await submit(house, 8, { startTimeoutMs: 60_000 });
  await house.clock.advance(500);
  house.clock.step(-3_600_000);
  await house.clock.advance(20_000);
  house.clock.step(7_200_000);
  await house.clock.advance(20_000);
  const run = await house.engine.getRun('trial-1');
  assert.deepEqual([run.state, run.tasks.succeeded], ['succeeded', 8]);
});

test('a secret without a value is a failed start that names it, and nothing is started', async (t) => {
  const house = await EngineHouse.build(t);
  house.readSecretFile = async (path) => {
    throw new DistributoError('SECRET_UNAVAILABLE', `the secret file:${path} cannot be read (ENOENT)`);
  };
  await submit(house, 1, { secrets: { KEY: { source: 'file', name: '/no/key' } } });
  await house.clock.advance(1000);
  const task = await house.engine.getTask('trial-1/0');
  assert.deepEqual(
    [task.state, task.reason],
    ['failed', 'start failed: the secret file:/no/key cannot be read (ENOENT)'],
  );
  assert.deepEqual(house.machine.starts, []);
});

test('a back-off that the clock moved far away is no longer than the longest one after a restart', async (t) => {
  const house = await EngineHouse.build(t, { script: () => ({ afterMs: 10, exitCode: 1 }) });
  await submit(house, 1, {
    retry: { attempts: 2, on: ['error'], backoffMs: 1000, maxInterruptions: null, oomMemoryFactor: 1 },
  });
  await house.clock.advance(100);
  house.clock.step(-86_400_000);
  await house.restart();
  await house.clock.advance(16 * 60_000);
  assert.equal((await house.engine.getTask('trial-1/0')).attempts, 2);
});

test("AWS keys of a run's client go with each order, live in memory, and are waited for after a restart", async (t) => {
  const house = await EngineHouse.build(t);
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'canary-key', AWS_SESSION_TOKEN: 'token' };
  const target = { ...aRunSpec().target, aws: { region: 'us-east-1', hasKeys: true } };
  const spec = aRunSpec({ jobs: [jobOf(6)], target });
  await house.order((engine) => engine.submit(aSubmission(spec, { secretValues: keys })));
  await house.clock.advance(500);
  const order = house.machine.running()[0]?.order;
  assert.deepEqual(order?.awsCredentials, { accessKeyId: 'id', secretAccessKey: 'canary-key', sessionToken: 'token' });
  await house.restart();
  await house.clock.advance(10_000);
  assert.deepEqual((await house.engine.getRun('trial-1')).secretsMissing, [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ]);
  await house.order((engine) => engine.supplySecrets('trial-1', keys));
  await house.clock.advance(10_000);
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
});

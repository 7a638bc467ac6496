// From submission to the end of a run: order, packing, retries, dependencies, pauses, limits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../../src/domain/job.ts';
import { EngineHouse } from '../support/engine-house.ts';
import { aJob, aRunSpec, aSubmission } from '../support/run-spec.ts';

const jobOf = (count: number, job: Partial<Job> = {}): Job =>
  aJob({
    array: { kind: 'count', count },
    job: { resources: { cpuUnits: 1024, memoryMib: 100, diskMib: 0, gpus: 0 }, ...job },
  });
const RETRY = { attempts: 3, on: ['error'], backoffMs: 1000, maxInterruptions: null, oomMemoryFactor: 1 };

test('ten tasks on a machine for four end in order, never more than four at once (seed L1)', async (t) => {
  const house = await EngineHouse.build(t);
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(10)] }))));
  await house.clock.advance(60_000);
  const run = await house.engine.getRun('trial-1');
  assert.equal(run.state, 'succeeded');
  assert.equal(run.tasks.succeeded, 10);
  assert.equal(house.machine.mostAtOnce, 4);
  assert.deepEqual(
    house.machine.starts,
    Array.from({ length: 10 }, (_, index) => `trial-1/main/${index}#1`),
  );
  assert.equal(house.machine.containers.size, 0, 'nothing is left on the machine');
  assert.ok(house.engine.isIdle());
});

test('runs of one name are numbered, and a submission key gives the same run again', async (t) => {
  const house = await EngineHouse.build(t);
  const spec = aRunSpec({ jobs: [jobOf(1)] });
  const first = await house.order((engine) => engine.submit(aSubmission(spec, { submissionKey: 'nightly' })));
  const second = await house.order((engine) => engine.submit(aSubmission(spec)));
  await house.clock.advance(10_000);
  const again = await house.order((engine) => engine.submit(aSubmission(spec, { submissionKey: 'nightly' })));
  assert.deepEqual([first.run, second.run, again.run], ['trial-1', 'trial-2', 'trial-1']);
  await house.restart();
  const third = await house.order((engine) => engine.submit(aSubmission(spec)));
  assert.equal(third.run, 'trial-3');
});

test('a task that fails is tried again after its back-off until its attempts are used up', async (t) => {
  const house = await EngineHouse.build(t, { script: () => ({ afterMs: 10, exitCode: 3 }) });
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(1, { retry: RETRY })] }))));
  await house.clock.advance(100);
  const waiting = await house.engine.explain('trial-1/0');
  assert.match(waiting.headline, /is waiting: for its next try in 1 s/);
  await house.clock.advance(60_000);
  const task = await house.engine.getTask('trial-1/0');
  assert.equal(task.state, 'failed');
  assert.deepEqual(
    task.attemptList.map((attempt) => attempt.number),
    [1, 2, 3],
  );
  assert.equal(task.exitCode, 3);
  const run = await house.engine.getRun('trial-1');
  assert.equal(run.state, 'failed');
  assert.equal(run.jobs[0]?.repeats.retries, 2);
  const failed = await house.engine.explain('trial-1/0');
  assert.ok(failed.because.some((line) => line.includes('every attempt failed in the same way')));
  assert.ok(
    house.forgotten.every((one) => one.keepWorkspace),
    'failed workspaces are kept',
  );
});

test('an interruption starts the task again at once and uses up no try', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs' });
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(1)] }))));
  await house.clock.advance(100);
  house.machine.end('trial-1/main/0#1', {
    state: 'interrupted',
    cause: 'engine',
    exitCode: 137,
    reason: 'the Docker engine was restarted',
  });
  await house.clock.advance(100);
  assert.deepEqual(house.machine.starts, ['trial-1/main/0#1', 'trial-1/main/0#2']);
  house.machine.exit('trial-1/main/0#2', 0);
  await house.clock.advance(100);
  const run = await house.engine.getRun('trial-1');
  assert.equal(run.state, 'succeeded');
  assert.deepEqual(run.jobs[0]?.repeats, { interruptions: 1, retries: 0 });
});

test('retry wakes an ended run: only what failed runs again, with a fresh budget and new attempt numbers', async (t) => {
  let exitCode = 1;
  const house = await EngineHouse.build(t, {
    script: (order) => ({ afterMs: 10, exitCode: order.name.includes('/1#') ? exitCode : 0 }),
  });
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(3)] }))));
  await house.clock.advance(1000);
  assert.equal((await house.engine.getRun('trial-1')).state, 'failed');
  await house.restart();
  exitCode = 0;
  assert.deepEqual(await house.order((engine) => engine.retry('trial-1')), { tasks: 1 });
  await house.clock.advance(1000);
  const run = await house.engine.getRun('trial-1');
  assert.equal(run.state, 'succeeded');
  assert.deepEqual(house.machine.starts.slice(3), ['trial-1/main/1#2']);
  await assert.rejects(
    house.order((engine) => engine.retry('trial-1')),
    { code: 'CONFLICT' },
  );
});

test('depends_on holds a job back until the other ended, and cancels it when that one failed', async (t) => {
  const house = await EngineHouse.build(t, {
    script: (order) => ({ afterMs: 1000, exitCode: order.name.includes('/bad/') ? 1 : 0 }),
  });
  const jobs = [
    jobOf(2, { name: 'first' }),
    jobOf(1, { name: 'second', dependsOn: [{ job: 'first', condition: 'succeeded' }] }),
    jobOf(1, { name: 'bad' }),
    jobOf(2, { name: 'never', dependsOn: [{ job: 'bad', condition: 'succeeded' }] }),
    jobOf(1, { name: 'always', dependsOn: [{ job: 'bad', condition: 'any-end' }] }),
  ];
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs }))));
  await house.clock.advance(500);
  const waiting = await house.engine.getRun('trial-1');
  assert.equal(waiting.jobs[1]?.waitsFor?.text, 'job first to end');
  await house.clock.advance(10_000);
  const run = await house.engine.getRun('trial-1');
  assert.deepEqual(
    run.jobs.map((job) => job.state),
    ['succeeded', 'succeeded', 'failed', 'cancelled', 'succeeded'],
  );
  assert.equal(run.state, 'failed');
  assert.ok(house.machine.starts.indexOf('trial-1/second/0#1') > house.machine.starts.indexOf('trial-1/first/1#1'));
});

test('pause lets running tasks end and starts nothing; resume goes on', async (t) => {
  const house = await EngineHouse.build(t);
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(8)] }))));
  await house.order((engine) => engine.pause('trial-1', 'you'));
  await house.clock.advance(10_000);
  const paused = await house.engine.getRun('trial-1');
  assert.deepEqual([paused.state, paused.tasks.succeeded, paused.tasks.waiting], ['stopped', 4, 4]);
  assert.equal(paused.jobs[0]?.waitsFor?.kind, 'paused');
  assert.ok(house.engine.isIdle(), 'a paused run needs nobody');
  await house.restart();
  assert.equal((await house.engine.getRun('trial-1')).state, 'stopped');
  await house.order((engine) => engine.resume('trial-1'));
  await house.clock.advance(10_000);
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
});

test('a trial runs the first tasks only, until the rest is released', async (t) => {
  const house = await EngineHouse.build(t);
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(6)] }), { trialTasks: 2 })));
  await house.clock.advance(10_000);
  const trial = await house.engine.getRun('trial-1');
  assert.deepEqual([trial.tasks.succeeded, trial.tasks.waiting, trial.jobs[0]?.waitsFor?.kind], [2, 4, 'trial']);
  assert.ok(house.engine.isIdle());
  await house.order((engine) => engine.release('trial-1'));
  await house.clock.advance(10_000);
  assert.equal((await house.engine.getRun('trial-1')).state, 'succeeded');
});

test('cancel stops what runs with its grace and what waits at once', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs' });
  await house.order((engine) =>
    engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(10, { stopGracePeriodMs: 5000 })] }))),
  );
  await house.clock.advance(100);
  assert.deepEqual(await house.order((engine) => engine.cancel('trial-1', 'you')), { tasks: 10 });
  const stopping = await house.engine.getRun('trial-1');
  assert.deepEqual([stopping.tasks.running, stopping.tasks.cancelled], [4, 6]);
  await house.clock.advance(10_000);
  const run = await house.engine.getRun('trial-1');
  assert.deepEqual([run.state, run.stateReason, run.tasks.cancelled], ['cancelled', 'cancelled by you', 10]);
  await assert.rejects(
    house.order((engine) => engine.cancel('trial-1', 'you')),
    { code: 'CONFLICT' },
  );
});

test('one task can be cancelled alone; the others go on', async (t) => {
  const house = await EngineHouse.build(t);
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(6)] }))));
  assert.deepEqual(await house.order((engine) => engine.cancel('trial-1/main/5', 'you')), { tasks: 1 });
  await house.clock.advance(10_000);
  const run = await house.engine.getRun('trial-1');
  assert.deepEqual([run.state, run.tasks.succeeded, run.tasks.cancelled], ['cancelled', 5, 1]);
});

test('an attempt that does not start within start_timeout is ended, a run beyond max_duration is cancelled', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs' });
  house.machine.isDeaf = true;
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(1, { startTimeoutMs: 5000 })] }))));
  await house.clock.advance(4000);
  house.machine.isDeaf = false;
  await house.clock.advance(4000);
  assert.equal(house.engine.counts().liveAttempts, 1, 'it was told to stop; its end is still to be seen');
  await house.order((engine) =>
    engine.submit(aSubmission(aRunSpec({ name: 'long', jobs: [jobOf(1)], run: { maxDurationMs: 60_000 } }))),
  );
  await house.clock.advance(65_000);
  const run = await house.engine.getRun('long-1');
  assert.deepEqual([run.state, run.stateReason], ['cancelled', 'cancelled by max_duration of 60 s']);
});

test('a task larger than the machine is refused at submission with the machine in numbers', async (t) => {
  const house = await EngineHouse.build(t);
  await house.order((engine) => engine.inspectTarget(aRunSpec().target));
  const tooLarge = jobOf(1, { resources: { cpuUnits: 8192, memoryMib: 10, diskMib: 0, gpus: 0 } });
  await assert.rejects(
    house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [tooLarge] })))),
    {
      code: 'JOB_UNPLACEABLE',
      message: 'a task of main asks 8 vCPU; the largest machine gives 4 vCPU',
    },
  );
});

test('a waiting task says how much it asks and how much is free, and that is true', async (t) => {
  const house = await EngineHouse.build(t, { script: () => 'runs', capacity: { cpuUnits: 3000 } });
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(5)] }))));
  await house.clock.advance(100);
  const answer = await house.engine.explain('trial-1/4');
  assert.deepEqual(answer.rejections, [
    {
      rule: 'cpu',
      instances: 1,
      asked: 1024,
      nearest: { instanceId: 'local', had: 3000 - 2048, capacity: 3000 },
      isNever: false,
    },
  ]);
  assert.deepEqual(answer.queue, { position: 3, of: 3 });
  assert.match(answer.headline, /waiting: for a free place: 1 vCPU asked, 0.93 vCPU free/);
});

test('list of tasks shows live ones as running, page by page', async (t) => {
  const house = await EngineHouse.build(t, {
    script: (order) => (/\/[01]#/.test(order.name) ? { afterMs: 10, exitCode: 0 } : 'runs'),
  });
  await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [jobOf(9)] }))));
  await house.clock.advance(1000);
  const states: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await house.engine.listTasks('trial-1', { limit: 2, ...(after === undefined ? {} : { after }) });
    states.push(...page.tasks.map((task) => task.state));
    if (page.next === null) break;
    after = page.next;
  }
  assert.deepEqual(states, [
    'succeeded',
    'succeeded',
    'running',
    'running',
    'running',
    'running',
    'waiting',
    'waiting',
    'waiting',
  ]);
  const running = await house.engine.listTasks('trial-1', { limit: 100, states: ['running'] });
  assert.deepEqual(
    running.tasks.map((task) => task.index),
    [2, 3, 4, 5],
  );
});

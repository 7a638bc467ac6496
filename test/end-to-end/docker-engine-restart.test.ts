// An engine that is stopped, crashes and comes back under running attempts. It is an engine of the test's own.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DockerHouse } from '../support/docker-house.ts';
import { PrivateEngine, privateEngineUnavailable } from '../support/private-engine.ts';

const unavailable = privateEngineUnavailable();
const isSkipped = unavailable !== null && process.env.CI !== 'true';

describe('docker: an engine that goes and comes back', isSkipped ? { skip: unavailable } : {}, () => {
  let engine: PrivateEngine | undefined;
  let opened: DockerHouse | undefined;
  const house = (): DockerHouse => opened as DockerHouse;

  before(async () => {
    assert.equal(unavailable, null);
    engine = await PrivateEngine.start();
    opened = await DockerHouse.build(engine.target);
    await opened.observed.see('ready', (seen) => seen.kind === 'ready');
  });
  after(async () => {
    await opened?.clear();
    await engine?.remove();
  });

  const startLong = async (script = 'echo up; sleep 600') => {
    const order = house().order({ executors: [house().sh(script)] });
    house().runtime.start(order);
    await house().observed.logged(order.attemptId, (line) => line.text === 'up');
    return order;
  };
  const readies = () => house().observed.observations.filter((seen) => seen.kind === 'ready').length;
  const untilReadyAgain = (before: number) => house().observed.see('ready again', () => readies() > before);

  it('says that it is unreachable and where, and is ready again by itself', async () => {
    const before = readies();
    await engine?.stop('SIGTERM');
    const seen = await house().observed.see('unreachable', (observation) => observation.kind === 'unreachable');
    assert(seen.kind === 'unreachable');
    assert.match(seen.reason, /^no Docker engine answers at unix:\/\/.*docker\.sock/);
    await assert.rejects(house().runtime.list(), { code: 'CONTAINERS_UNREACHABLE' });
    await engine?.start();
    await untilReadyAgain(before);
    assert.equal((await house().run('echo works')).end.state, 'succeeded');
  });

  it('an attempt started while the engine is away starts when it is back', async () => {
    const before = readies();
    await engine?.stop('SIGTERM');
    const order = house().order({ executors: [house().sh('echo late')] });
    house().runtime.start(order);
    await engine?.start();
    await untilReadyAgain(before);
    assert.equal((await house().observed.ended(order.attemptId)).state, 'succeeded');
    assert.deepEqual(await house().texts(order.attemptId), ['late']);
  });

  it('an attempt that ended with its engine is interrupted by the engine', async () => {
    const order = await startLong();
    const before = readies();
    await engine?.stop('SIGTERM');
    await engine?.start();
    await untilReadyAgain(before);
    const end = await house().observed.ended(order.attemptId);
    assert.equal(end.state, 'interrupted', end.reason);
    assert.equal(end.cause, 'engine');
  });

  it('a program that ends well when it is told to, ends as interrupted where the engine told it', async () => {
    const order = await startLong('trap "exit 0" TERM; echo up; while :; do sleep 0.1; done');
    const before = readies();
    await engine?.stop('SIGTERM');
    await engine?.start();
    await untilReadyAgain(before);
    const end = await house().observed.ended(order.attemptId);
    assert.equal(end.state, 'interrupted', end.reason);
  });

  it('an attempt under a crashed engine ends once, as interrupted or as it ended by itself', async () => {
    const order = await startLong();
    const before = readies();
    await engine?.stop('SIGKILL');
    await engine?.start();
    await untilReadyAgain(before);
    const end = await house().observed.ended(order.attemptId);
    assert.equal(end.state, 'interrupted', end.reason);
    assert.equal(house().observed.count('ended', order.attemptId), 1);
  });

  it('an attempt whose engine was restarted while no controller lived is interrupted too', async () => {
    const order = await startLong();
    await house().runtime.close();
    await engine?.stop('SIGTERM');
    await engine?.start();
    const observed = await house().reopen();
    observed.runtime.adopt(order);
    const end = await observed.ended(order.attemptId);
    assert.equal(end.state, 'interrupted', end.reason);
    assert.equal(end.cause, 'engine');
  });
});

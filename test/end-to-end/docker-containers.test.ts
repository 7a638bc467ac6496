// What a container of ours is given on a real engine, and what it cannot take: seen from inside the container.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import type { ContainerOptions } from '../../src/domain/job.ts';
import { DockerHouse } from '../support/docker-house.ts';
import { dockerSuite } from '../support/docker-suite.ts';

await dockerSuite('docker: containers', ({ engine, house }) => {
  const say = async (script: string, container: Partial<ContainerOptions> = {}) => {
    const { id, end } = await house().run(script, { container });
    assert.equal(end.state, 'succeeded', end.reason);
    return await house().texts(id);
  };

  it('has no network but its own with network none', async () => {
    assert.deepEqual(await say('ls /sys/class/net', { network: 'none' }), ['lo']);
  });

  it('cannot have more processes than its limit', async () => {
    const script = 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; echo all; kill $(jobs -p)';
    const { id, end } = await house().run(script, { container: { pidsLimit: 20 } });
    assert.ok(!(await house().texts(id)).includes('all'), 'forty were let through');
    assert.equal(end.state, 'failed');
    assert.match(end.reason, /fork/);
  });

  it('sees its mounts, and may not write where they are read-only', async () => {
    await mkdir(house().path('shared'), { recursive: true });
    await writeFile(house().path('shared/file'), 'from outside\n');
    const mounts = [
      { type: 'bind', source: house().path('shared'), target: '/in', readOnly: true },
      { type: 'bind', source: house().path('shared'), target: '/out', readOnly: false },
      { type: 'tmpfs', source: '', target: '/scratch', readOnly: false },
    ] as const;
    const script =
      'cat /in/file; echo x > /in/new || echo refused; echo y > /out/made; grep -c " /scratch tmpfs" /proc/mounts';
    assert.deepEqual(
      (await say(script, { mounts })).filter((line) => !line.includes('Read-only file system')),
      ['from outside', 'refused', '1'],
    );
    assert.equal(await readFile(house().path('shared/made'), 'utf8'), 'y\n');
  });

  it('has the limits of its order', async () => {
    const ulimits = [{ name: 'nofile', soft: 123, hard: 456 }];
    const lines = await say('ulimit -n; df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2', {
      ulimits,
      shmSizeMib: 7,
    });
    assert.deepEqual(lines, ['123', String(7 * 1024)]);
    const spec = await inspectLast();
    assert.equal(spec.HostConfig.NanoCpus, 500_000_000);
    assert.equal(spec.HostConfig.Memory, 64 * 1024 * 1024);
    assert.equal(spec.HostConfig.MemorySwap, spec.HostConfig.Memory);
    assert.equal(spec.HostConfig.Init, true);
  });

  type Inspected = {
    HostConfig: { NanoCpus: number; Memory: number; MemorySwap: number; Init: boolean };
    Config: { Labels: Record<string, string>; Env: string[] };
  };
  const inspectLast = async (): Promise<Inspected> => {
    const [{ attemptId: newest = '' } = {}] = [...(await house().runtime.list())].sort((a, b) =>
      b.attemptId.localeCompare(a.attemptId),
    );
    return await engine.client.json<Inspected>('GET', `/containers/${newest}/json`);
  };

  it('runs as the user that is asked for, the owner of the run included', async () => {
    assert.deepEqual(await say('id -u; id -g', { user: 'worker' }), ['1234', '1235']);
    assert.deepEqual(await say('id -u; id -g', { user: '77:88' }), ['77', '88']);
    const { id } = await house().run('id -u; id -g', { container: { user: 'host' }, owner: { uid: 5001, gid: 5002 } });
    assert.deepEqual(await house().texts(id), ['5001', '5002']);
  });

  it('works in the workspace where there is one, in any user, with relative folders made', async () => {
    await writeFile(house().path('given'), 'x');
    const { id, end } = await house().run(
      [house().sh('pwd; echo more >> given; mkdir a; cat given', { workdir: null })],
      {
        container: { user: 'worker' },
        inputs: [
          { url: house().url('given'), path: 'given' },
          { url: house().url('given'), path: 'deep/er/given' },
          { url: house().url('given'), path: '/data/absolute' },
        ],
        outputs: [{ url: house().url('deep-again'), path: 'deep/er/given' }],
      },
    );
    assert.equal(end.state, 'succeeded', end.reason);
    assert.deepEqual(await house().texts(id), ['/workspace', 'xmore']);
    assert.equal(await readFile(house().path('deep-again'), 'utf8'), 'x');
  });

  it('takes files out of the whole container where the path is absolute', async () => {
    const { end } = await house().run('mkdir -p /results; echo r > /results/r.txt', {
      outputs: [{ url: house().url('absolute-out'), path: '/results' }],
    });
    assert.equal(end.state, 'succeeded', end.reason);
    assert.equal(await readFile(house().path('absolute-out/r.txt'), 'utf8'), 'r\n');
  });

  it('refuses to take out a link that leaves the workspace', async () => {
    const { end } = await house().run('ln -s /etc/passwd stolen', {
      outputs: [{ url: house().url('stolen'), path: 'stolen' }],
    });
    assert.equal(end.cause, 'output');
    assert.match(end.reason, /stolen.*link.*\/etc\/passwd/);
  });

  it('has a secret file for its own user alone, and no value in its configuration', async () => {
    const secrets = { '/run/secrets/key': 'file-canary-1', TOKEN: 'variable-canary' };
    const script = 'cat /run/secrets/key; echo; stat -c "%a %u" /run/secrets/key; echo ${#TOKEN}';
    const { id, end } = await house().run(script, { secrets, container: { user: 'worker' } });
    assert.equal(end.state, 'succeeded', end.reason);
    assert.deepEqual(await house().texts(id), ['file-canary-1', '400 1234', '15']);
    const seen = await engine.client.json<object>('GET', `/containers/${id}/json`);
    assert.ok(!JSON.stringify(seen).includes('file-canary-1'));
    const { Config } = seen as Inspected;
    assert.ok(!JSON.stringify(Config.Labels).includes('canary'));
  });

  it('carries its labels from its creation', async () => {
    const { id } = await house().run('true', { labels: { team: 'blue', 'distributo:owner': 'nobody' } });
    const { Config } = await engine.client.json<Inspected>('GET', `/containers/${id}/json`);
    assert.equal(Config.Labels.team, 'blue');
    assert.equal(Config.Labels['distributo:owner'], house().ownerId);
    assert.equal(Config.Labels['distributo:attempt'], id);
    assert.equal(Config.Labels['distributo:cluster'], 'end-to-end');
    assert.equal(Config.Labels['distributo:executor'], '0');
  });

  it('a container that somebody stops or removes is an interruption or lost, not a failure of the program', async () => {
    const calls = [
      (id: string) => engine.client.plain('POST', `/containers/${id}/stop`, { query: { t: 0 } }),
      (id: string) => engine.client.plain('DELETE', `/containers/${id}`, { query: { force: true } }),
    ];
    for (const call of calls) {
      const order = house().order({ executors: [house().sh('echo up; sleep 600')] });
      house().runtime.start(order);
      await house().observed.logged(order.attemptId, (line) => line.text === 'up');
      await call(order.attemptId);
      const end = await house().observed.ended(order.attemptId);
      assert.ok(end.state === 'interrupted' || end.state === 'lost', `${end.state}: ${end.reason}`);
    }
  });

  it('a program that kills itself has failed by itself', async () => {
    const { end } = await house().run('kill -9 $$', { container: { init: false } });
    // Process 1 of a container cannot kill itself, so this one ends well; with an init it can.
    assert.equal(end.exitCode, 0);
    const killed = await house().run('kill -9 $$');
    assert.equal(killed.end.state, 'failed');
    assert.equal(killed.end.reason, 'exit 137 (SIGKILL)');
  });

  it('a workspace that is kept outlives its container, and goes when it is forgotten for good', async () => {
    const { id } = await house().run('echo evidence > left', {
      outputs: [{ url: house().url('never'), path: 'never' }],
    });
    await house().runtime.forget(id, true);
    const volume = () =>
      engine.client.json('GET', `/volumes/${id}`).then(
        () => true,
        () => false,
      );
    assert.equal(await volume(), true);
    await house().reopen();
    await house().observed.see('ready', (seen) => seen.kind === 'ready');
    assert.equal(await volume(), true, 'kept over a restart');
    await house().runtime.forget(id, false);
    assert.equal(await volume(), false);
  });

  it('two state directories on one engine do not see each other', async () => {
    const other = await DockerHouse.build(engine.target);
    try {
      const mine = house().order({ executors: [house().sh('sleep 600')] });
      house().runtime.start(mine);
      await house().observed.running(mine.attemptId);
      assert.equal((await other.run('true')).end.state, 'succeeded');
      const theirs = (await other.runtime.list()).map((seen) => seen.attemptId);
      assert.ok(!theirs.includes(mine.attemptId));
      await other.clear();
      const seen = (await house().runtime.list()).find((sighting) => sighting.attemptId === mine.attemptId);
      assert.equal(seen?.isRunning, true);
    } finally {
      await other.runtime.close();
    }
  });

  it('knows the peak memory of an attempt that lives long enough to be looked at', async () => {
    const { end } = await house().run('x=$(head -c 20000000 /dev/zero | tr "\\000" x); sleep 5; echo ${#x}');
    assert.equal(end.state, 'succeeded', end.reason);
    assert.ok(end.peakMemoryMib !== null && end.peakMemoryMib >= 19, `${end.peakMemoryMib} MiB`);
  });
});

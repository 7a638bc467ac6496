// Engines reached in other ways than this machine's socket, and engines that cannot be reached.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createDockerRuntime } from '../../src/adapters/docker/docker-runtime.ts';
import { createNodeClock } from '../../src/adapters/node-clock/node-clock.ts';
import { createFileObjects } from '../../src/adapters/objects/file.ts';
import { DockerHouse } from '../support/docker-house.ts';
import { dockerSuite } from '../support/docker-suite.ts';
import { ObservedRuntime } from '../support/observed-runtime.ts';

const tryAll = async (house: DockerHouse): Promise<void> => {
  await writeFile(house.path('in'), 'x'.repeat(300_000));
  const ended = await Promise.all(
    [1, 2, 3].map((k) =>
      house.run('wc -c < in; cp in out', {
        inputs: [{ url: house.url('in'), path: 'in' }],
        outputs: [{ url: house.url(`out-${k}`), path: 'out' }],
      }),
    ),
  );
  for (const { id, end } of ended) {
    assert.equal(end.state, 'succeeded', end.reason);
    assert.deepEqual(await house.texts(id), ['300000']);
  }
};

await dockerSuite('docker: endpoints', ({ engine, house }) => {
  const isSocket = engine.target.endpoint.startsWith('unix://');
  const socketPath = engine.target.endpoint.slice('unix://'.length);
  const hasDocker = spawnSync('docker', ['--version']).status === 0;

  describe('tcp', { skip: !isSocket && 'the engine of this machine is not behind a socket' }, () => {
    let server: Server | undefined;
    let far: DockerHouse | undefined;
    before(async () => {
      server = createServer((client) => {
        const upstream = connect(socketPath);
        client.pipe(upstream).pipe(client);
        // A pipe does not pass on that its other end was destroyed: what stays open would keep this process.
        for (const [one, other] of [
          [client, upstream],
          [upstream, client],
        ] as const) {
          one.on('error', () => other.destroy());
          one.on('close', () => other.destroy());
        }
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      assert(address !== null && typeof address === 'object');
      far = await DockerHouse.build({ ...engine.target, endpoint: `tcp://127.0.0.1:${address.port}` });
    });
    after(async () => {
      await far?.clear();
      server?.close();
    });
    it('runs attempts on an engine by tcp, which is another instance than this machine', async () => {
      assert(far);
      await tryAll(far);
      const seen = await far.observed.see('ready', (observation) => observation.kind === 'ready');
      assert(seen.kind === 'ready');
      assert.match(seen.description.instanceId, /^docker-[0-9a-f]{8}$/);
    });
  });

  describe('ssh', { skip: !(isSocket && hasDocker) && 'needs the docker command and a socket' }, () => {
    let far: DockerHouse | undefined;
    after(() => far?.clear());
    it('runs attempts on an engine by ssh', async () => {
      // In place of ssh a script that runs on this machine what would run on the other.
      const bin = house().path('ssh-bin');
      await mkdir(bin, { recursive: true });
      await writeFile(`${bin}/ssh`, '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec "$@"\n', {
        mode: 0o755,
      });
      const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, DOCKER_HOST: engine.target.endpoint };
      far = await DockerHouse.build({ ...engine.target, endpoint: 'ssh://ada@far:2222' }, { env });
      await tryAll(far);
    });
  });

  const open = async (endpoint: string, more: object = {}) => {
    const runtime = await createDockerRuntime({
      target: { ...house().target, endpoint },
      stateDirectory: house().path('nowhere'),
      ownerId: house().ownerId,
      clusterName: 'end-to-end',
      objectsOf: () => createFileObjects(),
      clock: createNodeClock(),
      ...more,
    });
    const observed = new ObservedRuntime(runtime);
    try {
      const seen = await observed.see('unreachable', (observation) => observation.kind === 'unreachable');
      assert(seen.kind === 'unreachable');
      await assert.rejects(runtime.list(), { code: 'CONTAINERS_UNREACHABLE' });
      return seen.reason;
    } finally {
      await runtime.close();
    }
  };

  it('an endpoint that points nowhere is named, with how it was chosen', async () => {
    assert.equal(
      await open('tcp://127.0.0.1:1', { chosenBy: 'DOCKER_HOST' }),
      'no Docker engine answers at tcp://127.0.0.1:1 (chosen by DOCKER_HOST): nobody listens there',
    );
    assert.match(await open('unix:///no/such/docker.sock'), /: the socket does not exist$/);
  });

  it('ssh that fails says why in its own words', async () => {
    const bin = house().path('bad-ssh');
    await mkdir(bin, { recursive: true });
    await writeFile(`${bin}/ssh`, '#!/bin/sh\necho "ada@far: Permission denied (publickey)." >&2\nexit 255\n', {
      mode: 0o755,
    });
    const env = { PATH: `${bin}:${process.env.PATH}` };
    assert.match(await open('ssh://ada@far', { env }), /Permission denied \(publickey\)\.$/);
  });
});

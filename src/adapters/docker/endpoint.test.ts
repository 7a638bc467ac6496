import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type EndpointWorld, findDockerEndpoint, normaliseEndpoint, type SocketState } from './endpoint.ts';

type Given = {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
  readonly sockets?: Record<string, SocketState>;
};

const find = (given: Given) => {
  const world: EndpointWorld = {
    env: given.env ?? {},
    home: '/home/ada',
    uid: 1000,
    readText: async (path) => given.files?.[path],
    tryUnixSocket: async (path) => given.sockets?.[path] ?? 'missing',
  };
  return findDockerEndpoint(world.env, world);
};

const contextFiles = (name: string, host: string, hasTls = false): Record<string, string> => {
  const id = createHash('sha256').update(name).digest('hex');
  return {
    [`/home/ada/.docker/contexts/meta/${id}/meta.json`]: JSON.stringify({
      Name: name,
      Endpoints: { docker: { Host: host } },
    }),
    ...(hasTls ? { [`/home/ada/.docker/contexts/tls/${id}/docker/ca.pem`]: 'certificate' } : {}),
  };
};

test('DOCKER_HOST wins over every context', async () => {
  const found = await find({ env: { DOCKER_HOST: 'tcp://box:2375', DOCKER_CONTEXT: 'other' } });
  assert.deepEqual(found, {
    endpoint: 'tcp://box:2375',
    dockerConfigDirectory: '/home/ada/.docker',
    chosenBy: 'DOCKER_HOST',
  });
});

test('TLS is spoken where DOCKER_TLS_VERIFY says so, with the certificates of DOCKER_CERT_PATH', async () => {
  const env = { DOCKER_HOST: 'tcp://box:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };
  assert.equal((await find({ env })).tlsDirectory, '/certs');
  const { DOCKER_CERT_PATH: _, ...without } = env;
  assert.equal((await find({ env: without })).tlsDirectory, '/home/ada/.docker');
  assert.equal((await find({ env: { DOCKER_HOST: 'tcp://box:2376' } })).tlsDirectory, undefined);
});

test('DOCKER_CONTEXT names a context, with its certificates', async () => {
  const files = contextFiles('far', 'tcp://far:2376', true);
  const found = await find({ env: { DOCKER_CONTEXT: 'far' }, files });
  assert.equal(found.endpoint, 'tcp://far:2376');
  assert.equal(found.chosenBy, 'DOCKER_CONTEXT=far');
  assert.match(found.tlsDirectory ?? '', /^\/home\/ada\/\.docker\/contexts\/tls\/[0-9a-f]{64}\/docker$/);
});

test('the current context of the configuration is used where nothing else is said', async () => {
  const config = { '/home/ada/.docker/config.json': '{"currentContext":"colima"}' };
  const files = { ...config, ...contextFiles('colima', 'unix:///home/ada/.colima/docker.sock') };
  const found = await find({ files });
  assert.equal(found.endpoint, 'unix:///home/ada/.colima/docker.sock');
  assert.equal(found.chosenBy, 'the current context "colima" of /home/ada/.docker/config.json');
  const chosen = await find({ env: { DOCKER_CONTEXT: 'default' }, files, sockets: { '/var/run/docker.sock': 'open' } });
  assert.equal(chosen.endpoint, 'unix:///var/run/docker.sock');
});

test('a context that does not exist is named, with the command that lists those there are', async () => {
  await assert.rejects(find({ env: { DOCKER_CONTEXT: 'gone' } }), {
    code: 'CONFIG_INVALID',
    message: /the Docker context "gone" has no endpoint/,
    hint: /docker context ls/,
  });
});

test('of the usual sockets the first that answers is taken, in the order of Docker, rootless, Desktop, Podman', async () => {
  const order = [
    '/var/run/docker.sock',
    '/run/user/1000/docker.sock',
    '/home/ada/.docker/run/docker.sock',
    '/home/ada/.docker/desktop/docker.sock',
    '/run/user/1000/podman/podman.sock',
    '/run/podman/podman.sock',
  ];
  for (const [at, path] of order.entries()) {
    const sockets = Object.fromEntries([
      ...order.slice(0, at).map((dead) => [dead, 'refused'] as const),
      ...order.slice(at).map((live) => [live, 'open'] as const),
    ]);
    assert.equal((await find({ sockets })).endpoint, `unix://${path}`);
  }
  const env = { XDG_RUNTIME_DIR: '/xdg' };
  assert.equal((await find({ env, sockets: { '/xdg/docker.sock': 'open' } })).endpoint, 'unix:///xdg/docker.sock');
});

test('where no socket answers, one that is there is named, else the default', async () => {
  const sockets = { '/home/ada/.docker/run/docker.sock': 'refused' } as const;
  assert.equal((await find({ sockets })).chosenBy, 'the socket of Docker Desktop');
  assert.equal((await find({})).endpoint, 'unix:///var/run/docker.sock');
});

test('endpoints are read as the Docker command line reads them', () => {
  assert.equal(normaliseEndpoint('unix://', 'x'), 'unix:///var/run/docker.sock');
  assert.equal(normaliseEndpoint('/run/d.sock', 'x'), 'unix:///run/d.sock');
  assert.equal(normaliseEndpoint('box', 'x'), 'tcp://box:2375');
  assert.equal(normaliseEndpoint('https://box/', 'x'), 'tcp://box:2376');
  assert.equal(normaliseEndpoint('ssh://ada@box:22', 'x'), 'ssh://ada@box:22');
  assert.throws(() => normaliseEndpoint('npipe:////./pipe/docker', 'DOCKER_HOST'), {
    code: 'CONFIG_INVALID',
    message: 'DOCKER_HOST is "npipe:////./pipe/docker", which is no Docker endpoint',
  });
});

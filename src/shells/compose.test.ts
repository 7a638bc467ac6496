import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../test/support/scratch.ts';
import { chooseTarget } from './compose.ts';

const NOWHERE = 'unix:///nowhere/docker.sock';

test('auto without a Docker engine takes processes and says so', async (t) => {
  const home = await scratchFolder(t);
  const env = { HOME: home, PATH: '/opt/bin:/bin', DOCKER_HOST: NOWHERE, AWS_PROFILE: 'lab', AWS_REGION: 'eu-west-1' };
  const { target, notices, docker } = await chooseTarget({ env, runtime: 'auto', s3Endpoint: 'http://localhost:9000' });
  assert.deepEqual(target, {
    backend: 'local',
    runtime: 'process',
    endpoint: '',
    path: '/opt/bin:/bin',
    aws: { profile: 'lab', region: 'eu-west-1', endpoint: 'http://localhost:9000' },
  });
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /nowhere\/docker\.sock.*plain processes/);
  assert.equal(docker?.trouble?.code, 'CONTAINERS_UNREACHABLE');
});

test('Docker that was asked for stays Docker, with its trouble named', async (t) => {
  const home = await scratchFolder(t);
  const env = { HOME: home, DOCKER_HOST: NOWHERE };
  const { target, docker } = await chooseTarget({ env, runtime: 'docker', s3Endpoint: null });
  assert.deepEqual(target, {
    backend: 'local',
    runtime: 'docker',
    endpoint: NOWHERE,
    dockerConfigDirectory: join(home, '.docker'),
  });
  assert.equal(docker?.chosenBy, 'DOCKER_HOST');
  assert.ok(docker.trouble?.hint);
});

test('processes that were asked for are taken without looking for Docker; no key travels with them', async () => {
  const env = { PATH: '/bin', DOCKER_HOST: NOWHERE, AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'canary' };
  const choice = await chooseTarget({ env, runtime: 'process', s3Endpoint: null });
  assert.deepEqual(choice, {
    target: { backend: 'local', runtime: 'process', endpoint: '', path: '/bin' },
    notices: [],
    docker: null,
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unreachable } from './endpoint-trouble.ts';

const failure = (code: string, message = code) => Object.assign(new Error(message), { code });

test('an endpoint where nothing is names itself and how it was chosen', () => {
  const error = unreachable({ endpoint: 'tcp://nowhere:2375', chosenBy: 'DOCKER_HOST' }, failure('ENOTFOUND'));
  assert.equal(error.code, 'CONTAINERS_UNREACHABLE');
  assert.equal(
    error.message,
    'no Docker engine answers at tcp://nowhere:2375 (chosen by DOCKER_HOST): the host name is not known',
  );
  assert.ok(error.retryable);
});

test('a socket without permission names the group and the command', () => {
  const error = unreachable({ endpoint: 'unix:///var/run/docker.sock' }, failure('EACCES'));
  assert.match(error.message, /you have no permission on \/var\/run\/docker\.sock, which belongs to the group docker/);
  assert.match(error.hint ?? '', /sudo usermod -aG docker "\$USER"/);
});

test('a stopped Docker Desktop is called that', () => {
  for (const code of ['ENOENT', 'ECONNREFUSED']) {
    const error = unreachable({ endpoint: 'unix:///home/ada/.docker/desktop/docker.sock' }, failure(code));
    assert.match(error.message, /Docker Desktop is stopped$/);
    assert.match(error.hint ?? '', /^start it with: /);
  }
});

test('a stopped engine says how it is started, rootless and Podman too', () => {
  const hint = (path: string) => unreachable({ endpoint: `unix://${path}` }, failure('ENOENT')).hint ?? '';
  assert.match(hint('/run/user/1000/docker.sock'), /systemctl --user start docker/);
  assert.match(hint('/run/user/1000/podman/podman.sock'), /systemctl --user start podman\.socket/);
});

test('the cause inside an error of the client is found', () => {
  const wrapped = Object.assign(new Error('fetch failed'), { code: 'UND_ERR_SOCKET', cause: failure('ECONNREFUSED') });
  assert.match(unreachable({ endpoint: 'tcp://box:2375' }, wrapped).message, /nobody listens there/);
});

test('trouble of ssh is in its own words, with the command to try', () => {
  const error = unreachable({ endpoint: 'ssh://ada@box' }, new Error('Permission denied (publickey).'));
  assert.match(error.message, /Permission denied \(publickey\)\.$/);
  assert.match(error.hint ?? '', /^try by hand: ssh ada@box docker version/);
});

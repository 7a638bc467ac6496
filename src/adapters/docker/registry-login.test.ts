import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { registryAuth } from './registry-login.ts';

describe('logins to registries', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'distributo-login-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const login = async (config: object | string, registry: string): Promise<unknown> => {
    await writeFile(join(directory, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
    const header = await registryAuth(registry, directory, `${directory}:${process.env.PATH}`);
    return header === undefined ? undefined : JSON.parse(Buffer.from(header, 'base64url').toString());
  };
  const helper = (name: string, script: string) =>
    writeFile(join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const auth = Buffer.from('ada:pass:word').toString('base64');

  it('come from a plain entry, whose password may hold colons', async () => {
    const expected = { username: 'ada', password: 'pass:word', serveraddress: 'reg.example' };
    assert.deepEqual(await login({ auths: { 'reg.example': { auth } } }, 'reg.example'), expected);
    assert.deepEqual(await login({ auths: { 'https://reg.example/v2/': { auth } } }, 'reg.example'), expected);
    assert.equal(await login({ auths: { 'other.example': { auth } } }, 'reg.example'), undefined);
  });

  it('of Docker Hub lie under its old address', async () => {
    const hub = await login({ auths: { 'https://index.docker.io/v1/': { auth } } }, 'docker.io');
    assert.deepEqual(hub, { username: 'ada', password: 'pass:word', serveraddress: 'https://index.docker.io/v1/' });
  });

  it('come from the helper of that registry before the store of all', async () => {
    await helper('one', `read r; echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"for $r\\"}"`);
    await helper('all', 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"t\\"}"');
    const config = { credHelpers: { 'reg.example': 'one' }, credsStore: 'all' };
    assert.deepEqual(await login(config, 'reg.example'), {
      username: 'u',
      password: 'for reg.example',
      serveraddress: 'reg.example',
    });
    assert.deepEqual(await login(config, 'x.example'), { identitytoken: 't', serveraddress: 'x.example' });
  });

  it('are none where the helper has none', async () => {
    await helper('empty', 'echo "credentials not found in native keychain"; exit 1');
    assert.equal(await login({ credsStore: 'empty' }, 'reg.example'), undefined);
  });

  it('that cannot be read are said so, without what the helper printed', async () => {
    await helper('broken', 'echo secret-canary; exit 3');
    await assert.rejects(login({ credsStore: 'broken' }, 'reg.example'), (error: Error) => {
      assert.match(error.message, /docker-credential-broken: it ended with code 3$/);
      return !error.message.includes('canary');
    });
    await assert.rejects(login({ credsStore: '../evil' }, 'reg.example'), /other characters/);
    await assert.rejects(login('{', 'reg.example'), {
      code: 'IMAGE_UNAVAILABLE',
      message: /config\.json is not JSON/,
      hint: /docker login/,
    });
  });
});

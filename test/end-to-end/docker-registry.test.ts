// Pulls from a registry that wants a login: a stub on this machine, spoken to by a real engine.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { anExecutor } from '../support/an-order.ts';
import { busyboxRoot, packRoot, removeImage } from '../support/docker-image.ts';
import { dockerSuite } from '../support/docker-suite.ts';
import { type StubRegistry, startStubRegistry } from '../support/stub-registry.ts';

await dockerSuite('docker: registries', ({ engine, house }) => {
  let registry: StubRegistry | undefined;
  const host = () => (registry as StubRegistry).host;
  const image = () => `${host()}/team/tool:1`;

  before(async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of packRoot(busyboxRoot())) chunks.push(chunk);
    registry = await startStubRegistry({ user: 'ada', password: 'right-canary' }, Buffer.concat(chunks));
  });
  after(async () => {
    await registry?.close();
  });

  const configured = async (name: string, config: object): Promise<string> => {
    const directory = house().path(name);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'config.json'), JSON.stringify(config));
    return directory;
  };
  const basic = (password: string) => ({ auth: Buffer.from(`ada:${password}`).toString('base64') });
  const runWith = async (dockerConfigDirectory: string, name = image(), path?: string) => {
    const target = { ...house().target, dockerConfigDirectory, ...(path === undefined ? {} : { path }) };
    return await house().run([anExecutor(name, ['/bin/echo', 'pulled'])], { target });
  };

  it('without a login it says that the registry wants one', async () => {
    const { end } = await runWith(await configured('none', {}));
    assert.equal(end.cause, 'image-pull');
    assert.ok(end.reason.includes(`the registry ${host()} wants a login`), end.reason);
    assert.ok(end.reason.endsWith(`docker login ${host()}`), end.reason);
  });

  it('an expired login names the registry and the command that renews it, and never the password', async () => {
    const { end } = await runWith(await configured('expired', { auths: { [host()]: basic('old-canary') } }));
    assert.equal(end.cause, 'image-pull');
    assert.ok(end.reason.includes(`the registry ${host()} refused the login`), end.reason);
    assert.ok(end.reason.endsWith(`it may have expired; log in again: docker login ${host()}`), end.reason);
    assert.ok(!JSON.stringify(house().observed.observations).includes('canary'));
  });

  it('a credential helper that is missing is why, where the registry wants a login', async () => {
    const directory = await configured('no-helper', { credHelpers: { [host()]: 'no-such-helper' } });
    const { end } = await runWith(directory);
    assert.match(end.reason, /could not be read from docker-credential-no-such-helper/);
  });

  it('an image that the registry does not have is said so', async () => {
    const directory = await configured('right', { auths: { [`http://${host()}/v2/`]: basic('right-canary') } });
    const { end } = await runWith(directory, `${host()}/team/other:1`);
    assert.equal(end.cause, 'image-pull');
    assert.ok(end.reason.startsWith(`image ${host()}/team/other:1 does not exist in ${host()}`), end.reason);
  });

  it('many attempts at once share one pull, by a credential helper, over trouble that passes', async () => {
    const bin = house().path('bin');
    await mkdir(bin, { recursive: true });
    const answer = JSON.stringify({ ServerURL: host(), Username: 'ada', Secret: 'right-canary' });
    await writeFile(join(bin, 'docker-credential-stub'), `#!/bin/sh\ncat >/dev/null\necho '${answer}'\n`, {
      mode: 0o755,
    });
    const directory = await configured('helper', { credsStore: 'stub' });
    registry?.failNext(1);
    const before = registry?.requests.length ?? 0;
    const path = `${bin}:${process.env.PATH}`;
    const ended = await Promise.all([1, 2, 3, 4, 5].map(() => runWith(directory, image(), path)));
    for (const { end } of ended) assert.equal(end.state, 'succeeded', end.reason);
    const layers = registry?.requests
      .slice(before)
      .filter((request) => request.startsWith('GET') && request.includes('/blobs/'));
    assert.equal(layers?.length, 2, `one configuration and one layer: ${layers?.join(', ')}`);
    const progress = house().observed.observations.filter((seen) => seen.kind === 'progress');
    assert.ok(progress.some((seen) => seen.activity.startsWith(`pulling image ${image()}`)));
    for (const { id } of ended) await house().runtime.forget(id, false);
    await removeImage(engine.client, image());
  });
});

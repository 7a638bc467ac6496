// What cannot start on a real engine, and the sentence that a user reads then.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { anExecutor } from '../support/an-order.ts';
import { BUSYBOX_IMAGE, busyboxRoot, importImage, loadImage, removeImage } from '../support/docker-image.ts';
import { dockerSuite } from '../support/docker-suite.ts';

/** busybox, but for 64-bit ARM according to its header. */
function alienProgram(): Buffer {
  const program = readFileSync('/bin/busybox');
  program.writeUInt16LE(183, 18);
  return program;
}

await dockerSuite('docker: starts that fail', ({ engine, house }) => {
  const alien = 'distributo-test/wrong-format:1';
  before(() =>
    importImage(engine.client, alien, busyboxRoot([{ name: 'bin/alien', content: alienProgram(), mode: 0o755 }])),
  );
  after(async () => {
    for (const name of ['wrong-format', 'arm', 'no-shell'])
      await removeImage(engine.client, `distributo-test/${name}:1`);
  });

  it('an image that is not there, and may not be pulled, is named with the command that would get it', async () => {
    const { end } = await house().run([anExecutor('distributo-test/none:1', ['true'])], {
      container: { pull: 'never' },
    });
    assert.equal(end.cause, 'image-pull');
    assert.equal(
      end.reason,
      'image distributo-test/none:1 is not on this engine, and pull is never; docker pull distributo-test/none:1, or pull: missing in the job file',
    );
  });

  it('a name that is no image is said to be one', async () => {
    const { end } = await house().run([anExecutor('Not An Image', ['true'])]);
    assert.equal(end.cause, 'image-pull');
    assert.match(end.reason, /"Not An Image" is no name of an image/);
  });

  for (const init of [true, false]) {
    it(`a command that is not in the image is named (init ${init})`, async () => {
      const { end } = await house().run([anExecutor(BUSYBOX_IMAGE, ['frobnicate', '-x'])], { container: { init } });
      assert.equal(end.state, 'failed');
      assert.equal(end.cause, 'start');
      assert.equal(
        end.reason,
        `the command "frobnicate" is not in image ${BUSYBOX_IMAGE}, or an interpreter that it needs is not`,
      );
    });

    it(`a file that is not executable is named (init ${init})`, async () => {
      const { end } = await house().run([anExecutor(BUSYBOX_IMAGE, ['/etc/passwd'])], { container: { init } });
      assert.equal(end.cause, 'start', end.reason);
      assert.match(end.reason, /"\/etc\/passwd" in image .* may not be executed; make it executable with chmod \+x/);
    });

    it(`a program for another processor is said to be that (init ${init})`, async () => {
      const { end } = await house().run([anExecutor(alien, ['/bin/alien'])], { container: { init } });
      assert.equal(end.cause, 'start', end.reason);
      assert.match(
        end.reason,
        /^exec format error: the command of image distributo-test\/wrong-format:1 is for another processor/,
      );
    });
  }

  it('an image without a command asks for one', async () => {
    const { end } = await house().run([anExecutor(BUSYBOX_IMAGE, [], { command: null })]);
    assert.equal(end.cause, 'start');
    assert.match(end.reason, /has no command of its own; give one with command/);
  });

  it('a user that the image does not know is named', async () => {
    const { end } = await house().run('id', { container: { user: 'nobody-here' } });
    assert.equal(end.cause, 'start');
    assert.equal(end.reason, `there is no user "nobody-here" in image ${BUSYBOX_IMAGE}; use a number, or user: host`);
  });

  it('an image for another platform is refused with both platforms', async () => {
    const image = 'distributo-test/arm:1';
    await loadImage(engine.client, image, busyboxRoot(), 'arm64');
    const { end } = await house().run([anExecutor(image, ['true'])]);
    assert.equal(end.state, 'failed');
    assert.equal(end.cause, 'start');
    assert.match(end.reason, /image distributo-test\/arm:1 is for linux\/arm64, and this engine runs linux\/amd64/);
    assert.match(end.reason, /or set platform: linux\/arm64 to run it by emulation/);
    const asked = await house().run([anExecutor(image, ['/bin/true'])], { container: { platform: 'linux/arm64' } });
    // It is an amd64 program under an arm64 name, so it runs: what matters is that it was let through.
    assert.equal(asked.end.state, 'succeeded', asked.end.reason);
  });

  it('an image that is here for one platform and asked for another says so', async () => {
    const { end } = await house().run('true', { container: { platform: 'linux/s390x', pull: 'never' } });
    assert.equal(end.state, 'failed');
    assert.match(end.reason, /is for linux\/amd64, and the job asks for platform linux\/s390x/);
  });

  it('a bind mount whose source is missing names it', async () => {
    const mounts = [{ type: 'bind', source: '/no/such/folder', target: '/data', readOnly: true }] as const;
    const { end } = await house().run('true', { container: { mounts } });
    assert.equal(end.cause, 'start');
    assert.equal(end.reason, "the mount source /no/such/folder does not exist on the engine's machine");
  });

  it('a network that does not exist is named', async () => {
    const { end } = await house().run('true', { container: { network: 'no-such-network' } });
    assert.equal(end.cause, 'start');
    assert.match(end.reason, /no network no-such-network on the engine; make it with: docker network create/);
  });

  it('an environment of 10 MB is refused with its size', async () => {
    const executor = house().sh('true', { env: { BIG: 'x'.repeat(10_000_000) } });
    const { end } = await house().run([executor]);
    assert.equal(end.cause, 'start', end.reason);
    assert.match(
      end.reason,
      /^environment and command have 9,766 KiB, the largest value 9,766 KiB; the kernel takes 128 KiB for one value/,
    );
  });

  it('more GPUs than there are is a failed start with both numbers', async () => {
    const { end } = await house().run('true', { resources: { gpus: 64 } });
    assert.equal(end.cause, 'start');
    assert.match(end.reason, /64 GPUs were asked for, \d+ of \d+ are free/);
  });

  it('a streams file needs a shell in the image, and that is said', async () => {
    const image = 'distributo-test/no-shell:1';
    const root = busyboxRoot().filter(({ name }) => name !== 'bin/sh');
    await importImage(engine.client, image, root);
    const { end } = await house().run([anExecutor(image, ['/bin/true'], { stdout: 'out.txt' })]);
    assert.equal(end.cause, 'start');
    assert.match(end.reason, /stdin, stdout and stderr as files need \/bin\/sh in image distributo-test\/no-shell:1/);
  });
});

import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { contentOf } from '../../test/support/collect.ts';
import { scratchFolder } from '../../test/support/scratch.ts';
import { createFile, publishFile, temporaryName } from './publish-file.ts';

const options = { mode: 0o640, isDurable: true };

test('until it is whole, the old file is what is seen', async (context) => {
  const goal = join(await scratchFolder(context), 'goal');
  await writeFile(goal, 'old');
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('new and ');
    assert.equal(await readFile(goal, 'utf8'), 'old');
    yield Buffer.from('whole');
  }
  await publishFile(goal, content(), options);
  assert.equal(await readFile(goal, 'utf8'), 'new and whole');
  assert.equal((await stat(goal)).mode & 0o777, 0o640);
});

test('of two writers of one goal, one is told, and what is seen is one whole file', async (context) => {
  const folder = await scratchFolder(context);
  const goal = join(folder, 'goal');
  let proceed = (): void => undefined;
  const waiting = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('slow ');
    await waiting;
    yield Buffer.from('slow');
  }
  const first = publishFile(goal, slow(), options);
  const told = assert.rejects(first, {
    code: 'OUTPUT_UNWRITABLE',
    message: /by another task at the same time/,
    retryable: true,
  });
  while ((await readdir(folder)).length === 0) await new Promise((resolve) => setImmediate(resolve));
  await publishFile(goal, contentOf('quick'), options);
  proceed();
  await told;
  assert.equal(await readFile(goal, 'utf8'), 'quick');
  assert.deepEqual(await readdir(folder), ['goal']);
});

test('the longest name a file system takes can be published', async (context) => {
  const folder = await scratchFolder(context);
  const goal = join(folder, 'n'.repeat(255));
  await publishFile(goal, contentOf('x'), options);
  assert.equal(await readFile(goal, 'utf8'), 'x');
  assert.ok(temporaryName(goal).length - folder.length < 60);
});

test('a new file is made only where none is', async (context) => {
  const goal = join(await scratchFolder(context), 'goal');
  assert.equal(await createFile(goal, contentOf('first'), options), true);
  assert.equal(await createFile(goal, contentOf('second'), options), false);
  assert.equal(await readFile(goal, 'utf8'), 'first');
});

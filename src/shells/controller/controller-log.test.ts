import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { scratchFolder } from '../../../test/support/scratch.ts';
import { DistributoError } from '../../domain/errors.ts';
import { logPath, openControllerLog, readLogTail } from './controller-log.ts';

test('the log stays below twice its limit and loses nothing of its last lines', async (t) => {
  const folder = await scratchFolder(t);
  const log = openControllerLog(folder, 10_000);
  for (let line = 0; line < 1000; line++) log.write(`line ${line} ${'x'.repeat(50)}`);
  log.close();
  log.write('after its end nothing is written');
  assert.ok(statSync(logPath(folder)).size < 11_000);
  assert.ok(statSync(`${logPath(folder)}.1`).size < 11_000);
  const both = readFileSync(`${logPath(folder)}.1`, 'utf8') + readFileSync(logPath(folder), 'utf8');
  const numbers = [...both.matchAll(/line (\d+) /g)].map(([, number]) => Number(number));
  assert.deepEqual(
    numbers,
    numbers.map((_number, at) => 1000 - numbers.length + at),
  );
});

test('an expected error is one line; a fault of ours has its stack', async (t) => {
  const folder = await scratchFolder(t);
  const log = openControllerLog(folder);
  log.writeError('cannot go on', new DistributoError('STORE_FAILED', 'the disk answered EIO'));
  log.writeError('a fault', new TypeError('boom'));
  log.close();
  const [first, second, third] = readFileSync(logPath(folder), 'utf8').split('\n');
  assert.match(first ?? '', /cannot go on: STORE_FAILED: the disk answered EIO$/);
  assert.match(second ?? '', /a fault: TypeError: boom$/);
  assert.match(third ?? '', /^ +at /);
});

test('the tail begins with what was written since a moment', async (t) => {
  const folder = await scratchFolder(t);
  const log = openControllerLog(folder);
  log.write('old');
  log.close();
  assert.deepEqual(readLogTail(folder, 5, Date.now() + 60_000).length, 1);
  assert.match(readLogTail(folder, 5, Date.now() - 60_000)[0] ?? '', /old$/);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { it } from 'node:test';
import { freeBytes } from './free-bytes.ts';

it('free room is what df says is available', async () => {
  const said = execFileSync('df', ['--output=avail', '-B1', tmpdir()], { encoding: 'utf8' }).trim().split('\n').at(-1);
  const free = await freeBytes(tmpdir());
  // Others write to the same disk meanwhile.
  assert.ok(Math.abs(free - Number(said)) < 1024 ** 3, `${free} and ${said}`);
});

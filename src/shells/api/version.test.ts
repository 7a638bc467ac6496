import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, readVersion } from './version.ts';

test('releases are ordered as numbers, and a candidate comes before its release', () => {
  const ordered = ['0.1.0', '0.1.9', '0.1.10', '0.2.0-rc.1', '0.2.0-rc.2', '0.2.0', '1.0.0', '10.0.0'];
  const shuffled = [...ordered].sort(() => 0).reverse();
  assert.deepEqual(shuffled.sort(compareVersions), ordered);
  assert.equal(compareVersions('1.2.3', '1.2.3'), 0);
});

test('the release is the one of the package', () => {
  assert.match(readVersion(), /^\d+\.\d+\.\d+/);
});

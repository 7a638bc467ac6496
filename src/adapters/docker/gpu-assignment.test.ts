import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GpuAssignment } from './gpu-assignment.ts';

test('a GPU is given to one attempt at a time, and to the same one again', () => {
  const gpus = new GpuAssignment();
  gpus.setIds(['0', '1', '2']);
  assert.deepEqual(gpus.take('a', 2), ['0', '1']);
  assert.deepEqual(gpus.take('a', 2), ['0', '1']);
  assert.deepEqual(gpus.take('b', 1), ['2']);
  assert.throws(() => gpus.take('c', 1), { code: 'START_FAILED', message: '1 GPU was asked for, 0 of 3 are free' });
  gpus.release('a');
  assert.deepEqual(gpus.take('c', 1), ['0']);
});

test('what containers were given before a restart is not given again', () => {
  const gpus = new GpuAssignment();
  gpus.setIds(['0', '1']);
  gpus.learn('old', ['0']);
  assert.deepEqual(gpus.take('new', 1), ['1']);
  assert.deepEqual(gpus.take('old', 1), ['0']);
});

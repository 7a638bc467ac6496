import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './nearest-name.ts';

test('the name with the fewest changed letters is the nearest', () => {
  assert.equal(nearestName('ouput', ['input', 'output', 'outputs']), 'output');
  assert.equal(nearestName('resutl.csv', ['other.txt', 'result.csv']), 'result.csv');
});

test('a name that shares too little with all others has no nearest', () => {
  assert.equal(nearestName('memory', ['cpu', 'network']), undefined);
  assert.equal(nearestName('x', []), undefined);
});

test('of names equally near, the first is taken', () => {
  assert.equal(nearestName('a.csv', ['b.csv', 'c.csv']), 'b.csv');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLater } from './open-later.ts';

async function* numbers() {
  yield 1;
  yield 2;
}

test('gives what its source gives, and what opening it throws', async () => {
  const seen: number[] = [];
  for await (const number of openLater(async () => numbers())) seen.push(number);
  assert.deepEqual(seen, [1, 2]);
  const broken = openLater<number>(async () => {
    throw new Error('no such log');
  });
  await assert.rejects(async () => {
    for await (const _number of broken);
  }, /no such log/);
});

test('the end reaches a source that waits', async () => {
  let hasEnded = false;
  const silent: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        hasEnded = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const reading = openLater(async () => silent)[Symbol.asyncIterator]();
  void reading.next();
  await reading.return?.();
  assert.equal(hasEnded, true);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect } from '../../test/support/collect.ts';
import { watchHeldBytes } from '../../test/support/held-bytes.ts';
import { Crew, mapAhead, untilAborted } from './bounded-flow.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let at = 0; at < count; at++) yield at;
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('looking ahead keeps the order and its bound', async () => {
  let running = 0;
  let most = 0;
  const mapped = mapAhead(numbers(40), 3, async (at) => {
    most = Math.max(most, ++running);
    for (let wait = at % 5; wait >= 0; wait--) await turn();
    running--;
    return at * 2;
  });
  assert.deepEqual(
    await collect(mapped),
    Array.from({ length: 40 }, (_, at) => at * 2),
  );
  assert.ok(most > 1 && most <= 4, `${most} at once`);
});

test('a failure ahead is thrown in its turn, and none is left unhandled', async () => {
  const seen: number[] = [];
  const mapped = mapAhead(numbers(10), 5, async (at) => {
    if (at >= 3) throw new Error(`no ${at}`);
    return at;
  });
  await assert.rejects(async () => {
    for await (const at of mapped) seen.push(at);
  }, /no 3/);
  assert.deepEqual(seen, [0, 1, 2]);
});

test('a crew works within its limit and tells the first failure', async () => {
  const crew = new Crew(2);
  let running = 0;
  let most = 0;
  const job = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await turn();
    running--;
  };
  for (let at = 0; at < 10; at++) await crew.add(job);
  await crew.end();
  assert.equal(most, 2);
  const failing = new Crew(2);
  await failing.add(async () => {
    throw new Error('first');
  });
  await turn();
  await assert.rejects(failing.add(job), /first/);
  await assert.rejects(failing.end(), /first/);
});

test('an abort ends a flow whose source hangs, and closes a source that does not', async () => {
  const abort = new AbortController();
  const hanging = untilAborted(
    (async function* () {
      yield 1;
      await new Promise(() => undefined);
    })(),
    abort.signal,
  );
  await assert.rejects(async () => {
    for await (const _ of hanging) setImmediate(() => abort.abort(new Error('enough')));
  }, /enough/);
  let isClosed = false;
  const closing = (async function* () {
    try {
      yield* numbers(5);
    } finally {
      isClosed = true;
    }
  })();
  for await (const _ of untilAborted(closing, new AbortController().signal)) break;
  assert.ok(isClosed);
});

test('chunks that have passed are not held on to', async () => {
  const chunkBytes = 1024 * 1024;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 200; at++) yield Buffer.alloc(chunkBytes);
  }
  const heldBytes = watchHeldBytes(10 * chunkBytes);
  let passed = 0;
  let mostHeld = 0;
  for await (const chunk of untilAborted(chunks(), new AbortController().signal)) {
    assert.equal(chunk.length, chunkBytes);
    if (++passed % 50 > 0) continue;
    mostHeld = Math.max(mostHeld, await heldBytes());
  }
  assert.ok(mostHeld <= 10 * chunkBytes, `${mostHeld} bytes of 200 MiB were still held`);
});

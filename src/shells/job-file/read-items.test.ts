import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { readItems } from './read-items.ts';

/** As a file stream gives it. */
async function* inParts(text: string): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let from = 0; from < bytes.length; from += 65_536) yield bytes.subarray(from, from + 65_536);
}

test('a slow taker of the items gets them all, however large the file', async () => {
  const lines = Array.from(
    { length: 120_000 },
    (_, index) => `${index},s3://bucket/pictures/${index}.jpg,class-${index % 7}`,
  );
  let count = 0;
  for await (const chunk of readItems(inParts(`id,url,label\n${lines.join('\n')}\n`), 'csv', 'items.csv')) {
    count += chunk.count;
    for (let turns = 0; turns < 20; turns += 1) await turn();
  }
  assert.equal(count, 120_000);
});

test('a quote that is never closed is refused at the line in which it opens', async () => {
  const text = `id,text\n1,good\n2,"open\n${'x'.repeat(3_000_000)}`;
  const read = async (): Promise<void> => {
    for await (const _chunk of readItems(inParts(text), 'csv', 'items.csv'));
  };
  await assert.rejects(read, {
    code: 'JOB_FILE_INVALID',
    message: 'items.csv line 3: a quote that opens in this record is not closed',
  });
});

test('whatever the parts in which a file comes, its items are the same', async () => {
  const value = fc.oneof(
    fc.constantFrom('', '"', '""', ',', '\n', 'a"b', ' x ', 'ü', '\n\n'),
    fc.string({ maxLength: 4 }),
  );
  const rows = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 9 }), async (items, size) => {
      const clean = items.map((item) => item.map((one) => one.replaceAll('\r', '')));
      const text = [
        'one,two',
        ...clean.map((item) => item.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')),
      ].join('\n');
      async function* small(): AsyncGenerator<Uint8Array> {
        const bytes = new TextEncoder().encode(text);
        for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
      }
      const read: string[][] = [];
      for await (const chunk of readItems(small(), 'csv', 'items.csv'))
        read.push(...(JSON.parse(chunk.json) as string[][]));
      assert.deepEqual(read, clean);
    }),
  );
});

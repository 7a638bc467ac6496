import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { DistributoError } from '../../domain/errors.ts';
import { type ItemFormat, readItemFields, readItems } from './read-items.ts';

async function* bytesOf(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text as string);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rowsOf(text: string | Uint8Array, format: ItemFormat = 'csv', size?: number): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const chunk of readItems(bytesOf(text, size), format, 'list')) {
    const items = JSON.parse(chunk.json) as unknown[];
    assert.equal(items.length, chunk.count);
    rows.push(...items);
  }
  return rows;
}

async function refusalOf(text: string | Uint8Array, format: ItemFormat = 'csv', size?: number): Promise<string> {
  try {
    await rowsOf(text, format, size);
  } catch (error) {
    assert.ok(error instanceof DistributoError);
    assert.equal(error.code, 'JOB_FILE_INVALID');
    return error.message;
  }
  throw new Error('accepted');
}

test('a CSV file gives its rows, whatever way its bytes are cut', async () => {
  const text = '\ufeffid,"a name",note\r\n1,"x, ""y""","two\nlines"\r\n\r\n2,ä,\r\n';
  for (const size of [1, 2, 3, 7, 1000]) {
    assert.deepEqual(await rowsOf(text, 'csv', size), [
      ['1', 'x, "y"', 'two\nlines'],
      ['2', 'ä', ''],
    ]);
    assert.deepEqual(await readItemFields(bytesOf(text, size), 'csv', 'list'), ['id', 'a name', 'note']);
  }
});

test('JSON lines give their fields in the order of the first line, or plain values', async () => {
  const text = '{"id": 1, "on": true}\n\n{"on": false, "id": "b"}';
  assert.deepEqual(await rowsOf(text, 'json-lines'), [
    ['1', 'true'],
    ['b', 'false'],
  ]);
  assert.deepEqual(await readItemFields(bytesOf(text), 'json-lines', 'list'), ['id', 'on']);
  assert.deepEqual(await rowsOf('"a"\n2\n', 'json-lines'), [['a'], ['2']]);
  assert.deepEqual(await readItemFields(bytesOf('"a"\n'), 'json-lines', 'list'), []);
});

test('chunks hold a thousand items', async () => {
  const text = `id\n${Array.from({ length: 2500 }, (_, n) => n).join('\n')}\n`;
  const counts: number[] = [];
  for await (const chunk of readItems(bytesOf(text, 4096), 'csv', 'list')) counts.push(chunk.count);
  assert.deepEqual(counts, [1000, 1000, 500]);
});

test('what is wrong in a CSV file is told with its line', async () => {
  const cases: [string, string][] = [
    ['a,b\n1,2\n3\n', 'list line 3: expected 2 columns (a, b), got 1'],
    ['a,b\n"x\ny",2\n1,2,3\n', 'list line 4: expected 2 columns (a, b), got 3'],
    [
      'a,b\n1,"2\n3,4\n',
      'list line 2: a quote is not closed, or closed before the end of its field; a quote inside quotes is written twice',
    ],
    [
      'a,b\n1,2\n"x"y,4\n',
      'list line 3: a quote is not closed, or closed before the end of its field; a quote inside quotes is written twice',
    ],
    ['a,b,a\n1,2,3\n', 'list line 1: duplicate column a'],
    ['a,,c\n1,2,3\n', 'list line 1: column 2 has no name'],
    ['a;b\n1;2\n', 'list line 1: expected columns separated by commas, got ";" between them'],
    ['a,b\n', 'list: expected a header and at least one line: the array would be empty'],
    ['', 'list: expected a header and at least one line: the array would be empty'],
  ];
  for (const [text, message] of cases) {
    for (const size of [3, 1000]) assert.equal(await refusalOf(text, 'csv', size), message);
  }
});

test('what is wrong in a JSON lines file is told with its line', async () => {
  const cases: [string, RegExp][] = [
    ['{"a": 1}\n{"a": 1\n', /^list line 2: expected JSON \(/],
    ['{"a": 1}\n{"b": 1}\n', /^list line 2: expected the fields of the first line; a is missing$/],
    ['{"alpha": 1}\n{"alpha": 1, "alpa": 2}\n', /^list line 2: unknown field alpa; nearest: alpha$/],
    ['{"a": 1}\n{"a": [1]}\n', /^list line 2: expected a plain value for a, got a list$/],
    ['{"a": 1}\n5\n', /^list line 2: expected an object, as in the first line$/],
    ['5\n{"a": 1}\n', /^list line 2: expected a plain value, as in the first line$/],
    ['{"id": 12345678901234567890}\n', /^list line 1: id is too large to be kept exactly: write it in quotes$/],
    ['[1]\n', /^list line 1: expected an object or a plain value, got a list$/],
    ['\n\n', /^list: expected at least one line: the array would be empty$/],
  ];
  for (const [text, message] of cases) assert.match(await refusalOf(text, 'json-lines'), message);
});

test('bytes that are not UTF-8 are refused with their line', async () => {
  const bytes = Buffer.concat([Buffer.from('a,b\n1,2\n3,'), Buffer.from([0xff, 0x0a])]);
  assert.equal(await refusalOf(bytes, 'csv', 1000), 'list line 3: expected UTF-8 text');
  assert.equal(await refusalOf(Buffer.from([0x61, 0x0a, 0xc3]), 'csv'), 'list line 2: expected UTF-8 text');
});

test('a quote left open early in a long file is found without reading it all again and again', async () => {
  let given = 0;
  async function* long(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a,b\n1,"2\n');
    const part = Buffer.from('1,2\n'.repeat(16_384));
    for (; given < 4000; given += 1) yield part;
  }
  await assert.rejects(async () => {
    for await (const _ of readItems(long(), 'csv', 'list'));
  }, /line 2: a quote is not closed, or closed before the end of its field; a quote inside quotes is written twice/);
  assert.ok(given < 200, `${given} parts were read`);
});

test('a reader that stops early lets go of the file', async () => {
  let isReleased = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('a\n');
      for (;;) yield Buffer.from('1\n'.repeat(1000));
    } finally {
      isReleased = true;
    }
  }
  for await (const _ of readItems(endless(), 'csv', 'list')) break;
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(isReleased);
});

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
    message:
      'items.csv line 3: a quote is not closed, or closed before the end of its field; a quote inside quotes is written twice',
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

// Laws of the job file on generated inputs: amounts survive being written, templates are filled as they were made, items come
// out as they went in, and no text makes the parser throw.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { itemOf, taskCountOf } from '../../src/domain/array.ts';
import { compileTemplate, escapeTemplate, fillTemplate, printTemplate } from '../../src/domain/interpolate.ts';
import type { ArraySpec } from '../../src/domain/job.ts';
import { parseCpu, parseDurationMs, parseInstantMs, parseMoneyMicros, parseSizeMib } from '../../src/domain/units.ts';
import { parseJobFile } from '../../src/shells/job-file/parse-job-file.ts';
import { chunkRows, readItems } from '../../src/shells/job-file/read-items.ts';
import { splitShellWords } from '../../src/shells/job-file/shell-words.ts';
import { aJobFileContext } from '../support/a-job-file-context.ts';
import { jobFileExamples } from '../support/job-file-examples.ts';

const read = (reading: object) => ('value' in reading ? reading.value : reading);

test('amounts that are written exactly are read back exactly', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (n) => {
      assert.equal(read(parseSizeMib(`${n}MiB`)), n);
      assert.equal(read(parseSizeMib(`${n * 1024}KiB`)), n);
      assert.equal(read(parseMoneyMicros(`$${(n / 1e6).toFixed(6)}`)), n);
      assert.equal(read(parseMoneyMicros(`${n} USD`)), n * 1e6);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 * 1024 }), (units) => {
      assert.equal(read(parseCpu(units / 1024)), units);
    }),
  );
});

test('durations are the sum of their parts', () => {
  const part = fc.integer({ min: 0, max: 1000 });
  fc.assert(
    fc.property(part, part, part, part, part, (d, h, m, s, ms) => {
      const expected = (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms;
      assert.equal(read(parseDurationMs(`${d}d${h}h ${m}m${s}s${ms}ms`)), expected);
    }),
  );
});

test('instants are those of the calendar, in every zone', () => {
  const atMs = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2400, 0, 1) });
  fc.assert(
    fc.property(atMs, fc.integer({ min: -14 * 60, max: 14 * 60 }), (at, offset) => {
      const local = new Date(at + offset * 60_000).toISOString().slice(0, -1);
      const sign = offset < 0 ? '-' : '+';
      const zone = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((n) => String(n).padStart(2, '0'));
      fc.pre(/^\d{4}-/.test(local));
      assert.equal(read(parseInstantMs(`${local}${sign}${zone.join(':')}`, 0)), at);
    }),
  );
});

test('any text escaped is a template without names that fills to itself', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '{', '}', 'a', ' ', '\\') });
  fc.assert(
    fc.property(text, (one) => {
      const compiled = compileTemplate(escapeTemplate(one));
      assert.ok('template' in compiled);
      assert.equal(fillTemplate(compiled.template, new Map()), one);
    }),
  );
});

test('a template printed and compiled again fills to the same', () => {
  const part = fc.oneof(
    fc.string({ unit: fc.constantFrom('$', '{', 'a', '/') }),
    fc.constantFrom('index', 'item.a', 'out').map((name) => ({ name })),
  );
  const values = new Map([
    ['index', '7'],
    ['item.a', '${index}'],
    ['out', 's3://b'],
  ]);
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const template: (string | { name: string })[] = [];
      for (const one of parts) {
        const last = template.at(-1);
        if (typeof one === 'string' && typeof last === 'string') template[template.length - 1] = last + one;
        else template.push(one);
      }
      // A `$` just before a name would be read as an escape: no file can say that.
      fc.pre(!template.some((one, at) => String(one).endsWith('$') && typeof template[at + 1] === 'object'));
      const again = compileTemplate(printTemplate(template));
      assert.ok('template' in again);
      assert.equal(fillTemplate(again.template, values), fillTemplate(template, values));
    }),
  );
});

test('a matrix gives each combination once', () => {
  const axis = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(axis, { minLength: 1, maxLength: 4 }), (lists) => {
      const array: ArraySpec = { kind: 'matrix', axes: lists.map((values, n) => ({ name: `a${n}`, values })) };
      const seen = new Set<string>();
      for (let index = 0; index < taskCountOf(array); index += 1) {
        const values = itemOf(array, index, null);
        seen.add(JSON.stringify(lists.map((list, n) => list.indexOf(values.get(`item.a${n}`) as string))));
      }
      assert.equal(
        seen.size,
        lists.reduce((product, list) => product * list.length, 1),
      );
      assert.ok(!JSON.stringify([...seen]).includes('-1'));
    }),
  );
});

test('a range is covered once, without gaps', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1000, max: 1000 }),
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 100 }),
      (from, length, step) => {
        const array: ArraySpec = { kind: 'range', from, to: from + length, step };
        let at = from;
        for (let index = 0; index < taskCountOf(array); index += 1) {
          const values = itemOf(array, index, null);
          assert.equal(values.get('start'), String(at));
          at = Number(values.get('end'));
        }
        assert.equal(at, from + length);
      },
    ),
  );
});

test('rows written as CSV come out as they went in, however the bytes are cut', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', ' ', 'é', '😀', ';') });
  const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 40 }), async (table, size) => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = `x,y,z\n${table.map((row) => row.map(quote).join(',')).join('\n')}\n`;
      const bytes = Buffer.from(text);
      async function* cut(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const rowsRead: unknown[] = [];
      for await (const chunk of readItems(cut(), 'csv', 'list'))
        rowsRead.push(...(JSON.parse(chunk.json) as unknown[]));
      assert.deepEqual(rowsRead, table);
    }),
    { numRuns: 60 },
  );
});

test('chunks of rows hold all rows in order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), (count) => {
      const rows = Array.from({ length: count }, (_, n) => [String(n)]);
      const rowsRead = [...chunkRows(rows)].flatMap((chunk) => JSON.parse(chunk.json) as unknown[]);
      assert.deepEqual(rowsRead, rows);
    }),
    { numRuns: 20 },
  );
});

test('words in single quotes come out as they are', () => {
  const word = fc.string().filter((text) => !text.includes("'"));
  fc.assert(
    fc.property(fc.array(word), (words) => {
      fc.pre(!words.some((one) => one.includes('${')));
      assert.deepEqual(splitShellWords(words.map((one) => `'${one}'`).join(' ')), { words });
    }),
  );
});

test('no text makes the parser throw, and what it refuses it places in the text', async () => {
  const signs = fc.string({
    unit: fc.constantFrom(...'abn:-[]{}"\'\n\t ,#&*!|>%@`?<$0~\\é\u0000\u{1f600}'),
    maxLength: 200,
  });
  const field = fc.constantFrom(
    'name: a',
    'image: b',
    'array:',
    '  count: 3',
    'env: &a',
    '  A: *a',
    '<<: *a',
    'jobs:',
    '- x',
  );
  const text = fc.oneof(
    signs,
    fc.array(fc.oneof(field, signs)).map((lines) => lines.join('\n')),
    fc.json(),
  );
  await fc.assert(
    fc.asyncProperty(text, async (one) => {
      const parsed = await parseJobFile(one, aJobFileContext());
      const problems = 'problems' in parsed ? parsed.problems : [];
      const lines = one.split('\n').length;
      for (const problem of problems) {
        assert.ok(problem.line !== null && problem.line >= 1 && problem.line <= lines, JSON.stringify(problem));
        assert.ok(problem.column !== null && problem.column >= 1);
      }
      assert.ok('draft' in parsed || problems.length > 0);
    }),
    { numRuns: 1000 },
  );
});

test('an example cut anywhere is read or refused', async () => {
  const examples = jobFileExamples();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...examples),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async ({ text }, share) => {
        await parseJobFile(text.slice(0, Math.floor(text.length * share)), aJobFileContext());
      },
    ),
    { numRuns: 200 },
  );
});

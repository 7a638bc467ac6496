import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStyle } from './style.ts';
import { alignOf, type Column, renderPairs, renderTable } from './table.ts';
import { textWidth } from './text-width.ts';

type Row = { name: string; state: string; count: string; note: string };
const columns: readonly Column<Row>[] = [
  { header: 'Run', value: (row) => row.name, cut: { to: 12, at: 'middle' } },
  { header: 'State', value: (row) => row.state },
  { header: 'Done', value: (row) => row.count, align: 'right' },
  { header: 'Note', value: (row) => row.note, dropOrder: 1 },
];
const rows: readonly Row[] = [
  { name: 'screening-7', state: 'running', count: '8,894', note: 'a note of some length' },
  { name: 'nightly-embed-31', state: 'waiting', count: '0', note: '' },
];
const style = createStyle({ hasColour: false, isAscii: false });
const table = (width: number, some: readonly Row[] = rows): string =>
  renderTable(columns, some, { width, style }).join('\n');

test('words stand left, numbers right, and nothing is ruled', () => {
  assert.equal(
    table(100),
    `RUN               STATE     DONE  NOTE
screening-7       running  8,894  a note of some length
nightly-embed-31  waiting      0  -`,
  );
});

test('where there is no room a column goes before a name is cut', () => {
  const long = [
    {
      name: 'screening-with-a-very-long-name-of-a-whole-campaign-7',
      state: 'running',
      count: '1',
      note: 'x'.repeat(40),
    },
  ];
  const lines = table(62, long).split('\n');
  assert.equal(lines[0]?.includes('NOTE'), false);
  assert.equal(lines[1], 'screening-with-a-very-l…e-of-a-whole-campaign-7  running     1');
  assert.ok(lines.every((line) => textWidth(line) <= 62));
});

test('under 60 columns a row becomes key and value lines', () => {
  assert.equal(
    table(50),
    `run    screening-7
state  running
done   8,894
note   a note of some length

run    nightly-embed-31
state  waiting
done   0
note   -`,
  );
});

test('wide and right-to-left names do not move the columns, and control bytes are written out', () => {
  const odd = [
    { name: '画像-1', state: 'running', count: '1', note: '' },
    { name: 'שלום', state: 'running', count: '2', note: '' },
    { name: 'a\x1b[31m', state: 'running', count: '3', note: 'two\nlines' },
  ];
  const lines = table(100, odd).split('\n').slice(1);
  const positions = lines.map((line) => textWidth(line.slice(0, line.indexOf('running'))));
  assert.deepEqual(new Set(positions).size, 1);
  assert.match(lines[2] as string, /^a\\x1b\[31m/);
  assert.match(lines[2] as string, /two lines$/);
});

test('no width of a terminal breaks a row', () => {
  for (let width = 60; width < 120; width++) {
    for (const line of renderTable(columns, rows, { width, style }))
      assert.ok(textWidth(line) <= width, `${width}: ${line}`);
  }
});

test('pairs and parts of totals are aligned', () => {
  assert.deepEqual(
    renderPairs(
      [
        ['a', '1'],
        ['long', '2'],
      ],
      { style, indent: 2 },
    ),
    ['  a     1', '  long  2'],
  );
  assert.deepEqual(
    alignOf([
      { part: 2487, total: 6400 },
      { part: 171, total: 13500 },
    ]),
    ['2,487 of  6,400', '  171 of 13,500'],
  );
});

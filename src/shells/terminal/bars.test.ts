import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawBar, drawPacking, jobFill } from './bars.ts';
import { createStyle } from './style.ts';

const plain = createStyle({ hasColour: false, isAscii: false });
const ascii = createStyle({ hasColour: false, isAscii: true });

test('a bar is full only at all and shows a sliver above nothing', () => {
  assert.equal(drawBar(plain, 0, 8), '░░░░░░░░');
  assert.equal(drawBar(plain, 0.00001, 8), '▏░░░░░░░');
  assert.equal(drawBar(plain, 0.5, 8), '████░░░░');
  assert.equal(drawBar(plain, 0.99999, 8), '███████▉');
  assert.equal(drawBar(plain, 1, 8), '████████');
  assert.equal(drawBar(plain, Number.NaN, 8), '░░░░░░░░');
});

test('in ASCII a bar is drawn with # and .', () => {
  assert.equal(drawBar(ascii, 0.00001, 8), '#.......');
  assert.equal(drawBar(ascii, 0.99999, 8), '#######.');
  assert.equal(drawBar(ascii, 1, 8), '########');
});

test('a packing strip keeps file order, shows each part, and leaves the rest free', () => {
  const parts = [
    { ordinal: 0, amount: 4096 },
    { ordinal: 1, amount: 10 },
    { ordinal: 'other', amount: 1024 },
  ] as const;
  assert.equal(drawPacking(plain, parts, 8192, 16), '████████▓╱······');
  assert.equal(drawPacking(ascii, parts, 8192, 16), '########=%......');
  assert.equal(drawPacking(plain, [{ ordinal: 0, amount: 8192 }], 8192, 8), '████████');
  assert.equal(drawPacking(plain, [], 0, 4), '····');
});

test('from the fifth job on fills are letters', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((n) => jobFill(plain, n)),
    ['█', '▓', '▒', '░', 'a', 'b'],
  );
});

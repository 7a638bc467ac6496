import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cutEnd,
  cutMiddle,
  cutStyledLine,
  escapeControls,
  escapeLine,
  padEnd,
  textWidth,
  wrapText,
} from './text-width.ts';

test('wide characters take two cells, combining marks none, right-to-left letters one', () => {
  assert.equal(textWidth('plain'), 5);
  assert.equal(textWidth('画像'), 4);
  assert.equal(textWidth('e\u0301'), 1);
  assert.equal(textWidth('שלום'), 4);
  assert.equal(textWidth('✓ ok'), 4);
  assert.equal(textWidth('😀'), 2);
  assert.equal(textWidth('ｆｕｌｌ'), 8);
  assert.equal(textWidth('한글'), 4);
  assert.equal(padEnd('画', 4), '画  ');
});

test('a name is cut in the middle, a sentence at its end, and never through a wide character', () => {
  assert.equal(cutMiddle('screening-with-a-long-name-in-2026-7', 20, '…'), 'screening-…in-2026-7');
  assert.equal(textWidth(cutMiddle('画像画像画像画像', 8, '…')), 7);
  assert.equal(cutEnd('memory is not free', 10, '…'), 'memory is…');
  assert.equal(cutMiddle('short', 20, '…'), 'short');
  assert.equal(cutMiddle('abcdef', 2, '..'), 'ab');
});

test('what a terminal would obey is written out', () => {
  assert.equal(escapeControls('a\x1b[31mred\x07'), 'a\\x1b[31mred\\x07');
  assert.equal(escapeControls('safe\u202etxt.exe'), 'safe\\u202etxt.exe');
  assert.equal(escapeControls('tab\tstays\x85'), 'tab\tstays\\x85');
  assert.equal(escapeControls('lone \ud800'), 'lone \\ud800');
  assert.equal(escapeLine('two\nlines\tand a tab'), 'two lines and a tab');
});

test('a painted line is cut by what is seen and its colour is closed', () => {
  assert.equal(cutStyledLine('\x1b[31mred text\x1b[39m', 3), '\x1b[31mred\x1b[0m');
  assert.equal(cutStyledLine('\x1b[31mred\x1b[39m', 3), '\x1b[31mred\x1b[39m');
});

test('a sentence is broken at spaces', () => {
  assert.deepEqual(wrapText('one two three four', 9), ['one two', 'three', 'four']);
  assert.deepEqual(wrapText('averylongwordindeed x', 6), ['averylongwordindeed', 'x']);
});

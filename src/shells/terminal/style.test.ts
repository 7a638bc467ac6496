import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStyle, wantsAscii, wantsColour } from './style.ts';

test('colour is written on a terminal only, and not where somebody is against it', () => {
  assert.equal(wantsColour({}, true, false), true);
  assert.equal(wantsColour({}, false, false), false);
  assert.equal(wantsColour({}, true, true), false);
  assert.equal(wantsColour({ NO_COLOR: '1' }, true, false), false);
  assert.equal(wantsColour({ NO_COLOR: '' }, true, false), true);
  assert.equal(wantsColour({ TERM: 'dumb' }, true, false), false);
});

test('ASCII is used under the C locale and other character sets', () => {
  assert.equal(wantsAscii({ LC_ALL: 'C' }), true);
  assert.equal(wantsAscii({ LANG: 'POSIX' }), true);
  assert.equal(wantsAscii({ LC_ALL: 'C.UTF-8', LANG: 'C' }), false);
  assert.equal(wantsAscii({ LANG: 'de_DE.ISO-8859-1' }), true);
  assert.equal(wantsAscii({ LANG: 'de_DE.utf8' }), false);
  assert.equal(wantsAscii({}), false);
});

test('without colour nothing is painted; with it only the sixteen of the terminal', () => {
  const plain = createStyle({ hasColour: false, isAscii: true });
  assert.equal(plain.red('failed'), 'failed');
  assert.equal(plain.job(2, '='), '=');
  const painted = createStyle({ hasColour: true, isAscii: false });
  for (let ordinal = 0; ordinal < 6; ordinal++)
    assert.match(painted.job(ordinal, 'x').replaceAll('\x1b', '^'), /^\^\[3[3-6]mx\^\[39m$/);
  assert.equal(painted.named('a/b/1', 'x'), painted.named('a/b/1', 'x'));
});

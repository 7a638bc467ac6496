import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW_MS } from '../../../../test/support/a-run-view.ts';
import { createStyle } from '../../terminal/style.ts';
import { type LogStyle, renderLogLine } from './log-line.ts';

const plain = createStyle({ hasColour: false, isAscii: false });
const line = (text: string, stream: 'stdout' | 'stderr' | 'distributo' = 'stdout') => ({ atMs: NOW_MS, stream, text });
const render = (of: ReturnType<typeof line>, change: Partial<LogStyle> = {}, name = 'dock/7'): string =>
  renderLogLine(name, of, { style: plain, time: { isLocal: false }, isRaw: false, prefixWidth: 9, ...change });

test('a line of many tasks has the name of its task, a mark for stderr and a clock', () => {
  assert.equal(render(line('receptor 4uxq')), 'dock/7      14:10:00 receptor 4uxq');
  assert.equal(render(line('no conformer', 'stderr')), 'dock/7    ! 14:10:00 no conformer');
  assert.equal(render(line('goes on as attempt #2', 'distributo')), 'dock/7    -- goes on as attempt #2 --');
});

test('a line of one task alone is what the task wrote, marked where it is stderr', () => {
  assert.equal(render(line('line 3'), { prefixWidth: 0 }), '  line 3');
  assert.equal(render(line('wrong', 'stderr'), { prefixWidth: 0 }), '! wrong');
});

test('a long name is cut in the middle so that all lines begin alike', () => {
  const name = 'a-job-of-a-very-long-name/1234567';
  const text = render(line('x'), { prefixWidth: 40 }, name);
  assert.equal(text.indexOf(' 14:10:00'), 24 + 2);
  assert.match(text, /^a-job-of-a-v…ame\/1234567 /);
});

test('control bytes are shown, unless the bytes are wanted as they are', () => {
  assert.equal(render(line('a\x1b[2Jb'), { prefixWidth: 0 }), '  a\\x1b[2Jb');
  assert.equal(render(line('a\x1b[2Jb'), { prefixWidth: 0, isRaw: true }), '  a\x1b[2Jb');
});

test('a task has the same colour in every line, and another has another', () => {
  const style = createStyle({ hasColour: true, isAscii: false });
  const colourOf = (name: string): string => render(line('x'), { style }, name).slice(1).split('m')[0] ?? '';
  assert.equal(colourOf('dock/7'), colourOf('dock/7'));
  const colours = new Set(Array.from({ length: 30 }, (_, at) => colourOf(`dock/${at}`)));
  assert.ok(colours.size > 3, [...colours].join(' '));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameSplitter } from './log-frames.ts';

const frame = (stream: 1 | 2, text: string | Buffer, stamp = '2026-01-02T03:04:05.678901234Z'): Buffer => {
  const content = Buffer.concat([Buffer.from(`${stamp} `), Buffer.from(text)]);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
};

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

test('frames are taken apart wherever the stream is cut', () => {
  const whole = Buffer.concat([frame(1, 'one\n'), frame(2, Buffer.from([0x61, 0xff, 0x0a])), frame(1, 'three')]);
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const splitter = new FrameSplitter(false);
    const messages = [...splitter.split(whole.subarray(0, cut)), ...splitter.split(whole.subarray(cut))];
    assert.deepEqual(
      messages.map(({ atMs, stream, bytes }) => [atMs, stream, bytes.toString('latin1')]),
      [
        [AT, 'stdout', 'one\n'],
        [AT, 'stderr', 'a\u00ff\n'],
        [AT, 'stdout', 'three'],
      ],
    );
  }
});

test('a parted line gets back the end that the log driver lost', () => {
  const part = 'x'.repeat(16 * 1024);
  const messages = new FrameSplitter(true).split(Buffer.concat([frame(1, part), frame(1, 'rest'), frame(1, 'next\n')]));
  assert.equal(Buffer.concat(messages.map(({ bytes }) => bytes)).toString(), `${part}rest\nnext\n`);
});

test('an empty message and an empty line are kept', () => {
  const messages = new FrameSplitter(false).split(Buffer.concat([frame(1, ''), frame(1, '\n')]));
  assert.deepEqual(
    messages.map(({ bytes }) => bytes.toString()),
    ['', '\n'],
  );
});

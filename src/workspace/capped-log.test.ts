import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { LogLine, LogQuery } from '../ports/attempt-runtime.ts';
import { openCappedLog, readCappedLog } from './capped-log.ts';

const ALL: LogQuery = { follow: false };
const bytesOf = (text: string) => new TextEncoder().encode(text);
const texts = (lines: readonly LogLine[]) => lines.map((line) => line.text);

async function read(directory: string, query: LogQuery = ALL): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of readCappedLog(directory, query, () => true)) lines.push(line);
  return lines;
}

const diskBytes = (directory: string) =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

describe('the captured log of an attempt', () => {
  let root = '';
  let directory = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'distributo-log-'));
    directory = join(root, 'log');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('gives back lines by stream, with the instant of their first byte', async () => {
    const log = openCappedLog(directory);
    log.append(10, 'stdout', bytesOf('one\ntw'));
    log.append(11, 'stderr', bytesOf('oops\r\n'));
    log.append(12, 'stdout', bytesOf('o\n\nlast'));
    log.note(13, 'stopped: timeout');
    await log.close();
    assert.deepEqual(await read(directory), [
      { atMs: 10, stream: 'stdout', text: 'one' },
      { atMs: 11, stream: 'stderr', text: 'oops' },
      { atMs: 10, stream: 'stdout', text: 'two' },
      { atMs: 12, stream: 'stdout', text: '' },
      { atMs: 13, stream: 'distributo', text: 'stopped: timeout' },
      { atMs: 12, stream: 'stdout', text: 'last' },
    ]);
    assert.equal(log.lastAtMs, 13);
  });

  test('a log that was never written has no lines and makes no folder', async () => {
    await openCappedLog(directory).close();
    assert.deepEqual(await read(directory), []);
    assert.deepEqual(readdirSync(root), []);
  });

  test('bytes that are not UTF-8 are written as their hexadecimal value, the rest stays', async () => {
    const log = openCappedLog(directory);
    log.append(1, 'stdout', Uint8Array.from([0x66, 0xff, 0x6f, 0xc3, 0xa9, 0xc3, 0x0a, 0xf0, 0x9f, 0x98, 0x80, 0x80]));
    await log.close();
    assert.deepEqual(texts(await read(directory)), ['f\\xffoé\\xc3', '😀\\x80']);
  });

  test('a line over 64 KiB is given in parts, and said to be one', async () => {
    const log = openCappedLog(directory);
    const long = `${'x'.repeat(65_535)}é${'y'.repeat(70_000)}`;
    log.append(1, 'stdout', bytesOf(`${long}\nshort\n`));
    await log.close();
    const lines = await read(directory);
    assert.deepEqual(
      lines.map((line) => line.stream),
      ['stdout', 'stdout', 'stdout', 'distributo', 'stdout'],
    );
    assert.equal(texts(lines.slice(0, 3)).join(''), long);
    assert.equal(lines[3]?.text, 'the line above has 135,537 bytes and is shown in parts of at most 64 KiB');
  });

  test('keeps the first and the last half of the limit, and says how many bytes lie between', async () => {
    const limitBytes = 256 * 1024;
    const log = openCappedLog(directory, { limitBytes });
    const written: string[] = [];
    for (let number = 0; number < 40_000; number += 1) {
      written.push(`line ${number} of the program's output`);
      log.append(number, 'stdout', bytesOf(`${written[number]}\n`));
      if (number % 1000 === 0) {
        log.flush();
        assert.ok(diskBytes(directory) <= limitBytes);
      }
    }
    await log.close();
    assert.ok(diskBytes(directory) <= limitBytes);
    assert.ok(diskBytes(directory) > limitBytes * 0.9);
    const lines = await read(directory);
    const gap = lines.findIndex((line) => line.stream === 'distributo');
    assert.equal(lines.filter((line) => line.stream === 'distributo').length, 1);
    const head = texts(lines.slice(0, gap));
    const tail = texts(lines.slice(gap + 1));
    assert.deepEqual(head, written.slice(0, head.length));
    assert.deepEqual(tail, written.slice(-tail.length));
    const size = (rows: readonly string[]) => rows.reduce((sum, row) => sum + row.length + 1, 0);
    const left = (size(written) - size(head) - size(tail)).toLocaleString('en-US');
    assert.equal(
      lines[gap]?.text,
      `${left} bytes of output left out here: of an attempt's output 256 KiB are kept, half from its beginning, half from its end`,
    );
  });

  test('goes on after it is opened again, and a record torn by a crash is dropped', async () => {
    const first = openCappedLog(directory);
    first.append(5, 'stdout', bytesOf('whole\n'));
    first.append(6, 'stdout', bytesOf('torn\n'));
    await first.close();
    const path = join(directory, readdirSync(directory)[0] as string);
    truncateSync(path, statSync(path).size - 2);
    assert.deepEqual(texts(await read(directory)), ['whole']);
    const second = openCappedLog(directory);
    assert.equal(second.lastAtMs, 5);
    assert.deepEqual(second.appended, { stdout: 6, stderr: 0 });
    assert.deepEqual(second.appendedAtLast, { stdout: 6, stderr: 0 });
    second.append(7, 'stderr', bytesOf('more\n'));
    await second.close();
    assert.deepEqual(texts(await read(directory)), ['whole', 'more']);
  });

  test('a segment torn before its header was whole is taken as not begun', async () => {
    const first = openCappedLog(directory, { limitBytes: 16 * 1024 });
    first.append(1, 'stdout', bytesOf('kept\n'));
    await first.close();
    writeFileSync(join(directory, '00000001.segment'), Buffer.alloc(7));
    const second = openCappedLog(directory, { limitBytes: 16 * 1024 });
    for (let number = 0; number < 60; number += 1) second.append(2, 'stdout', bytesOf('after the crash\n'));
    await second.close();
    assert.deepEqual(texts(await read(directory)), ['kept', ...Array<string>(60).fill('after the crash')]);
  });

  test('what cannot be written is counted and said once there is room again', async () => {
    const log = openCappedLog(directory);
    log.append(1, 'stdout', bytesOf('before\n'));
    log.flush();
    // A folder in the place of the next segment makes the write fail as a full disk would.
    const small = openCappedLog(join(root, 'blocked'), { limitBytes: 16 * 1024 });
    writeFileSync(join(root, 'blocked'), '');
    small.append(2, 'stdout', bytesOf('lost\n'));
    small.append(2, 'stderr', bytesOf('lost too\n'));
    small.flush();
    assert.deepEqual(small.appended, { stdout: 5, stderr: 9 });
    rmSync(join(root, 'blocked'));
    small.append(3, 'stdout', bytesOf('after\n'));
    await small.close();
    const lines = texts(await read(join(root, 'blocked')));
    assert.equal(lines.length, 2);
    assert.match(lines[0] as string, /^14 bytes of output left out here: E\w+/);
    assert.equal(lines[1], 'after');
    assert.deepEqual(openCappedLog(join(root, 'blocked')).appended, { stdout: 11, stderr: 9 });
    await log.close();
  });

  test('tail gives the last lines and sinceMs those from an instant on, across segments', async () => {
    const log = openCappedLog(directory, { limitBytes: 64 * 1024 });
    for (let number = 0; number < 400; number += 1) log.append(number, 'stdout', bytesOf(`line ${number}\n`));
    await log.close();
    assert.ok(readdirSync(directory).length > 2);
    assert.deepEqual(texts(await read(directory, { follow: false, tail: 2 })), ['line 398', 'line 399']);
    assert.equal((await read(directory, { follow: false, tail: 350 }))[0]?.text, 'line 50');
    assert.deepEqual(texts(await read(directory, { follow: false, sinceMs: 398 })), ['line 398', 'line 399']);
    assert.deepEqual(texts(await read(directory, { follow: false, sinceMs: 100, tail: 1 })), ['line 399']);
    assert.equal((await read(directory, { follow: false, sinceMs: 100 })).length, 300);
    assert.deepEqual(await read(directory, { follow: false, tail: 0 }), []);
  });

  test('tail and sinceMs do not open the segments before their answer', async () => {
    const log = openCappedLog(directory, { limitBytes: 64 * 1024 });
    for (let number = 0; number < 400; number += 1) log.append(number, 'stdout', bytesOf(`line ${number}\n`));
    await log.close();
    // A first segment full of rubbish would end the reading there.
    writeFileSync(join(directory, '00000000.segment'), Buffer.alloc(4096, 0xee));
    assert.deepEqual(texts(await read(directory, { follow: false, tail: 1 })), ['line 399']);
    assert.deepEqual(texts(await read(directory, { follow: false, sinceMs: 399 })), ['line 399']);
  });

  test('follow gives lines as they come and ends with the attempt', async () => {
    const log = openCappedLog(directory, { limitBytes: 16 * 1024 });
    let isEnded = false;
    const seen: string[] = [];
    const reading = (async () => {
      for await (const line of readCappedLog(directory, { follow: true }, () => isEnded)) {
        seen.push(line.text);
        if (seen.length === 1) {
          // Enough for several segments while the reader looks on.
          for (let number = 0; number < 200; number += 1) log.append(2, 'stdout', bytesOf(`more ${number}\n`));
          log.append(3, 'stdout', bytesOf('no line end'));
          log.flush();
          isEnded = true;
        }
      }
    })();
    log.append(1, 'stdout', bytesOf('first\n'));
    await reading;
    await log.close();
    assert.equal(seen.length, 202);
    assert.equal(seen[0], 'first');
    assert.equal(seen[200], 'more 199');
    assert.equal(seen[201], 'no line end');
  });

  test('who stops following is let go at once, though no line comes', async () => {
    const lines = readCappedLog(directory, { follow: true }, () => false)[Symbol.asyncIterator]();
    const waiting = lines.next();
    await lines.return?.();
    assert.deepEqual(await waiting, { done: true, value: undefined });
  });
});

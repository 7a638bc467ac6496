import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { LogLine, LogQuery } from '../../src/ports/attempt-runtime.ts';
import { openCappedLog, readCappedLog } from '../../src/workspace/capped-log.ts';

const LIMIT_BYTES = 16 * 1024;

const chunk = fc.record({
  stream: fc.constantFrom('stdout' as const, 'stderr' as const),
  text: fc
    .array(fc.constantFrom('a', 'bc', '\n', 'x'.repeat(97), 'y'.repeat(700)), { maxLength: 12 })
    .map((parts) => parts.join('')),
  isReopened: fc.boolean(),
});

async function withLog(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'distributo-log-'));
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function write(directory: string, chunks: readonly (typeof chunk extends fc.Arbitrary<infer T> ? T : never)[]) {
  let log = openCappedLog(directory, { limitBytes: LIMIT_BYTES });
  for (const [atMs, { stream, text, isReopened }] of chunks.entries()) {
    log.append(atMs, stream, Buffer.from(text));
    if (!isReopened) continue;
    await log.close();
    log = openCappedLog(directory, { limitBytes: LIMIT_BYTES });
  }
  await log.close();
  return log;
}

async function read(directory: string, query: Omit<LogQuery, 'follow'> = {}): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of readCappedLog(directory, { follow: false, ...query }, () => true)) lines.push(line);
  return lines;
}

const isGap = (line: LogLine) => line.stream === 'distributo';

/** The lines of one stream as the program printed them. */
function linesOf(chunks: readonly { stream: string; text: string }[], stream: string): string[] {
  const lines = chunks
    .filter((one) => one.stream === stream)
    .map((one) => one.text)
    .join('')
    .split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

test('a log is whole, or has its beginning, a counted gap and its end; it never takes more than the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 80 }), async (chunks) => {
      await withLog(async (directory) => {
        const log = await write(directory, chunks);
        const onDisk = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
        assert.ok(onDisk <= LIMIT_BYTES, `${onDisk} bytes on disk`);
        const lines = await read(directory);
        const gaps = lines.filter(isGap);
        const totals = { stdout: 0, stderr: 0 };
        for (const one of chunks) totals[one.stream] += one.text.length;
        assert.deepEqual(log.appended, totals);
        for (const stream of ['stdout', 'stderr'] as const) {
          const expected = linesOf(chunks, stream);
          const shown = lines.filter((line) => line.stream === stream).map((line) => line.text);
          if (gaps.length === 0) assert.deepEqual(shown, expected);
          else {
            const at = lines.findIndex(isGap);
            const after = lines.slice(at + 1).filter((line) => line.stream === stream);
            const whole = after.slice(1).map((line) => line.text);
            assert.deepEqual(whole, expected.slice(expected.length - whole.length));
            const before = shown.slice(0, Math.max(0, shown.length - after.length - 1));
            assert.deepEqual(before, expected.slice(0, before.length));
          }
        }
        assert.ok(gaps.length <= 1);
      });
    }),
    { numRuns: 150 },
  );
});

test('tail is the end of the whole, sinceMs the part of the whole from that instant on', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(chunk, { maxLength: 80 }),
      fc.nat({ max: 60 }),
      fc.nat({ max: 80 }),
      async (chunks, tail, sinceMs) => {
        await withLog(async (directory) => {
          await write(directory, chunks);
          const whole = await read(directory);
          const tailed = await read(directory, { tail });
          assert.deepEqual(tailed, tail === 0 ? [] : whole.slice(-tail));
          const since = await read(directory, { sinceMs });
          const expected = whole.filter((line) => line.atMs >= sinceMs);
          if (!whole.some(isGap)) assert.deepEqual(since, expected);
          else {
            // A reader that begins after the gap does not speak of it, nor of the two lines whose beginning it took.
            // Lines may be alike, so they are compared by their order: `since` is `expected` with some left out.
            const missing: typeof expected = [];
            let at = 0;
            for (const line of expected) {
              if (at < since.length && isDeepStrictEqual(since[at], line)) at += 1;
              else missing.push(line);
            }
            assert.equal(at, since.length, 'a line that is not in the whole, or in another order');
            assert.ok(missing.filter((line) => !isGap(line)).length <= 2);
          }
        });
      },
    ),
    { numRuns: 150 },
  );
});

test('a crash that cuts the file anywhere leaves a beginning of what was written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { minLength: 1, maxLength: 20 }), fc.nat(), async (chunks, cut) => {
      await withLog(async (directory) => {
        await write(directory, chunks);
        const newest = readdirSync(directory).sort().at(-1);
        if (newest === undefined) return;
        const path = join(directory, newest);
        truncateSync(path, cut % (statSync(path).size + 1));
        const before = await read(directory);
        const log = openCappedLog(directory, { limitBytes: LIMIT_BYTES });
        log.note(1_000, 'again');
        await log.close();
        const lines = await read(directory);
        assert.equal(lines.filter((line) => line.text === 'again').length, 1);
        assert.deepEqual(
          lines.filter((line) => !isGap(line)).toSorted(byText),
          before.filter((line) => !isGap(line)).toSorted(byText),
        );
      });
    }),
    { numRuns: 150 },
  );
});

const byText = (a: LogLine, b: LogLine): number => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.atMs - b.atMs);

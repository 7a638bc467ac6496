// Retries, order and giving up; what moves real files is tried beside the adapters of objects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, textFrom } from '../../test/support/collect.ts';
import { DistributoError } from '../domain/errors.ts';
import type { ObjectStat, Objects } from '../ports/objects.ts';
import { stageIn, stageOut } from './staging.ts';
import type { WorkspaceEntry, WorkspaceFiles } from './workspace-files.ts';

const busy = (what: string): DistributoError =>
  new DistributoError('OUTPUT_UNWRITABLE', `${what} is busy`, { retryable: true });
const { signal } = new AbortController();

/** Pauses that are noted, not taken. */
function noted() {
  const pauses: number[] = [];
  return { pauses, sleep: async (delayMs: number): Promise<void> => void pauses.push(delayMs) };
}

const aFile = (sizeBytes: number): ObjectStat => ({ kind: 'file', sizeBytes, sha256: null, etag: null, mode: null });

/** Objects by URL in memory; `before` may fail a call. */
function memoryObjects(
  texts: Record<string, string>,
  before: (call: string, url: string) => void = () => undefined,
): Objects {
  return {
    stat: async (url) => {
      before('stat', url);
      return texts[url] === undefined ? undefined : aFile(texts[url].length);
    },
    async *read(url) {
      before('read', url);
      yield* contentOf(texts[url] ?? '');
    },
    async *list() {
      yield* [];
    },
    write: async (url, content) => {
      before('write', url);
      texts[url] = await textFrom(content);
    },
  };
}

/** A workspace in memory, of files by path. */
function memoryFiles(texts: Record<string, string>): WorkspaceFiles {
  return {
    async write(path, entries) {
      for await (const entry of entries) texts[path] = await textFrom(entry.content);
    },
    async *read(path): AsyncGenerator<WorkspaceEntry> {
      for (const [at, text] of Object.entries(texts)) {
        const isSame = at === path;
        if (!isSame && path !== '' && !at.startsWith(`${path}/`)) continue;
        const below = isSame ? '' : path === '' ? at : at.slice(path.length + 1);
        yield { path: below, kind: 'file', sizeBytes: text.length, mode: 0o644, content: contentOf(text) };
      }
    },
  };
}

test('what may pass is tried again with growing pauses, and then goes through', async () => {
  let failures = 2;
  const stored: Record<string, string> = { 's3://b/in': 'in' };
  const objects = memoryObjects(stored, (call) => {
    if (call === 'read' && failures-- > 0) throw busy('the store');
  });
  const { pauses, sleep } = noted();
  const workspace: Record<string, string> = {};
  await stageIn([{ url: 's3://b/in', path: 'a' }], memoryFiles(workspace), objects, signal, { sleep });
  assert.deepEqual(workspace, { a: 'in' });
  assert.equal(pauses.length, 2);
  assert.ok((pauses[1] ?? 0) > (pauses[0] ?? 0));
});

test('what cannot pass is not tried again, and what never passes is given up after four tries', async () => {
  for (const retryable of [false, true]) {
    let calls = 0;
    const objects = memoryObjects({}, () => {
      calls++;
      throw new DistributoError('INPUT_UNREADABLE', 'no', { retryable });
    });
    const { sleep } = noted();
    await assert.rejects(stageIn([{ url: 's3://b/in', path: 'a' }], memoryFiles({}), objects, signal, { sleep }), {
      message: 'no',
    });
    assert.equal(calls, retryable ? 4 : 1);
  }
});

test('a directory that fails in the middle is taken up where it failed: no file is sent twice', async () => {
  const workspace = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`out/${at}`, `${at}`]));
  const sent: string[] = [];
  let hasFailed = false;
  const objects = memoryObjects({}, (call, url) => {
    if (call !== 'write') return;
    if (url === 's3://b/o/17' && !hasFailed) {
      hasFailed = true;
      throw busy(url);
    }
    sent.push(url);
  });
  await stageOut([{ url: 's3://b/o/', path: 'out' }], memoryFiles(workspace), objects, null, signal, noted());
  assert.ok(hasFailed);
  assert.equal(new Set(sent).size, 30);
  assert.equal(sent.length, 30);
});

test('after the first input that cannot be had, the others are given up', async () => {
  let reads = 0;
  const objects: Objects = {
    ...memoryObjects({}),
    stat: async (url) => (url.endsWith('/gone') ? undefined : aFile(1)),
    async *read() {
      reads++;
      await new Promise(() => undefined);
    },
  };
  const inputs = [
    ...Array.from({ length: 3 }, (_, at) => ({ url: `s3://b/${at}`, path: `${at}` })),
    { url: 's3://b/gone', path: 'g' },
    { url: 's3://b/later', path: 'l' },
  ];
  await assert.rejects(stageIn(inputs, memoryFiles({}), objects, signal), {
    code: 'INPUT_UNREADABLE',
    message: /s3:\/\/b\/gone does not exist/,
  });
  assert.equal(reads, 3);
});

test('an output that grows or shrinks while it is taken is not published', async () => {
  for (const text of ['short', 'longer than it was said to be']) {
    const stored: Record<string, string> = {};
    const files: WorkspaceFiles = {
      ...memoryFiles({}),
      async *read() {
        yield { path: '', kind: 'file', sizeBytes: 10, mode: 0o644, content: contentOf(text) };
      },
    };
    const staging = stageOut([{ url: 's3://b/o', path: 'out' }], files, memoryObjects(stored), null, signal, noted());
    await assert.rejects(staging, { code: 'OUTPUT_UNWRITABLE', message: /of 10 bytes: it changed while it was read/ });
    assert.deepEqual(stored, {});
  }
});

test('a fault that is none of ours is told with what was being done', async () => {
  const objects = memoryObjects({ 's3://b/in': 'x' }, (call) => {
    if (call === 'read') throw new TypeError('odd');
  });
  const staging = stageIn([{ url: 's3://b/in', path: 'a' }], memoryFiles({}), objects, signal);
  await assert.rejects(staging, {
    code: 'INPUT_UNREADABLE',
    message: 'input s3://b/in could not be brought to a: odd',
  });
});

test('signatures and passwords of a URL are not in the message', async () => {
  const url = 'https://user:hunter2@host/file?X-Amz-Signature=abcdef';
  await assert.rejects(
    stageIn([{ url, path: 'a' }], memoryFiles({}), memoryObjects({}), signal),
    (error: DistributoError) => {
      assert.equal(error.message, 'input https://…@host/file?… does not exist');
      assert.doesNotMatch(JSON.stringify([error.message, error.hint, error.details]), /hunter2|abcdef/);
      return true;
    },
  );
});

test('no transfers are no work', async () => {
  await stageIn([], memoryFiles({}), memoryObjects({}), signal);
  await stageOut([], memoryFiles({}), memoryObjects({}), null, signal);
});

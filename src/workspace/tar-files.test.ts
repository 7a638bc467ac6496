import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Header, pack } from 'tar-stream';
import { bytesFrom, contentOf, textFrom } from '../../test/support/collect.ts';
import { packTar, readTar } from './tar-files.ts';
import type { WorkspaceEntry } from './workspace-files.ts';

type Item = Partial<Header> & Pick<Header, 'name'> & { readonly text?: string };

function aTar(items: readonly Item[]): AsyncIterable<Uint8Array> {
  const packing = pack();
  for (const { text = '', ...header } of items) packing.entry(header, text);
  packing.finalize();
  return packing as AsyncIterable<Uint8Array>;
}

/** Reads `path` from a container that answers with these archives, each named by its path. */
async function readFrom(
  archives: Record<string, readonly Item[]>,
  path: string,
  root = '/workspace',
): Promise<Record<string, string>> {
  const open = async (asked: string) => (archives[asked] === undefined ? undefined : aTar(archives[asked]));
  const seen: Record<string, string> = {};
  for await (const entry of readTar(open, root, path)) {
    seen[entry.path] = entry.kind === 'directory' ? '/' : await textFrom(entry.content);
  }
  return seen;
}

const folder = (name: string): Item => ({ name, type: 'directory' });
const file = (name: string, text: string): Item => ({ name, text });
const link = (name: string, linkname: string): Item => ({ name, type: 'symlink', linkname });

test('entries are named relative to what was asked for', async () => {
  const archives = { '/workspace/out': [folder('out/'), file('out/a', 'A'), folder('out/b/'), file('out/b/c', 'C')] };
  assert.deepEqual(await readFrom(archives, '/workspace/out'), { '': '/', a: 'A', b: '/', 'b/c': 'C' });
  assert.deepEqual(await readFrom({ '/workspace/x': [file('x', 'X')] }, '/workspace/x'), { '': 'X' });
  assert.deepEqual(await readFrom(archives, '/workspace/none'), {});
});

test('content that is not read is skipped', async () => {
  const open = async () => aTar([folder('out/'), file('out/a', 'A'.repeat(100_000)), file('out/b', 'B')]);
  const names: string[] = [];
  for await (const entry of readTar(open, '/workspace', '/workspace/out')) names.push(entry.path);
  assert.deepEqual(names, ['', 'a', 'b']);
});

test('symbolic and hard links inside the workspace are followed', async () => {
  const archives = {
    '/workspace/out': [
      folder('out/'),
      file('out/a', 'A'),
      link('out/to-file', '../data/d'),
      link('out/to-folder', '/workspace/data'),
      { name: 'out/hard', type: 'link', linkname: 'out/a' } as const,
    ],
    '/workspace/out/a': [file('a', 'A')],
    '/workspace/data': [folder('data/'), file('data/d', 'D')],
    '/workspace/data/d': [file('d', 'D')],
  };
  const expected = { '': '/', a: 'A', 'to-file': 'D', 'to-folder': '/', 'to-folder/d': 'D', hard: 'A' };
  assert.deepEqual(await readFrom(archives, '/workspace/out'), expected);
});

test('an output that is itself a link to a link is followed to its file', async () => {
  const archives = {
    '/workspace/latest': [link('latest', 'v2')],
    '/workspace/v2': [link('v2', 'v2.1')],
    '/workspace/v2.1': [file('v2.1', 'x')],
  };
  assert.deepEqual(await readFrom(archives, '/workspace/latest'), { '': 'x' });
});

test('links out of the workspace, to nothing and in rings are refused', async () => {
  const cases: readonly (readonly [string, Item])[] = [
    ['absolute', link('out/l', '/etc/passwd')],
    ['climbing', link('out/l', '../../etc/passwd')],
    ['beside', link('out/l', '../../workspace-other/x')],
    ['nothing', link('out/l', '../gone')],
    ['itself', link('out/l', '.')],
    ['above', link('out/l', '..')],
    ['climbing hard link', { name: 'out/l', type: 'link', linkname: '../../etc/passwd' }],
  ];
  for (const [name, item] of cases) {
    await assert.rejects(
      readFrom({ '/workspace/out': [folder('out/'), item] }, '/workspace/out'),
      { code: 'PATH_ESCAPES' },
      name,
    );
  }
  const ring = {
    '/workspace/a': [folder('a/'), link('a/l', '../b')],
    '/workspace/b': [folder('b/'), link('b/l', '../a')],
  };
  await assert.rejects(readFrom(ring, '/workspace/a'), { code: 'PATH_ESCAPES', message: /never end/ });
});

test('names that climb or are absolute, devices and pipes are refused', async () => {
  const cases: readonly Item[] = [
    file('out/../../etc/cron.d/x', 'x'),
    file('/etc/passwd', 'x'),
    { name: 'out/dev', type: 'character-device', devmajor: 1, devminor: 3 },
    { name: 'out/disk', type: 'block-device', devmajor: 8, devminor: 0 },
    { name: 'out/pipe', type: 'fifo' },
  ];
  for (const item of cases) {
    await assert.rejects(
      readFrom({ '/workspace/out': [folder('out/'), item] }, '/workspace/out'),
      { code: 'PATH_ESCAPES' },
      item.name,
    );
  }
});

test('an archive that breaks off is an error, not a short directory', async () => {
  const whole = await bytesFrom(aTar([folder('out/'), file('out/a', 'A'.repeat(5_000)), file('out/b', 'B')]));
  const open = async () => contentOf(whole.subarray(0, 3_000));
  await assert.rejects(async () => {
    for await (const entry of readTar(open, '/', '/out')) await textFrom(entry.content);
  }, /Unexpected end of data/);
});

test('what is packed is unpacked the same: parents, modes, owner, long and odd names, empty files', async () => {
  const long = `${'l'.repeat(120)}/${'ü'.repeat(60)}`;
  async function* entries(): AsyncGenerator<WorkspaceEntry> {
    for (const [path, text, mode] of [
      ['a', 'A', 0o644],
      [long, 'L', 0o755],
      ['empty', '', 0o600],
    ] as const) {
      yield { path, kind: 'file', sizeBytes: text.length, mode, content: contentOf(text) };
    }
    yield { path: 'folder', kind: 'directory', sizeBytes: 0, mode: 0o700, content: contentOf() };
  }
  const tar = await bytesFrom(packTar('in/put', entries(), { uid: 7, gid: 8 }));
  const { extract } = await import('tar-stream');
  const unpacking = extract();
  unpacking.end(tar);
  const seen: string[] = [];
  for await (const entry of unpacking) {
    const { name, mode = 0, uid, gid } = entry.header;
    seen.push(
      `${name} ${mode.toString(8)} ${uid}:${gid} ${await textFrom(entry as AsyncIterable<unknown> as AsyncIterable<Uint8Array>)}`,
    );
  }
  const parent = `in/put/${'l'.repeat(120)}/`;
  assert.deepEqual(seen, [
    'in/ 755 7:8 ',
    'in/put/ 755 7:8 ',
    'in/put/a 644 7:8 A',
    `${parent} 755 7:8 `,
    `in/put/${long} 755 7:8 L`,
    'in/put/empty 600 7:8 ',
    'in/put/folder/ 700 7:8 ',
  ]);
});

test('a source that fails, or gives too little, fails the archive', async () => {
  async function* broken(): AsyncGenerator<WorkspaceEntry> {
    const content = (async function* () {
      yield Buffer.from('half');
      throw new Error('connection lost');
    })();
    yield { path: 'a', kind: 'file', sizeBytes: 8, mode: 0o644, content };
  }
  await assert.rejects(bytesFrom(packTar('', broken(), { uid: 0, gid: 0 })), /connection lost/);
  async function* short(): AsyncGenerator<WorkspaceEntry> {
    yield { path: 'a', kind: 'file', sizeBytes: 8, mode: 0o644, content: contentOf('half') };
  }
  await assert.rejects(bytesFrom(packTar('', short(), { uid: 0, gid: 0 })), /size mismatch/i);
});

test('a large file is packed as fast as it is read, not sooner', async () => {
  let given = 0;
  async function* large(): AsyncGenerator<WorkspaceEntry> {
    const content = (async function* () {
      for (let at = 0; at < 1_000; at++) {
        given++;
        yield Buffer.alloc(64 * 1024);
      }
    })();
    yield { path: 'large', kind: 'file', sizeBytes: 1_000 * 64 * 1024, mode: 0o644, content };
  }
  const out = packTar('', large(), { uid: 0, gid: 0 });
  const iterator = out[Symbol.asyncIterator]();
  await iterator.next();
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(given < 50, `${given} of 1,000 chunks were taken while nobody read`);
  await iterator.return?.();
});

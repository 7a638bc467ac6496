// Listing and fetching of what tasks have published, on real files.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { collect } from '../../../test/support/collect.ts';
import { scratchFolder } from '../../../test/support/scratch.ts';
import type { Objects } from '../../ports/objects.ts';
import { fetchOutputs, listOutputs } from '../../workspace/results.ts';
import { createFileObjects } from './file.ts';

const objects = createFileObjects();
const { signal } = new AbortController();

async function aPlace(context: TestContext) {
  const folder = await scratchFolder(context);
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  return {
    folder,
    put,
    url: (path: string) => pathToFileURL(join(folder, path)).href,
    get: (path: string) => readFile(join(folder, path), 'utf8'),
  };
}

test('outputs are listed in order, with what is missing among them', async (context) => {
  const { put, url } = await aPlace(context);
  await put('out/1.txt', 'one');
  await put('out/sub/a', 'a');
  await put('into/x.csv', 'xx');
  const listed = listOutputs(
    [
      { url: url('out/1.txt'), path: '1.txt' },
      { url: url('out/2.txt'), path: '2.txt' },
      { url: url('out/sub'), path: 'sub' },
      { url: `${url('into')}/`, path: 'results/x.csv' },
      { url: url('into'), path: '*.csv' },
    ],
    objects,
  );
  assert.deepEqual(await collect(listed), [
    { url: url('out/1.txt'), kind: 'file', sizeBytes: 3, present: true },
    { url: url('out/2.txt'), kind: null, sizeBytes: null, present: false },
    { url: `${url('out/sub')}/`, kind: 'directory', sizeBytes: null, present: true },
    { url: url('into/x.csv'), kind: 'file', sizeBytes: 2, present: true },
    { url: `${url('into')}/`, kind: 'directory', sizeBytes: null, present: true },
  ]);
});

test('outputs of many tasks are fetched under the names that tell them apart', async (context) => {
  const { folder, put, url, get } = await aPlace(context);
  await put('run/task 1/out.txt', '1');
  await put('run/task 2/out.txt', '2');
  await put('run/shared/a/b', 'b');
  const outputs = [
    { url: url('run/task 1/out.txt'), path: 'out.txt' },
    { url: url('run/task 2/out.txt'), path: 'out.txt' },
    { url: url('run/shared'), path: 'shared' },
    { url: url('run/shared'), path: 'shared' },
    { url: url('run/gone'), path: 'gone' },
  ];
  const fetched = await collect(fetchOutputs(outputs, objects, join(folder, 'here'), signal));
  assert.deepEqual(
    fetched.map(({ path, outcome }) => `${outcome} ${path}`),
    ['fetched task 1/out.txt', 'fetched task 2/out.txt', 'fetched shared/a/b', 'missing gone'],
  );
  assert.equal(await get('here/task 2/out.txt'), '2');
  assert.equal(await get('here/shared/a/b'), 'b');
});

test('what is there and the same is left alone, what differs is replaced', async (context) => {
  const { folder, put, url, get } = await aPlace(context);
  await put('run/same', 'same');
  await put('run/changed', 'new!');
  const outputs = [
    { url: url('run/same'), path: 'same' },
    { url: url('run/changed'), path: 'changed' },
  ];
  await put('here/changed', 'old.');
  await put('here/same', 'same');
  const before = await stat(join(folder, 'here/same'), { bigint: true });
  const fetched = await collect(fetchOutputs(outputs, objects, join(folder, 'here'), signal));
  assert.deepEqual(
    fetched.map(({ outcome }) => outcome),
    ['same', 'fetched'],
  );
  assert.equal(await get('here/changed'), 'new!');
  assert.equal((await stat(join(folder, 'here/same'), { bigint: true })).ino, before.ino);
});

test('a single file is fetched under its own name, a single directory as its content', async (context) => {
  const { folder, put, url } = await aPlace(context);
  await put('run/one.txt', '1');
  await put('run/dir/a', 'a');
  await collect(fetchOutputs([{ url: url('run/one.txt'), path: 'x' }], objects, join(folder, 'file'), signal));
  await collect(fetchOutputs([{ url: `${url('run/dir')}/`, path: 'x/' }], objects, join(folder, 'dir'), signal));
  assert.deepEqual([await readdir(join(folder, 'file')), await readdir(join(folder, 'dir'))], [['one.txt'], ['a']]);
});

test('a name that would leave the folder is refused', async (context) => {
  const { folder } = await aPlace(context);
  const evil: Objects = {
    ...objects,
    stat: async (url) => ({
      kind: url.endsWith('/') ? 'directory' : 'file',
      sizeBytes: 1,
      sha256: null,
      etag: null,
      mode: null,
    }),
    async *list() {
      yield { path: '../../evil', sizeBytes: 1, mode: null };
    },
  };
  for (const url of ['s3://bucket/dir/', 's3://bucket/a/../../x']) {
    const outputs = [
      { url, path: 'x/' },
      { url: 's3://bucket/other', path: 'y' },
    ];
    await assert.rejects(collect(fetchOutputs(outputs, evil, join(folder, 'here'), signal)), { code: 'PATH_ESCAPES' });
  }
});

test('a folder that cannot be written says so', async (context) => {
  const { folder, put, url } = await aPlace(context);
  await put('run/a', 'a');
  await put('run/b', 'b');
  await mkdir(join(folder, 'here/a'), { recursive: true });
  const outputs = [
    { url: url('run/a'), path: 'a' },
    { url: url('run/b'), path: 'b' },
  ];
  await assert.rejects(collect(fetchOutputs(outputs, objects, join(folder, 'here'), signal)), {
    code: 'OUTPUT_UNWRITABLE',
  });
});

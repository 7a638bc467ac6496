// Staging between real directories of this machine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { watchHeldBytes } from '../../../test/support/held-bytes.ts';
import { scratchFolder } from '../../../test/support/scratch.ts';
import type { DistributoError } from '../../domain/errors.ts';
import { createDirectoryFiles } from '../../workspace/directory-files.ts';
import { stageIn, stageOut } from '../../workspace/staging.ts';
import { createFileObjects } from './file.ts';

const isRoot = process.getuid?.() === 0;
const objects = createFileObjects();
const { signal } = new AbortController();

async function aPlace(context: TestContext) {
  const folder = await scratchFolder(context);
  const root = join(folder, 'workspace');
  await mkdir(root);
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const url = (path: string): string => pathToFileURL(join(folder, path)).href;
  const get = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');
  return { folder, root, files: createDirectoryFiles(root), put, get, url };
}

test('a file and a directory come in, executable bits kept, whatever their names', async (context) => {
  const { folder, root, files, put, get, url } = await aPlace(context);
  await put('data/one file.csv', '1');
  await put('data/sub/ü#?%20 100%.txt', '2');
  await put('tool.sh', '#!/bin/sh');
  await chmod(join(folder, 'tool.sh'), 0o755);
  const inputs = [
    { url: url('data'), path: 'in' },
    { url: url('tool.sh'), path: 'bin/' },
    { url: url('data/sub/ü#?%20 100%.txt'), path: './renamed//odd' },
  ];
  await stageIn(inputs, files, objects, signal);
  assert.equal(await get('workspace/in/one file.csv'), '1');
  assert.equal(await get('workspace/in/sub/ü#?%20 100%.txt'), '2');
  assert.equal(await get('workspace/renamed/odd'), '2');
  assert.equal((await stat(join(root, 'bin/tool.sh'))).mode & 0o777, 0o755);
});

test('outputs go out as file, into a folder, as directory and by wildcard', async (context) => {
  const { folder, files, put, get, url } = await aPlace(context);
  await put('workspace/out/a.csv', 'a');
  await put('workspace/out/b.csv', 'b');
  await put('workspace/out/.hidden.csv', 'h');
  await put('workspace/out/deep/c.txt', 'c');
  await mkdir(join(folder, 'workspace/empty'));
  const outputs = [
    { path: 'out/a.csv', url: url('results/renamed.csv') },
    { path: 'out/b.csv', url: `${url('results/into')}/` },
    { path: 'out/', url: url('results/whole') },
    { path: 'out/*.csv', url: url('results/matched') },
    { path: 'out/dee?/[a-c].txt', url: url('results/nested') },
    { path: 'empty', url: url('results/empty') },
  ];
  await stageOut(outputs, files, objects, null, signal);
  assert.equal(await get('results/renamed.csv'), 'a');
  assert.equal(await get('results/into/b.csv'), 'b');
  assert.equal(await get('results/whole/deep/c.txt'), 'c');
  assert.deepEqual(await readdir(join(folder, 'results/matched')), ['a.csv', 'b.csv']);
  assert.equal(await get('results/nested/deep/c.txt'), 'c');
  assert.ok((await stat(join(folder, 'results/empty'))).isDirectory());
  assert.deepEqual((await readdir(join(folder, 'results'))).sort(), [
    'empty',
    'into',
    'matched',
    'nested',
    'renamed.csv',
    'whole',
  ]);
});

test('a file whose own name has brackets is taken as it is called', async (context) => {
  const { files, put, get, url } = await aPlace(context);
  await put('workspace/plot [1].png', 'p');
  await stageOut([{ path: 'plot [1].png', url: url('plot.png') }], files, objects, null, signal);
  assert.equal(await get('plot.png'), 'p');
});

test('an output that is missing names what lies beside it and the nearest name', async (context) => {
  const { files, put, url } = await aPlace(context);
  await put('workspace/results/otuput.csv', '');
  await put('workspace/results/log.txt', '');
  const staging = stageOut([{ path: 'results/output.csv', url: url('o') }], files, objects, null, signal);
  await assert.rejects(staging, (error: DistributoError) => {
    assert.equal(error.code, 'OUTPUT_MISSING');
    assert.equal(
      error.message,
      'the command ended well, but its output results/output.csv is not there; beside it in results/: log.txt, otuput.csv',
    );
    assert.equal(error.hint, 'did the command write results/otuput.csv?');
    return true;
  });
});

test('a wildcard that matches nothing is a missing output', async (context) => {
  const { files, put, url } = await aPlace(context);
  await put('workspace/a.txt', '');
  const staging = stageOut([{ path: '*.csv', url: url('o') }], files, objects, null, signal);
  await assert.rejects(staging, {
    code: 'OUTPUT_MISSING',
    message: /nothing matches the output \*\.csv; beside it in the workspace: a\.txt/,
  });
});

test('one missing output does not keep the others from being published', async (context) => {
  const { files, put, get, url } = await aPlace(context);
  await put('workspace/good', 'good');
  const outputs = [
    { path: 'one', url: url('one') },
    { path: 'good', url: url('good') },
    { path: 'two', url: url('two') },
  ];
  const staging = stageOut(outputs, files, objects, null, signal);
  await assert.rejects(staging, {
    code: 'OUTPUT_MISSING',
    message: /output one .*\(and 1 more of this task's outputs\)/,
  });
  assert.equal(await get('good'), 'good');
  await stageOut(outputs, files, objects, null, signal, { skipMissing: true });
});

test('an input that is missing, a directory where a file was named, or not to be read is said as such', async (context) => {
  const { folder, files, put, url } = await aPlace(context);
  await put('file', 'x');
  await symlink('gone', join(folder, 'dangling'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const cases: readonly (readonly [string, RegExp])[] = [
    [url('missing.csv'), /input file:.*missing\.csv does not exist/],
    [`${url('file')}/`, /is a file, not a directory/],
    [url('dangling'), /is a link to gone, where nothing is/],
    [url('pipe'), /neither a file nor a directory/],
  ];
  for (const [from, message] of cases) {
    await assert.rejects(stageIn([{ url: from, path: 'in' }], files, objects, signal), {
      code: 'INPUT_UNREADABLE',
      message,
    });
  }
  const toRoot = stageIn([{ url: url('file'), path: '.' }], files, objects, signal);
  await assert.rejects(toRoot, { code: 'INPUT_UNREADABLE', message: /is the workspace itself/ });
});

test('a path of the job file that climbs out is refused before anything is read', async (context) => {
  const { files, put, url } = await aPlace(context);
  await put('file', 'x');
  for (const path of ['../x', 'a/../../x', 'a/../b', '/etc/passwd', 'a\0b', `${'n'.repeat(300)}`]) {
    const bad = { url: url('file'), path };
    await assert.rejects(stageIn([bad], files, objects, signal), { code: 'PATH_ESCAPES' }, path);
    await assert.rejects(stageOut([bad], files, objects, null, signal), { code: 'PATH_ESCAPES' }, path);
  }
});

test('a published file replaces the old one, follows a link to a file, and never replaces a device or directory', async (context) => {
  const { folder, files, put, get, url } = await aPlace(context);
  await put('workspace/out', 'new');
  await put('real', 'old');
  await symlink('real', join(folder, 'link'));
  await mkdir(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const publish = (to: string) => stageOut([{ path: 'out', url: url(to) }], files, objects, null, signal);
  await publish('link');
  assert.equal(await get('real'), 'new');
  assert.ok((await lstat(join(folder, 'link'))).isSymbolicLink());
  await assert.rejects(publish('folder'), { code: 'OUTPUT_UNWRITABLE', message: /directory of that name/ });
  await assert.rejects(publish('pipe'), { code: 'OUTPUT_UNWRITABLE', message: /neither file nor directory/ });
  await assert.rejects(publish('real/below'), { code: 'OUTPUT_UNWRITABLE', message: /part of its path is a file/ });
});

test('what a killed publication left is taken over by the next and not listed as a result', async (context) => {
  const { folder, files, put, get, url } = await aPlace(context);
  await put('workspace/out', 'whole');
  const publish = () => stageOut([{ path: 'out', url: url('results/out') }], files, objects, null, signal);
  await publish();
  const { temporaryName } = await import('../../workspace/publish-file.ts');
  await writeFile(temporaryName(join(folder, 'results/out')), 'ha');
  await stageIn([{ url: url('results'), path: 'again' }], files, objects, signal);
  assert.deepEqual(await readdir(join(folder, 'workspace/again')), ['out']);
  await publish();
  assert.deepEqual(await readdir(join(folder, 'results')), ['out']);
  assert.equal(await get('results/out'), 'whole');
});

test('a full disk at the place of the output is told, and leaves no part', {
  skip: !isRoot && 'needs root to mount a small disk',
}, async (context) => {
  const { folder, files, root, url } = await aPlace(context);
  const disk = join(folder, 'disk');
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  try {
    await writeFile(join(root, 'big'), Buffer.alloc(300 * 1024));
    const staging = stageOut([{ path: 'big', url: url('disk/big') }], files, objects, null, signal);
    await assert.rejects(staging, {
      code: 'OUTPUT_UNWRITABLE',
      message: /no space left on that disk/,
      hint: /free space/,
    });
    assert.deepEqual(await readdir(disk), []);
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('a read-only disk and a full workspace are told', {
  skip: !isRoot && 'needs root to mount a small disk',
}, async (context) => {
  const { folder, files, put, url } = await aPlace(context);
  await put('workspace/out', 'x');
  const disk = join(folder, 'disk');
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,ro', 'tmpfs', disk]);
  try {
    const staging = stageOut([{ path: 'out', url: url('disk/deep/out') }], files, objects, null, signal);
    await assert.rejects(staging, { code: 'OUTPUT_UNWRITABLE', message: /file system is read-only/ });
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    await writeFile(join(folder, 'big'), Buffer.alloc(300 * 1024));
    const coming = stageIn([{ url: url('big'), path: 'in' }], createDirectoryFiles(disk), objects, signal);
    await assert.rejects(coming, { code: 'INPUT_UNREADABLE', message: /disk of the workspace is full/ });
    assert.deepEqual(await readdir(disk), []);
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('missing permission is told with the user, for inputs and outputs', async (context) => {
  const { folder, files, put, url } = await aPlace(context);
  await put('closed/in', 'x');
  await put('workspace/out', 'x');
  await chmod(join(folder, 'closed'), 0o500);
  await chmod(join(folder, 'closed/in'), 0o000);
  // Root may read and write everything: look with other eyes. All threads of the process change with it.
  if (isRoot) {
    execFileSync('chown', ['-R', '65534:65534', folder]);
    process.seteuid?.(65534);
  }
  try {
    const coming = stageIn([{ url: url('closed/in'), path: 'in' }], files, objects, signal);
    await assert.rejects(coming, { code: 'INPUT_UNREADABLE', message: /may not be read by user .*permission denied/ });
    const going = stageOut([{ path: 'out', url: url('closed/out') }], files, objects, null, signal);
    await assert.rejects(going, { code: 'OUTPUT_UNWRITABLE', message: /permission denied/ });
  } finally {
    if (isRoot) process.seteuid?.(0);
    await chmod(join(folder, 'closed'), 0o700);
  }
});

test('results of root are given to the owner of the run, new folders too, old ones not', {
  skip: !isRoot && 'needs root',
}, async (context) => {
  const { folder, files, put, url } = await aPlace(context);
  await put('workspace/out', 'x');
  await stageOut([{ path: 'out', url: url('made/deep/out') }], files, objects, { uid: 4321, gid: 4322 }, signal);
  const uids = await Promise.all(
    ['made', 'made/deep', 'made/deep/out', '.'].map(async (path) => (await stat(join(folder, path))).uid),
  );
  assert.deepEqual(uids, [4321, 4321, 4321, 0]);
});

test('5,000 small files go in and out, and a sparse file of 300 MB passes in chunks', async (context) => {
  const { folder, files, url } = await aPlace(context);
  await mkdir(join(folder, 'many'));
  for (let at = 0; at < 5_000; at++) await writeFile(join(folder, `many/${at}`), `file ${at}`);
  await writeFile(join(folder, 'many/sparse'), '');
  await truncate(join(folder, 'many/sparse'), 300 * 1024 * 1024);
  const heldMax = 16 * 1024 * 1024;
  const heldBytes = watchHeldBytes(heldMax);
  let chunks = 0;
  let mostHeld = 0;
  const watched = {
    ...objects,
    async *read(from: string) {
      for await (const chunk of objects.read(from)) {
        yield chunk;
        if (++chunks % 400 > 0) continue;
        mostHeld = Math.max(mostHeld, await heldBytes());
      }
    },
  };
  await stageIn([{ url: url('many'), path: 'in' }], files, watched, signal);
  assert.ok(chunks >= 6_000 && mostHeld <= heldMax, `${mostHeld} bytes were held after ${chunks} chunks`);
  await stageOut([{ path: 'in', url: url('back') }], files, objects, null, signal);
  assert.equal((await readdir(join(folder, 'back'))).length, 5_001);
  assert.equal((await stat(join(folder, 'back/sparse'))).size, 300 * 1024 * 1024);
  assert.equal(await readFile(join(folder, 'back/4999'), 'utf8'), 'file 4999');
});

test('after an abort staging ends at once, even where a source hangs', async (context) => {
  const { files, root } = await aPlace(context);
  const abort = new AbortController();
  const hanging = {
    ...objects,
    stat: async () => ({ kind: 'file', sizeBytes: 10, sha256: null, etag: null, mode: null }) as const,
    async *read() {
      yield Buffer.from('12345');
      setImmediate(() => abort.abort(new Error('enough')));
      await new Promise(() => undefined);
    },
  };
  await assert.rejects(stageIn([{ url: 'file:///x', path: 'in' }], files, hanging, abort.signal), /enough/);
  assert.deepEqual(await readdir(root), []);
});

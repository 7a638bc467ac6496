import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { collect, contentOf, textFrom } from '../../test/support/collect.ts';
import { scratchFolder } from '../../test/support/scratch.ts';
import { createDirectoryFiles } from './directory-files.ts';
import type { WorkspaceEntry } from './workspace-files.ts';

async function aWorkspace(context: TestContext): Promise<{ root: string; outside: string }> {
  const folder = await scratchFolder(context);
  const [root, outside] = [join(folder, 'workspace'), join(folder, 'outside')];
  await mkdir(root);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
  return { root, outside };
}

async function* entries(
  ...all: readonly (Partial<WorkspaceEntry> & { text?: string })[]
): AsyncGenerator<WorkspaceEntry> {
  for (const { text = '', ...entry } of all) {
    yield { path: '', kind: 'file', sizeBytes: text.length, mode: 0o644, content: contentOf(text), ...entry };
  }
}

const pathsIn = async (root: string, path: string): Promise<string[]> =>
  (await collect(createDirectoryFiles(root).read(path))).map((entry) => `${entry.kind} ${entry.path}`);

test('a file is written with its parents and its mode, and read back the same', async (context) => {
  const { root } = await aWorkspace(context);
  const files = createDirectoryFiles(root);
  await files.write('bin/deep/tool', entries({ text: '#!/bin/sh', mode: 0o755 }));
  assert.equal((await stat(join(root, 'bin/deep/tool'))).mode & 0o777, 0o755);
  for await (const entry of files.read('bin/deep/tool')) {
    assert.deepEqual([entry.path, entry.kind, entry.sizeBytes, entry.mode], ['', 'file', 9, 0o755]);
    assert.equal(await textFrom(entry.content), '#!/bin/sh');
  }
});

test('setuid bits of an input are not kept', async (context) => {
  const { root } = await aWorkspace(context);
  await createDirectoryFiles(root).write('tool', entries({ text: 'x', mode: 0o4755 }));
  assert.equal((await stat(join(root, 'tool'))).mode & 0o7777, 0o755);
});

test('a directory is read whole, folders before what is in them, in the order of names', async (context) => {
  const { root } = await aWorkspace(context);
  const all = entries(
    { kind: 'directory' },
    { path: 'b/2', text: 'x' },
    { path: 'a', text: 'x' },
    { path: 'b/1', text: 'x' },
  );
  await createDirectoryFiles(root).write('out', all);
  assert.deepEqual(await pathsIn(root, 'out'), ['directory ', 'file a', 'directory b', 'file b/1', 'file b/2']);
  assert.deepEqual(await pathsIn(root, 'out/missing'), []);
});

test('an absolute path is taken where it lies in the workspace, and refused elsewhere', async (context) => {
  const { root, outside } = await aWorkspace(context);
  await createDirectoryFiles(root).write(join(root, 'in'), entries({ text: 'x' }));
  assert.deepEqual(await pathsIn(root, join(root, 'in')), ['file ']);
  await assert.rejects(pathsIn(root, join(outside, 'secret')), { code: 'PATH_ESCAPES' });
  await assert.rejects(pathsIn(root, `${root}-other/x`), { code: 'PATH_ESCAPES' });
});

test('links inside the workspace are followed', async (context) => {
  const { root } = await aWorkspace(context);
  await mkdir(join(root, 'versions/3'), { recursive: true });
  await writeFile(join(root, 'versions/3/out'), 'three');
  await symlink('versions/3', join(root, 'latest'));
  assert.deepEqual(await pathsIn(root, 'latest'), ['directory ', 'file out']);
});

test('a link out of the workspace is refused, be it the output, a part of its path or in its directory', async (context) => {
  const { root, outside } = await aWorkspace(context);
  await mkdir(join(root, 'results'));
  await symlink(outside, join(root, 'results/away'));
  await symlink(join(outside, 'secret'), join(root, 'stolen'));
  for (const path of ['results', 'results/away', 'results/away/secret', 'stolen', '']) {
    await assert.rejects(pathsIn(root, path), { code: 'PATH_ESCAPES', message: /outside the workspace/ }, path);
  }
});

test('nothing is written through a link that leads out', async (context) => {
  const { root, outside } = await aWorkspace(context);
  const files = createDirectoryFiles(root);
  await symlink(outside, join(root, 'away'));
  await symlink(join(outside, 'secret'), join(root, 'file'));
  await symlink(join(outside, 'new'), join(root, 'dangling'));
  for (const path of ['away/planted', 'away/deep/planted', 'file', 'dangling']) {
    await assert.rejects(files.write(path, entries({ text: 'evil' })), { code: 'PATH_ESCAPES' }, path);
  }
  assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'secret');
  await assert.rejects(lstat(join(outside, 'planted')));
  await assert.rejects(lstat(join(outside, 'new')));
});

test('links that loop and links to nothing are refused, not followed for ever', async (context) => {
  const { root } = await aWorkspace(context);
  await mkdir(join(root, 'loop'));
  await symlink('.', join(root, 'loop/self'));
  await symlink('ring-b', join(root, 'ring-a'));
  await symlink('ring-a', join(root, 'ring-b'));
  await mkdir(join(root, 'broken'));
  await symlink('nowhere', join(root, 'broken/link'));
  await assert.rejects(pathsIn(root, 'loop'), { code: 'PATH_ESCAPES', message: /never end/ });
  await assert.rejects(pathsIn(root, 'ring-a'), { code: 'PATH_ESCAPES' });
  await assert.rejects(pathsIn(root, 'broken'), { code: 'PATH_ESCAPES', message: /nothing is/ });
});

test('a pipe, a socket and a device are refused without waiting on them', async (context) => {
  const { root } = await aWorkspace(context);
  execFileSync('mkfifo', [join(root, 'pipe')]);
  await assert.rejects(pathsIn(root, 'pipe'), { code: 'PATH_ESCAPES', message: /named pipe/ });
  const server = createServer().listen(join(root, 'sock'));
  context.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  await assert.rejects(pathsIn(root, 'sock'), { code: 'PATH_ESCAPES', message: /socket/ });
  if (process.getuid?.() !== 0) return context.diagnostic('the device case needs root');
  execFileSync('mknod', [join(root, 'null'), 'c', '1', '3']);
  await assert.rejects(pathsIn(root, 'null'), { code: 'PATH_ESCAPES', message: /device/ });
});

test('a write that fails half-way leaves neither the file nor a part of it', async (context) => {
  const { root } = await aWorkspace(context);
  const broken = (async function* () {
    yield Buffer.from('half');
    throw new Error('connection lost');
  })();
  const writing = createDirectoryFiles(root).write('in', entries({ sizeBytes: 8, content: broken }));
  await assert.rejects(writing, /connection lost/);
  assert.deepEqual(await pathsIn(root, ''), ['directory ']);
});

test('an input that meets a directory or a file in its way says so', async (context) => {
  const { root } = await aWorkspace(context);
  const files = createDirectoryFiles(root);
  await files.write('a/b', entries({ text: 'x' }));
  await assert.rejects(files.write('a', entries({ text: 'x' })), {
    code: 'INPUT_UNREADABLE',
    message: /directory of that name/,
  });
  await assert.rejects(files.write('a/b/c', entries({ text: 'x' })), {
    code: 'INPUT_UNREADABLE',
    message: /part of its path is a file/,
  });
});

test('what root writes is given to the owner', { skip: process.getuid?.() !== 0 && 'needs root' }, async (context) => {
  const { root } = await aWorkspace(context);
  await chmod(root, 0o755);
  await createDirectoryFiles(root, { uid: 4321, gid: 4322 }).write('made/in', entries({ text: 'x' }));
  for (const path of ['made', 'made/in']) {
    const { uid, gid } = await stat(join(root, path));
    assert.deepEqual([uid, gid], [4321, 4322]);
  }
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../../test/support/scratch.ts';
import type { DistributoError } from '../../domain/errors.ts';
import { prepareStateDirectory } from './state-directory.ts';

const isUnusable =
  (pattern: RegExp) =>
  (error: DistributoError): boolean => {
    assert.equal(error.code, 'STATE_DIRECTORY_UNUSABLE');
    assert.match(error.message, pattern);
    assert.ok(error.hint);
    return true;
  };

const isRoot = process.getuid?.() === 0;

test('a new state directory is closed to others and empty', async (t) => {
  const path = join(await scratchFolder(t), 'a/b/state');
  prepareStateDirectory(path);
  prepareStateDirectory(path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(path), []);
});

test('an empty folder or one of ours that stands open is closed', async (t) => {
  const path = join(await scratchFolder(t), 'state');
  mkdirSync(path);
  for (const file of [undefined, 'store.db']) {
    if (file) writeFileSync(join(path, file), '');
    chmodSync(path, 0o755);
    prepareStateDirectory(path);
    assert.equal(statSync(path).mode & 0o777, 0o700);
  }
});

test('an open folder with files of others is left as it is', async (t) => {
  const path = join(await scratchFolder(t), 'project');
  mkdirSync(path);
  chmodSync(path, 0o755);
  writeFileSync(join(path, 'thesis.tex'), '');
  assert.throws(() => prepareStateDirectory(path), isUnusable(/mode 755.*not ours/));
  assert.equal(statSync(path).mode & 0o777, 0o755);
});

test('a file, a path through a file and a link to nowhere are refused', async (t) => {
  const folder = await scratchFolder(t);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('/nowhere/at/all', join(folder, 'link'));
  assert.throws(() => prepareStateDirectory(join(folder, 'file')), isUnusable(/not a folder/));
  assert.throws(() => prepareStateDirectory(join(folder, 'file/state')), isUnusable(/a part of its path is a file/));
  assert.throws(() => prepareStateDirectory(join(folder, 'link')), isUnusable(/link to nowhere/));
});

test('a folder of another user is refused with both', {
  skip: !isRoot && 'needs root to give a folder away',
}, async (t) => {
  const path = join(await scratchFolder(t), 'state');
  mkdirSync(path, { mode: 0o700 });
  chownSync(path, 12345, 12345);
  assert.throws(
    () => prepareStateDirectory(path),
    isUnusable(/belongs to user id 12345, and this process runs as user id 0/),
  );
});

test('a folder without permission to write is refused', { skip: isRoot && 'root may write everywhere' }, async (t) => {
  const path = join(await scratchFolder(t), 'state');
  mkdirSync(path, { mode: 0o500 });
  assert.throws(() => prepareStateDirectory(path), isUnusable(/may not write/));
});

test('a read-only disk is named as such', { skip: !canMount() && 'needs root and a mount to make one' }, async (t) => {
  const disk = await scratchFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', disk]);
  try {
    mkdirSync(join(disk, 'state'), { mode: 0o700 });
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    assert.throws(() => prepareStateDirectory(join(disk, 'state')), isUnusable(/mounted read-only/));
    assert.throws(() => prepareStateDirectory(join(disk, 'new')), isUnusable(/mounted read-only/));
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('a full disk is told as such', { skip: !canMount() && 'needs root and a mount to make one' }, async (t) => {
  const disk = await scratchFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700,size=64k', 'tmpfs', disk]);
  try {
    assert.throws(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(128 * 1024)), { code: 'ENOSPC' });
    assert.throws(() => prepareStateDirectory(disk), { code: 'STORE_FULL' });
  } finally {
    execFileSync('umount', [disk]);
  }
});

function canMount(): boolean {
  if (!isRoot || process.platform !== 'linux') return false;
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

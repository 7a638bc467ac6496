// No path, however written, and no link, wherever it points, leads staging out of a workspace.
import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { DistributoError } from '../../src/domain/errors.ts';
import { createDirectoryFiles } from '../../src/workspace/directory-files.ts';
import { hasWildcard, splitPattern } from '../../src/workspace/path-pattern.ts';
import { entryPath, linkedPath, workspacePath } from '../../src/workspace/safe-path.ts';
import { readTar } from '../../src/workspace/tar-files.ts';
import type { WorkspaceEntry } from '../../src/workspace/workspace-files.ts';
import { bytesFrom, contentOf } from '../support/collect.ts';

/** Parts as people, programs and attackers write them. */
const part = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'dir', 'out.csv') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '..',
      '.',
      '',
      '...',
      '..a',
      'a..',
      '. .',
      '..\\..',
      '\\',
      '%2e%2e',
      '..%2f',
      '．．',
      '~',
      '-rf',
      '*',
      'ü',
      'ü',
      '日本',
      '\u202e',
      ' ',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: 240, max: 300 }).map((length) => 'n'.repeat(length)) },
);
const path = fc
  .tuple(fc.boolean(), fc.array(part, { maxLength: 6 }))
  .map(([isAbsolute, parts]) => (isAbsolute ? '/' : '') + parts.join('/'));

/** No part of it is a link: through one the test itself would leave. */
async function isPlain(root: string, folder: string): Promise<boolean> {
  const parts = folder.split('/');
  const found = await Promise.all(
    parts.map((_, at) => lstat(join(root, ...parts.slice(0, at + 1))).catch(() => undefined)),
  );
  return found.every((one) => one?.isSymbolicLink() !== true);
}

const isRefused = (error: unknown): boolean => error instanceof DistributoError && error.code === 'PATH_ESCAPES';

test('a path that is let through stays below the workspace, names the same place, and is stable', () => {
  fc.assert(
    fc.property(path, (written) => {
      let clean: string;
      try {
        clean = workspacePath(written);
      } catch (error) {
        assert.ok(isRefused(error));
        assert.ok(
          written.split('/').some((one) => one === '..' || one.includes('\0') || Buffer.byteLength(one) > 255),
          written,
        );
        return;
      }
      assert.ok(posix.join('/ws', clean).startsWith('/ws'));
      assert.equal(posix.resolve('/ws', `./${clean}`), posix.resolve('/ws', `./${written}`));
      assert.equal(workspacePath(clean), clean);
      if (written.startsWith('/')) assert.throws(() => entryPath(written), isRefused);
      else assert.equal(entryPath(written), clean);
    }),
    { numRuns: 2_000 },
  );
});

test('a link that is followed leads below the root, to where the system would go', () => {
  const link = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
    .map((parts) => `/ws/${parts.join('/')}`);
  fc.assert(
    fc.property(link, path, (from, target) => {
      const real = posix.resolve(posix.dirname(from), target);
      let followed: string;
      try {
        followed = linkedPath('/ws', from, target);
      } catch (error) {
        assert.ok(isRefused(error));
        const depth = posix.dirname(from).split('/').length - 1;
        const climbs = target.split('/').filter((one) => one === '..').length;
        assert.ok(!`${real}/`.startsWith('/ws/') || climbs > depth, `${from} -> ${target} was refused`);
        return;
      }
      assert.equal(followed, real);
      assert.ok(`${followed}/`.startsWith('/ws/'));
    }),
    { numRuns: 2_000 },
  );
});

test('whatever is written and linked, nothing outside the directory is read or changed', async () => {
  const step = fc.record({ at: path, link: fc.option(path), text: fc.constantFrom('x', 'y') });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const folder = await realpath(await mkdtemp(join(tmpdir(), 'distributo-property-')));
      try {
        const [root, outside] = [join(folder, 'a/ws'), join(folder, 'outside')];
        await mkdir(root, { recursive: true });
        await mkdir(outside);
        await writeFile(join(outside, 'secret'), 'SECRET');
        await writeFile(join(folder, 'a/out.csv'), 'SECRET');
        const files = createDirectoryFiles(root);
        for (const { at, link, text } of steps) {
          // A program of the task plants a link, anywhere in its own workspace.
          const place = posix.join('/', at).slice(1);
          if (link !== null && place !== '' && !place.includes('\0') && (await isPlain(root, posix.dirname(place)))) {
            const target = (link.startsWith('/') ? join(outside, link) : link).replaceAll('\0', '') || '..';
            await mkdir(dirname(join(root, place)), { recursive: true }).catch(() => undefined);
            await symlink(target, join(root, place)).catch(() => undefined);
          }
          async function* entries(): AsyncGenerator<WorkspaceEntry> {
            yield { path: '', kind: 'file', sizeBytes: 1, mode: 0o644, content: contentOf(text) };
          }
          await files.write(at, entries()).catch((error) => assert.ok(error instanceof DistributoError, String(error)));
          for (const asked of [at, '']) {
            try {
              for await (const entry of files.read(asked)) {
                assert.doesNotMatch((await bytesFrom(entry.content)).toString(), /SECRET/);
                assert.equal(entryPath(entry.path), entry.path);
              }
            } catch (error) {
              assert.ok(isRefused(error), String(error));
            }
          }
        }
        assert.deepEqual(
          [(await readdir(folder)).sort(), await readdir(outside), (await readdir(join(folder, 'a'))).sort()],
          [['a', 'outside'], ['secret'], ['out.csv', 'ws']],
        );
        assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'SECRET');
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 150 },
  );
});

test('of an archive, whatever is in it, only paths below what was asked for come out, and no link out is opened', async () => {
  const type = fc.constantFrom<Header['type']>('file', 'directory', 'symlink', 'link', 'fifo', 'character-device');
  const item = fc.record({ name: path, type, linkname: path });
  await fc.assert(
    fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 5 }), async (items) => {
      const opened: string[] = [];
      const open = async (asked: string) => {
        opened.push(asked);
        if (opened.length > 20) return undefined;
        const packing = pack();
        for (const { name, type, linkname } of items) {
          const clean = `out/${name}`.replaceAll('\0', '');
          packing.entry(
            {
              name: clean,
              type,
              ...(type === 'symlink' || type === 'link' ? { linkname: linkname.replaceAll('\0', '') } : {}),
            },
            '',
          );
        }
        packing.finalize();
        return packing as AsyncIterable<Uint8Array>;
      };
      try {
        for await (const entry of readTar(open, '/ws', '/ws/out')) {
          assert.equal(entryPath(entry.path), entry.path);
        }
      } catch (error) {
        assert.ok(isRefused(error), String(error));
      }
      for (const asked of opened) assert.ok(`${asked}/`.startsWith('/ws/') && posix.normalize(asked) === asked, asked);
    }),
    { numRuns: 500 },
  );
});

test('wildcards match as a shell does: `*` and `?` stay within a name, a literal name matches itself', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'b', '.', '-', '+', '(', '$', '\\', 'ü'),
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), fc.nat(), (names, choice) => {
      const at = choice % names.length;
      const chosen = names[at] ?? '';
      const pattern = (replacement: string): string =>
        names.map((one, index) => (index === at ? replacement : one)).join('/');
      const matches = (written: string): boolean => {
        const { folder, matches } = splitPattern(written);
        const full = names.join('/');
        return folder === '' ? matches(full) : full.startsWith(`${folder}/`) && matches(full.slice(folder.length + 1));
      };
      const isHidden = chosen.startsWith('.');
      assert.equal(matches(pattern('*')), !isHidden);
      assert.equal(matches(pattern('?'.repeat([...chosen].length))), !isHidden);
      assert.equal(matches(`${pattern('*')}/*`), false);
      assert.equal(hasWildcard(names.join('/')), false);
    }),
    { numRuns: 500 },
  );
});

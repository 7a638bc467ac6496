// What every reader of objects promises, and every writer. An adapter runs it with a place of its own.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Objects } from '../../src/ports/objects.ts';
import { bytesFrom, collect, contentOf } from '../support/collect.ts';

export type ObjectsPlace = {
  readonly objects: Objects;
  /** A URL below which nothing is yet, without a slash at its end; path parts are written as the scheme writes them. */
  readonly url: (path: string) => string;
  /** Puts a file there by other means than the adapter. */
  readonly put: (path: string, content: Uint8Array) => Promise<void>;
};

/** Names that file systems and stores all take. */
const ODD_NAMES = [
  'with space',
  'plus+sign',
  'percent%20',
  'ünïcode-日本',
  'quote\'"',
  'hash#q?',
  'amp&<tag>',
  'back\\slash',
  '~dots...',
  '=;,@!$()*[x]{y}|^`',
];

export function testReadingObjects(
  name: string,
  open: () => Promise<ObjectsPlace>,
  skip: string | false = false,
): void {
  test(`${name}: what is not there is undefined, and reading it says so`, { skip }, async () => {
    const { objects, url } = await open();
    assert.equal(await objects.stat(url('nothing')), undefined);
    await assert.rejects(bytesFrom(objects.read(url('nothing'))), {
      code: 'INPUT_UNREADABLE',
      message: /does not exist/,
    });
  });

  test(`${name}: a file has its size and is read back the same, empty and larger than any chunk`, {
    skip,
  }, async () => {
    const { objects, url, put } = await open();
    for (const size of [0, 1, 3 * 1024 * 1024 + 7]) {
      const content = randomBytes(size);
      await put(`file-${size}`, content);
      const stat = await objects.stat(url(`file-${size}`));
      assert.deepEqual([stat?.kind, stat?.sizeBytes], ['file', size]);
      assert.deepEqual(await bytesFrom(objects.read(url(`file-${size}`))), content);
    }
  });

  test(`${name}: files with odd names are found and read`, { skip }, async () => {
    const { objects, url, put } = await open();
    for (const odd of ODD_NAMES) {
      await put(`odd/${odd}`, Buffer.from(odd));
      assert.equal((await objects.stat(url(`odd/${odd}`)))?.kind, 'file', odd);
      assert.equal((await bytesFrom(objects.read(url(`odd/${odd}`)))).toString(), odd);
    }
  });

  test(`${name}: reading may be given up in the middle`, { skip }, async () => {
    const { objects, url, put } = await open();
    await put('large', randomBytes(4 * 1024 * 1024));
    for await (const chunk of objects.read(url('large'))) {
      assert.ok(chunk.length > 0);
      break;
    }
  });
}

export function testListingObjects(
  name: string,
  open: () => Promise<ObjectsPlace>,
  skip: string | false = false,
): void {
  test(`${name}: a directory is one with or without its slash, and lists every file below it`, { skip }, async () => {
    const { objects, url, put } = await open();
    for (const path of ['dir/b', 'dir/a/2', 'dir/a/1', 'dir-beside/x', 'dir.txt']) await put(path, Buffer.from(path));
    for (const at of [url('dir'), `${url('dir')}/`]) {
      const stat = await objects.stat(at);
      assert.deepEqual([stat?.kind, stat?.sizeBytes], ['directory', null]);
      const listed = await collect(objects.list(at));
      assert.deepEqual(
        listed.map(({ path, sizeBytes }) => [path, sizeBytes]),
        [
          ['a/1', 7],
          ['a/2', 7],
          ['b', 5],
        ],
      );
    }
  });

  test(`${name}: odd names are listed as they are`, { skip }, async () => {
    const { objects, url, put } = await open();
    for (const odd of ODD_NAMES) await put(`list/${odd}`, Buffer.from(odd));
    const listed = await collect(objects.list(url('list')));
    assert.deepEqual(listed.map(({ path }) => path).sort(), [...ODD_NAMES].sort());
  });

  test(`${name}: a directory of 2,500 files is listed whole`, { skip }, async () => {
    const { objects, url, put } = await open();
    const names = Array.from({ length: 2_500 }, (_, at) => `many/${at % 50}/${at}`);
    for (let at = 0; at < names.length; at += 25) {
      await Promise.all(names.slice(at, at + 25).map((path) => put(path, Buffer.from('x'))));
    }
    const listed = await collect(objects.list(url('many')));
    assert.deepEqual(listed.map(({ path }) => `many/${path}`).sort(), [...names].sort());
  });
}

export function testWritingObjects(
  name: string,
  open: () => Promise<ObjectsPlace>,
  skip: string | false = false,
): void {
  test(`${name}: what is written is read back the same, parents made, an old one replaced`, { skip }, async () => {
    const { objects, url } = await open();
    for (const content of [randomBytes(20), randomBytes(0), randomBytes(300_000)]) {
      await objects.write(url('new/deep/file'), contentOf(content.subarray(0, 7), content.subarray(7)), {
        sizeBytes: content.length,
      });
      assert.deepEqual(await bytesFrom(objects.read(url('new/deep/file'))), content);
    }
  });

  test(`${name}: a file of 20 MiB is written in pieces and read back the same`, { skip }, async () => {
    const { objects, url } = await open();
    const pieces = Array.from({ length: 160 }, () => randomBytes(128 * 1024));
    await objects.write(url('large'), contentOf(...pieces), { sizeBytes: 160 * 128 * 1024 });
    assert.ok(isDeepStrictEqual(await bytesFrom(objects.read(url('large'))), Buffer.concat(pieces)));
  });

  test(`${name}: odd names are written`, { skip }, async () => {
    const { objects, url } = await open();
    for (const odd of ODD_NAMES) {
      await objects.write(url(`odd/${odd}`), contentOf(odd), { sizeBytes: Buffer.byteLength(odd) });
      assert.equal((await bytesFrom(objects.read(url(`odd/${odd}`)))).toString(), odd);
    }
  });

  test(`${name}: content that fails, or is shorter or longer than said, leaves what was there`, { skip }, async () => {
    const { objects, url } = await open();
    await objects.write(url('kept'), contentOf('old'), { sizeBytes: 3 });
    async function* broken(bytes: number): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(bytes);
      throw new Error('the workspace is gone');
    }
    for (const sizeBytes of [10, 20 * 1024 * 1024]) {
      await assert.rejects(objects.write(url('kept'), broken(sizeBytes / 2), { sizeBytes }), /the workspace is gone/);
      await assert.rejects(objects.write(url('kept'), contentOf(Buffer.alloc(sizeBytes / 2)), { sizeBytes }), {
        code: 'OUTPUT_UNWRITABLE',
      });
      await assert.rejects(objects.write(url('kept'), contentOf(Buffer.alloc(sizeBytes * 1.5)), { sizeBytes }), {
        code: 'OUTPUT_UNWRITABLE',
      });
    }
    assert.equal((await bytesFrom(objects.read(url('kept')))).toString(), 'old');
    assert.deepEqual(
      (await collect(objects.list(url('.').replace(/\/\.$/, '')))).map(({ path }) => path),
      ['kept'],
    );
  });

  test(`${name}: an empty directory can be made, and is there`, { skip }, async () => {
    const { objects, url } = await open();
    await objects.write(`${url('empty')}/`, contentOf(), { sizeBytes: 0 });
    assert.equal((await objects.stat(url('empty')))?.kind, 'directory');
    assert.deepEqual(await collect(objects.list(url('empty'))), []);
  });
}

// Habits that no tool keeps: sizes, names, documents that agree with the code.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '../../src/domain/errors.ts';
import { ROWS } from '../reliability/scorecard.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

function sources(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(ROOT.length))
    .filter((path) => !path.includes('node_modules'));
}

const code = [...sources('src'), ...sources('bench'), ...sources('scripts')];
const everything = [...code, ...sources('test')];

describe('the house is tidy', () => {
  it('every file opens with what it decides', () => {
    const silent = code.filter((path) => !path.endsWith('.test.ts') && !/^(#!.*\n+)?\/\//.test(read(path)));
    assert.deepEqual(silent, [], 'files without a head comment');
  });

  it('no source file is longer than 500 lines, no test longer than 700', () => {
    const long = everything.filter(
      (path) => read(path).split('\n').length > (path.includes('.test.') || path.startsWith('test/') ? 700 : 500),
    );
    assert.deepEqual(long, [], 'is it two things?');
  });

  it('no file has a name that says nothing', () => {
    const empty = /(^|[-/])(utils?|helpers?|manager|common|lib|misc)([-./]|$)/;
    assert.deepEqual(
      everything.filter((path) => empty.test(path)),
      [],
    );
  });

  it('no work is left as a note in the code', () => {
    const mark = new RegExp(
      `\\b(${['TO', 'FIX', 'XX'].map((start, at) => start + ['DO', 'ME', 'X'][at]).join('|')})\\b`,
    );
    assert.deepEqual(
      everything.filter((path) => mark.test(read(path))),
      [],
    );
  });

  it('every error code has its line in docs/errors.md, and no other has one', () => {
    const documented = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => match[1]);
    assert.deepEqual(documented.sort(), Object.keys(ERROR_CODES).sort());
  });

  it('every error code is provoked by a test', () => {
    const tests = everything
      .filter((path) => path.endsWith('.test.ts') || path.startsWith('test/'))
      .map(read)
      .join('\n');
    assert.deepEqual(
      Object.keys(ERROR_CODES).filter((name) => !tests.includes(name)),
      [],
    );
  });

  it('the changelog begins with what is pending', () => {
    assert.match(read('CHANGELOG.md'), /^# Changelog\n+## Pending\n/);
  });

  it('every example is named in the README, and has one of its own', () => {
    const readme = read('README.md');
    for (const entry of readdirSync(join(ROOT, 'examples'), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      assert.ok(readme.includes(`examples/${entry.name}`), entry.name);
      assert.ok(read(`examples/${entry.name}/README.md`).length > 0);
    }
  });

  it('every row of the scorecard is in docs/reliability.md', () => {
    const written = read('docs/reliability.md');
    assert.deepEqual(
      ROWS.filter(({ id }) => !written.includes(`| ${id} |`)).map(({ id }) => id),
      [],
    );
  });

  it('every room of src is on the map', () => {
    const map = read('ARCHITECTURE.md');
    const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.deepEqual(
      rooms.map((entry) => entry.name).filter((name) => !map.includes(`${name}/`)),
      [],
    );
  });
});

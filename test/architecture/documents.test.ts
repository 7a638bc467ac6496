// Documents say what the program does: pages that come from it are current, links lead somewhere, forms of JSON are all there.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderCliReference } from '../../scripts/cli-reference.ts';
import { renderJsonReference } from '../../scripts/json-reference.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

function pages(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || entry.name === 'node_modules' ? [] : pages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

describe('the documents', () => {
  it('have the command line as the program has it (npm run docs)', async () => {
    assert.equal(read('docs/cli.md'), await renderCliReference());
  });

  it('have the forms of JSON as the program has them (npm run docs)', () => {
    assert.equal(read('docs/json.md'), renderJsonReference());
  });

  it('know every form of JSON that a command prints', () => {
    const known = new Set(
      [...read('docs/json.md').matchAll(/^## (distributo\/[a-z-]+\/1)$/gm)].map(([, name]) => name),
    );
    // Not printed by a command: for the uploader, for `results`, for `check`, and for the next controller.
    const inner = new Set([
      'distributo/item-set/1',
      'distributo/task/1',
      'distributo/machine/1',
      'distributo/controller-record/1',
    ]);
    const folder = join(ROOT, 'src/shells');
    const used = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .flatMap((path) => [...readFileSync(join(folder, path), 'utf8').matchAll(/'(distributo\/[a-z-]+\/1)'/g)])
      .map(([, name]) => name as string);
    assert.deepEqual(
      [...new Set(used)].filter((name) => !known.has(name) && !inner.has(name)),
      [],
    );
  });

  it('link to files that are there', () => {
    const broken: string[] = [];
    for (const page of [
      ...pages('.').filter((path) => !path.includes('/')),
      ...pages('docs'),
      ...pages('bench'),
      ...pages('examples'),
    ]) {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const path = join(ROOT, dirname(page), target);
        if (!existsSync(path)) broken.push(`${page}: ${relative(ROOT, path)}`);
      }
    }
    assert.deepEqual(broken, []);
  });

  it('name only npm scripts that are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const known = new Set([...Object.keys(scripts), 'ci', 'install', 'link']);
    const unknown = [...pages('.').filter((path) => !path.includes('/')), ...pages('docs'), ...pages('bench')].flatMap(
      (page) =>
        [...read(page).matchAll(/(?:^|`)npm (?:run )?([a-z][a-z:-]*)/gm)]
          .map(([, name]) => name as string)
          .filter((name) => /^(run|exec)$/.test(name) === false && !known.has(name))
          .map((name) => `${page}: ${name}`),
    );
    assert.deepEqual(unknown, []);
  });
});

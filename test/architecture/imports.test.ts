// What the linter does not see of imports: files that nobody reaches, and imports in places where the walls are not checked.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));
}

/** Files that a file imports, at its top, later, or as a program that it starts. */
function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import|import\(|new URL\()\s*'(\.[^']+)\.(?:ts|js|mjs)'/g);
  return [...found].map(([, target]) => join(dirname(path), `${target}.ts`));
}

function reachFrom(entries: readonly string[], files: ReadonlyMap<string, string>): Set<string> {
  const reached = new Set<string>();
  const next = [...entries];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    const text = files.get(path);
    if (text === undefined || reached.has(path)) continue;
    reached.add(path);
    next.push(...importsOf(path, text));
  }
  return reached;
}

/** Forms of import that would pass by the walls. */
function hiddenImport(line: string): string | undefined {
  if (/(?<!\bawait\s|\(\)\s=>\s|return\s|\[)\bimport\(\s*'[^']+'\s*\)\.(?!then\b)/.test(line))
    return 'a type belongs into an import at the top';
  if (/\bimport\(\s*[^'\s)]/.test(line)) return 'the target of an import is a plain string';
  if (/\brequire\(\s*(?:[^'\s)]|'\.)/.test(line)) return 'require is for packages by name';
  return undefined;
}

const all = ['src', 'test', 'bench', 'scripts'].flatMap(sources);
const files = new Map(all.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
const tests = all.filter((path) => path.endsWith('.test.ts'));
const PROGRAMS = [
  'src/index.ts',
  'src/shells/cli/main.ts',
  'src/shells/controller/main.ts',
  'scripts/write-schema.ts',
  'scripts/write-docs.ts',
  'bench/run.ts',
  'test/reliability/run.ts',
];

describe('imports', () => {
  it('reach every file of the product from one of its programs', () => {
    const reached = reachFrom(PROGRAMS, files);
    const product = all.filter((path) => /^(src|bench|scripts)\//.test(path) && !path.endsWith('.test.ts'));
    assert.deepEqual(
      product.filter((path) => !reached.has(path)),
      [],
      'nobody reaches these files',
    );
  });

  it('reach every file of the tests from a test', () => {
    const reached = reachFrom([...PROGRAMS, ...tests], files);
    assert.deepEqual(
      all.filter((path) => !reached.has(path)),
      [],
      'nobody reaches these files',
    );
  });

  it('stand where the walls are checked', () => {
    const hidden = all
      .filter((path) => path.startsWith('src/') && !path.endsWith('.test.ts'))
      .flatMap((path) =>
        (files.get(path) ?? '').split('\n').flatMap((line, at) => {
          const fault = /^\s*(\/\/|\*)/.test(line) ? undefined : hiddenImport(line);
          return fault === undefined ? [] : [`${path}:${at + 1} ${fault}`];
        }),
      );
    assert.deepEqual(hidden, []);
  });

  it('that are hidden are caught', () => {
    for (const line of [
      "export type World = import('../engine/world.ts').World;",
      'const load = (name: string) => import(`../adapters/${name}.ts`);',
      'await import(path);',
      "const world = require('../engine/world.ts');",
    ]) {
      assert.ok(hiddenImport(line) !== undefined, line);
    }
    assert.equal(hiddenImport("const { open } = await import('../adapters/sqlite/open-store.ts');"), undefined);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitPattern } from './path-pattern.ts';

const cases: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  ['*.csv', '', ['a.csv', 'a.b.csv', '*.csv'], ['.csv', 'a.csv.gz', 'dir/a.csv', 'acsv']],
  ['results/2024/run-?/out', 'results/2024', ['run-1/out', 'run-ü/out'], ['run-/out', 'run-12/out', 'run-1/deep/out']],
  ['out/[a-c]?.txt', 'out', ['a1.txt', 'c-.txt'], ['d1.txt', 'a.txt']],
  ['[!a-c]*', '', ['d', 'dog'], ['a', 'cat', '.d']],
  ['.*', '', ['.hidden'], ['shown']],
  ['a[]]b', '', ['a]b'], ['ab']],
  ['broken[', '', ['broken['], ['broken', 'brokenx']],
  ['/abs/dir/*.txt', '/abs/dir', ['x.txt'], ['x.csv']],
  ['/*', '/', ['x'], ['x/y']],
  ['a+(b).{1,2}*', '', ['a+(b).{1,2}', 'a+(b).{1,2}x'], ['aab', 'a+b']],
];

for (const [pattern, folder, yes, no] of cases) {
  test(`${pattern} matches as in a shell`, () => {
    const split = splitPattern(pattern);
    assert.equal(split.folder, folder);
    for (const path of yes) assert.ok(split.matches(path), `${path} should match`);
    for (const path of no) assert.ok(!split.matches(path), `${path} should not match`);
  });
}

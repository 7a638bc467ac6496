// What neither compiler nor linter sees in the rooms that decide: randomness, and orders that differ between machines.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../../../src/', import.meta.url));
const PURE = ['domain', 'market', 'scheduler', 'allocator', 'lifecycle', 'ports', 'engine'];

/** The line's fault, or undefined. */
function impurityOf(line: string): string | undefined {
  if (/\bMath\.random\b|\brandomUUID\b/.test(line)) return 'random numbers come from the seed of the snapshot';
  if (/\.localeCompare\(|\bIntl\./.test(line)) return 'it differs between machines: compare with < and >';
  if (/\bMath\.(sin|cos|tan|exp|log|log2|log10|pow|cbrt)\(/.test(line))
    return 'its last digit may differ between engines';
  return undefined;
}

it('the rooms that decide use no randomness and no order of the machine', () => {
  const faults: string[] = [];
  for (const entry of readdirSync(SRC, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name).slice(SRC.length);
    if (!entry.isFile() || path.includes('.test.') || !PURE.some((room) => path.startsWith(`${room}/`))) continue;
    readFileSync(join(SRC, path), 'utf8')
      .split('\n')
      .forEach((line, at) => {
        const fault = impurityOf(line);
        if (fault !== undefined) faults.push(`${path}:${at + 1} ${fault}`);
      });
  }
  assert.deepEqual(faults, []);
});

it('planted lines are caught', () => {
  for (const line of [
    'const a = Math.random();',
    'list.sort((a, b) => a.localeCompare(b));',
    'Math.exp(x)',
    'randomUUID()',
  ]) {
    assert.ok(impurityOf(line) !== undefined, line);
  }
});

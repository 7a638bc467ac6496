// Runs compiled tests of some folders with Node's own runner and counts them.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, say } from './set-up.mjs';

/** Compiled tests whose source is still there: the compiler leaves what was renamed. */
export function testFiles(folder) {
  const root = join(ROOT, 'dist', folder);
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => existsSync(join(ROOT, relative(join(ROOT, 'dist'), path).replace(/\.js$/, '.ts'))))
    .sort();
}

/** @returns {Promise<{ passed: number, failed: number, skipped: number, failures: string[], skips: string[] }>} */
export async function runTests(name, files, concurrency) {
  say(`\n== ${name}: ${files.length} files`);
  const folder = mkdtempSync(join(tmpdir(), 'distributo-count-'));
  const counts = join(folder, 'counts.json');
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(ROOT, 'scripts/count-reporter.mjs')}`,
    `--test-reporter-destination=${counts}`,
  ];
  const runner = spawn(process.execPath, ['--test', `--test-concurrency=${concurrency}`, ...reporters, ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // Who is asked to end ends the runner first, and then tidies up.
  const pass = (signal) => runner.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
  const [status, endedBy] = await once(runner, 'exit');
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, pass);
  const end = `${name}: the runner ended with ${status ?? endedBy}`;
  try {
    const counted = JSON.parse(readFileSync(counts, 'utf8'));
    // A runner that fails without a failed test has failed all the same.
    if (status !== 0 && counted.failed === 0) return { ...counted, failed: 1, failures: [end] };
    return counted;
  } catch {
    return {
      passed: 0,
      failed: 1,
      skipped: 0,
      failures: [`${end} and counted nothing`],
      skips: [],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function sum(all) {
  return all.reduce(
    (total, one) => ({
      passed: total.passed + one.passed,
      failed: total.failed + one.failed,
      skipped: total.skipped + one.skipped,
      failures: [...total.failures, ...one.failures],
      skips: [...total.skips, ...one.skips],
    }),
    { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] },
  );
}

/** What failed, what was not tried and why, and the count alone on its line; the answer is the exit code. */
export function report(total) {
  console.log('');
  for (const skip of total.skips) console.log(`SKIPPED ${skip}`);
  for (const failure of total.failures) console.log(`FAILED  ${failure}`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

/** Format, lint and types: each counts as one. */
export function checkStyle() {
  const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const done = spawnSync(process.execPath, [biome, 'check', '.'], { cwd: ROOT, stdio: 'inherit' });
  return done.status === 0
    ? { passed: 1, failed: 0, skipped: 0, failures: [], skips: [] }
    : { passed: 0, failed: 1, skipped: 0, failures: ['format and lint: npx biome check --write .'], skips: [] };
}

// What people see of their secrets at the terminal: a run that uses some and fails, the views of it, and job files that are
// wrong beside them. Everything printed is searched.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Canary, CanaryScanner } from './canaries.ts';

const MAIN = fileURLToPath(new URL('../../src/shells/cli/main.js', import.meta.url));

/** `secret` is passed as env:, `aws` and `caller` only stand in the environment. */
export async function scanCommandLine(
  folder: string,
  secrets: { readonly secret: Canary; readonly file: string; readonly aws: Canary; readonly caller: Canary },
  scanner: CanaryScanner,
): Promise<readonly string[]> {
  const job = (more: string): string =>
    `name: terminal
command: [sh, -c, 'test -n "$A_TOKEN" && test -n "$B_TOKEN" && exit 3']
secrets: { A_TOKEN: "env:A_TOKEN", B_TOKEN: "file:${secrets.file}" }
resources: { cpu: 0.1, memory: 32MiB }
${more}`;
  await writeFile(join(folder, 'job.yaml'), job(''));
  await writeFile(join(folder, 'wrong.yaml'), job('retries: 3\ntimeout: 90\n'));
  const env = {
    ...process.env,
    A_TOKEN: secrets.secret.value,
    AWS_SECRET_ACCESS_KEY: secrets.aws.value,
    CALLER: secrets.caller.value,
    DISTRIBUTO_STATE: join(folder, 'state'),
    DISTRIBUTO_RUNTIME: 'process',
  };
  const problems: string[] = [];
  const call = async (words: readonly string[], exitCode: number): Promise<void> => {
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (printed += part));
    const [code] = (await once(child, 'close')) as [number | null];
    scanner.scan(`output of distributo ${words.join(' ')}`, printed);
    if (code !== exitCode) problems.push(`distributo ${words.join(' ')} ended with ${code}: ${printed.slice(0, 500)}`);
  };
  try {
    await call(['run', 'job.yaml'], 100);
    await call(['run', 'wrong.yaml'], 2);
    await call(['status', 'terminal-1', '-o', 'json'], 0);
    await call(['explain', 'terminal-1/0'], 0);
    await call(['events', '-o', 'ndjson'], 0);
    await call(['config'], 0);
  } finally {
    await call(['controller', 'stop'], 0);
  }
  return problems;
}

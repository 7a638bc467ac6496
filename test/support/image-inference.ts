// What tests of examples/image-inference share: the prepared cache, a workspace as staging would fill it, the worker's
// lines. Preparing needs Python and, the first time, PyPI; where that fails the suites are skipped with the reason, and
// fail instead where CI=true.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const exampleDir = fileURLToPath(new URL('../../../examples/image-inference', import.meta.url));
export const cacheDir = join(exampleDir, '.cache');

export type Finished = { readonly code: number | null; readonly out: string; readonly err: string };

export function runCommand(command: string, args: readonly string[], cwd = exampleDir): Finished {
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const done = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { code: done.status, out: done.stdout ?? '', err: done.stderr || (done.error?.message ?? '') };
}

/** The reason to skip, or undefined when model, pictures and Python are there. Throws in CI, where skipping is failing. */
export function prepareExample(): string | undefined {
  const prepared = runCommand('python3', ['prepare.py']);
  return prepared.code === 0 ? undefined : skipOrThrow(`examples/image-inference cannot be prepared: ${prepared.err}`);
}

export function skipOrThrow(reason: string): string {
  if (process.env.CI === 'true') throw new Error(reason);
  console.error(`SKIPPED: ${reason}`);
  return reason;
}

/** A folder with the inputs of one task, as job.yaml names them. */
export function fillWorkspace(): string {
  const workspace = mkdtempSync(join(tmpdir(), 'image-inference-'));
  for (const name of ['worker.py', 'pictures.csv']) cpSync(join(exampleDir, name), join(workspace, name));
  for (const name of ['model', 'pictures']) {
    cpSync(join(cacheDir, name), join(workspace, name), { recursive: true });
  }
  return workspace;
}

export function runWorker(workspace: string, ...args: readonly string[]): Finished {
  return runCommand(join(cacheDir, 'venv/bin/python3'), ['worker.py', ...args], workspace);
}

export type Answer = {
  readonly id: string;
  readonly source: string;
  readonly top: readonly (readonly [string, number])[];
};

/** Reads `id,source,[('label', 0.5), ...]` lines. */
export function readAnswers(path: string): readonly Answer[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n').map(parseAnswer);
}

function parseAnswer(line: string): Answer {
  const parts = /^([^,]+),([^,]+),\[(.*)\]$/.exec(line);
  if (parts === null) throw new Error(`not an answer: ${line}`);
  const [, id = '', source = '', list = ''] = parts;
  const top = [...list.matchAll(/\((?:'([^']*)'|"([^"]*)"), ([\d.e-]+)\)/g)].map(
    ([, single, double, score]) => [single ?? double ?? '', Number(score)] as const,
  );
  return { id, source, top };
}

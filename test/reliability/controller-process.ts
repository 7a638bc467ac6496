// One start of the controller's process, seen from outside: when it said what, and how it ended.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readLines } from '../../src/shells/api/read-lines.ts';
import type { ControllerSettings } from '../../src/shells/controller/controller-settings.ts';
import { writeArguments } from '../../src/shells/controller/main-arguments.ts';
import type { StartReport } from '../../src/shells/controller/start-report.ts';

export type ControllerProcess = {
  readonly pid: number;
  readonly startedAtMs: number;
  /** undefined: it ended before it said anything. `afterMs` counts from the spawn. */
  readonly report: Promise<(StartReport & { readonly afterMs: number }) | undefined>;
  /** Resolves when it is gone. */
  readonly exit: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** What it printed; empty unless Node itself had something to say. */
  output(): string;
};

const MAIN = fileURLToPath(new URL('../../src/shells/controller/main.js', import.meta.url));

export function spawnControllerProcess(
  stateDirectory: string,
  settings: Partial<ControllerSettings> = {},
  env: NodeJS.ProcessEnv = process.env,
): ControllerProcess {
  const words = writeArguments({ stateDirectory, settings, reportTo: 3, version: null });
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [MAIN, ...words], { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const exit = exitOf(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (output += part));
  return {
    pid: child.pid as number,
    startedAtMs,
    report: readReport(child.stdio[3] as Readable, startedAtMs),
    exit,
    async kill(signal = 'SIGKILL') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exit;
    },
    output: () => output,
  };
}

async function exitOf(child: ChildProcess) {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return { code, signal };
}

async function readReport(pipe: Readable, startedAtMs: number) {
  try {
    for await (const line of readLines(pipe)) {
      return { ...(JSON.parse(line) as StartReport), afterMs: performance.now() - startedAtMs };
    }
  } catch {
    // Killed while it spoke.
  }
  return undefined;
}

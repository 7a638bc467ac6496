// What runs as a process of its own: `node main.js --state DIR [--settings JSON] [--report-to FD]`. Tells whoever started it
// how that went, by one line on a pipe, then goes on alone.

import { closeSync, writeSync } from 'node:fs';
import { DistributoError } from '../../domain/errors.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { writeFailureNote } from './failure-note.ts';
import { readArguments } from './main-arguments.ts';
import type { StartReport } from './start-report.ts';

const END_MS_MAX = 60_000;

async function main(): Promise<void> {
  const { stateDirectory, settings, reportTo, version } = readArguments(process.argv.slice(2));
  let isReported = false;
  const report = (line: StartReport): void => {
    if (isReported) return;
    isReported = true;
    if (reportTo === null) {
      if (line.kind !== 'ready') process.stderr.write(`error: ${line.error.message}\nnext: ${line.error.hint ?? ''}\n`);
      return;
    }
    try {
      writeSync(reportTo, `${JSON.stringify(line)}\n`);
      closeSync(reportTo);
    } catch {
      // Whoever started it did not wait; it goes on all the same.
    }
  };

  const [{ runController }, { composeController }] = await Promise.all([
    import('./run-controller.ts'),
    import('../compose.ts'),
  ]);
  try {
    const controller = await runController(composeController(), {
      stateDirectory,
      settings,
      ...(version === null ? {} : { version }),
    });
    endOnSignals(controller.stop);
    endOnFaults(stateDirectory);
    report({ kind: 'ready', pid: process.pid, socket: controller.socketPath });
    const { error } = await controller.ended;
    process.exit(error === undefined ? 0 : 1);
  } catch (error) {
    const { toErrorAnswer } = await import('../http/error-answer.ts');
    const isHeld = error instanceof DistributoError && error.code === 'STORE_LOCKED';
    report({ kind: isHeld ? 'held' : 'failed', error: toErrorAnswer(error).view });
    // For a command that only wants one to live, a held directory is as good as a start.
    if (isHeld && reportTo !== null) process.exit(0);
    process.exit(error instanceof DistributoError ? exitCodeOf(error.code) : 1);
  }
}

function endOnSignals(stop: (reason: string) => Promise<void>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      setTimeout(() => process.exit(1), END_MS_MAX).unref();
      void stop(`signal ${signal}`);
    });
  }
  process.on('SIGHUP', () => undefined); // a closed terminal changes nothing
}

/** A fault of ours: what is recorded is safe and attempts go on, so the process ends and the next command starts another. */
function endOnFaults(stateDirectory: string): void {
  const end = async (fault: unknown): Promise<void> => {
    console.error(fault);
    const { toErrorAnswer } = await import('../http/error-answer.ts');
    writeFailureNote(stateDirectory, { atMs: Date.now(), pid: process.pid, error: toErrorAnswer(fault).view });
    process.exit(1);
  };
  process.on('uncaughtException', (fault) => void end(fault));
  process.on('unhandledRejection', (fault) => void end(fault));
}

await main();

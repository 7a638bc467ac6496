#!/usr/bin/env node

// The program `distributo`: the process around a command line. Nothing heavy is loaded here.

import { createStyle } from '../terminal/style.ts';
import { checkPlatform } from './check-platform.ts';
import { runCommandLine } from './command-line.ts';
import { describeError, renderError } from './report-error.ts';

function fail(error: unknown): never {
  const style = createStyle({ hasColour: false, isAscii: false });
  const report = describeError(error);
  const lines = renderError(report, style, process.argv.includes('--debug'));
  // Last of the `exit` listeners: a live view gives the terminal back before.
  process.on('exit', () => process.stderr.write(`${lines.join('\n')}\n`));
  process.exit(report.exitCode);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
// An `exit` listener gives the terminal back; without this a signal would end us without it.
process.on('SIGTERM', () => process.exit(143));
process.on('SIGHUP', () => process.exit(129));
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `distributo ps | head -1`: the reader has what it wanted.
    if (error.code === 'EPIPE') process.exit(0);
    fail(error);
  });
}

checkPlatform(process.platform, process.versions.node);
const exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  directory: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  nowMs: Date.now,
});
process.exitCode = exitCode;

// Starts the controller's process, cut loose from this one: own session, no terminal, its output in its log.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readLines } from '../api/read-lines.ts';
import { logPath } from './controller-log.ts';
import type { ControllerSettings } from './controller-settings.ts';
import { writeArguments } from './main-arguments.ts';
import type { StartReport } from './start-report.ts';

export type SpawnOptions = {
  readonly stateDirectory: string;
  readonly settings?: Partial<ControllerSettings>;
  readonly version: string | null;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** Of the caller's environment the controller gets only this: it outlives the caller and serves others. Keys travel with each run. */
const KEPT =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|SSH_AUTH_SOCK|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|AWS_(?!ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)\w+)$/;

const REPORT_TO = 3;

/** What it said of its start; undefined where it ended or stayed silent until then. */
export async function spawnController(options: SpawnOptions, untilMs: number): Promise<StartReport | undefined> {
  const { stateDirectory, settings = {}, version, env = process.env } = options;
  const log = openSync(logPath(stateDirectory), 'a', 0o600);
  const words = writeArguments({ stateDirectory, settings, reportTo: REPORT_TO, version });
  const child = spawn(process.execPath, [fileURLToPath(new URL('./main.js', import.meta.url)), ...words], {
    cwd: stateDirectory,
    detached: true,
    env: Object.fromEntries(Object.entries(env).filter(([name]) => KEPT.test(name))),
    stdio: ['ignore', log, log, 'pipe'],
  });
  closeSync(log);
  const pipe = child.stdio[REPORT_TO] as Readable;
  const timer = setTimeout(() => pipe.destroy(), Math.max(0, untilMs - performance.now()));
  try {
    await once(child, 'spawn');
    for await (const line of readLines(pipe)) return JSON.parse(line) as StartReport;
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    pipe.destroy();
    child.unref();
  }
}

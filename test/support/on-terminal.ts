// The real program on a real pseudo-terminal (`script` of util-linux makes it), and the screen that it leaves.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CliHouse } from './cli-house.ts';
import { aVirtualTerminal } from './virtual-terminal.ts';
import { waitFor } from './wait-for.ts';

const MAIN = fileURLToPath(new URL('../../src/shells/cli/main.js', import.meta.url));

/** Why there is no terminal here; false where there is one. */
export const noTerminal: string | false =
  spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0
    ? false
    : 'needs script of util-linux';

export type OnTerminal = {
  /** All that was written so far, escape codes too. */
  readonly written: () => string;
  /** What stands there now, scroll-back too. */
  readonly screen: () => string;
  readonly sees: (what: RegExp) => Promise<void>;
  readonly type: (keys: string) => void;
  readonly ended: Promise<number | null>;
};

export function startOnTerminal(
  house: CliHouse,
  words: readonly string[],
  { columns = 100, rows = 30, env = {} }: { columns?: number; rows?: number; env?: Record<string, string> } = {},
): OnTerminal {
  const quoted = [process.execPath, MAIN, ...words].map((word) => `'${word}'`).join(' ');
  const child: ChildProcess = spawn(
    'script',
    ['-qec', `stty rows ${rows} cols ${columns}; exec ${quoted}`, '/dev/null'],
    { cwd: house.folder, env: { ...house.env, TERM: 'xterm', SHELL: '/bin/sh', ...env } },
  );
  const terminal = aVirtualTerminal(columns, rows);
  let written = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    terminal.write(text);
  });
  const screen = (): string => terminal.lines().join('\n');
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return {
    written: () => written,
    screen,
    sees: (what) => waitFor(`${what} on the screen`, async () => what.test(screen())),
    type: (keys) => void child.stdin?.write(keys),
    ended,
  };
}

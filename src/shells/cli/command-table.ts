// Every command with its summary and where it lies. `--help` needs no more than this table; nothing is loaded for it.

import type { CommandModule } from './command.ts';

export type CommandRow = {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly group: string;
  readonly load: () => Promise<CommandModule>;
};

const row = (
  group: string,
  name: string,
  summary: string,
  load: () => Promise<{ readonly command: CommandModule }>,
  aliases: readonly string[] = [],
): CommandRow => ({ group, name, summary, aliases, load: async () => (await load()).command });

const START = 'Start:';
const LOOK = 'Look:';
const STEER = 'Steer:';
const KEEP = 'Keep house:';

export const COMMAND_TABLE: readonly CommandRow[] = [
  row(START, 'init', 'write a commented job file', () => import('./commands/init.ts')),
  row(
    START,
    'check',
    'look for what would stop a run, each finding with its fix',
    () => import('./commands/check.ts'),
    ['doctor'],
  ),
  row(START, 'run', 'run a job file and watch it; ctrl-c only stops watching', () => import('./commands/run.ts'), [
    'up',
  ]),
  row(LOOK, 'ps', 'list runs', () => import('./commands/ps.ts')),
  row(LOOK, 'status', 'one run: its jobs, what waits for what, the machine', () => import('./commands/status.ts'), [
    'show',
  ]),
  row(
    LOOK,
    'explain',
    'why a run or task waits, failed or was repeated, and what would help',
    () => import('./commands/explain.ts'),
  ),
  row(LOOK, 'logs', 'what tasks printed; -f follows', () => import('./commands/logs.ts')),
  row(LOOK, 'events', 'what happened, when and why; -f follows', () => import('./commands/events.ts')),
  row(LOOK, 'results', 'list the outputs of a run, or copy them into a folder', () => import('./commands/results.ts')),
  row(STEER, 'wait', 'wait for runs to end; the exit code tells how they did', () => import('./commands/wait.ts')),
  row(STEER, 'cancel', 'stop a run or one task; records are kept', () => import('./commands/cancel.ts'), ['stop']),
  row(STEER, 'retry', 'run failed and cancelled tasks again', () => import('./commands/retry.ts')),
  row(STEER, 'pause', 'start nothing new of a run', () => import('./commands/pause.ts')),
  row(STEER, 'resume', 'go on with a paused run or after a trial', () => import('./commands/resume.ts')),
  row(KEEP, 'rm', 'remove ended runs with their history and logs', () => import('./commands/rm.ts')),
  row(KEEP, 'du', 'show the disk space in use', () => import('./commands/du.ts')),
  row(KEEP, 'prune', 'free the disk space of old logs and workspaces', () => import('./commands/prune.ts')),
  row(KEEP, 'config', 'show the settings, each with its origin', () => import('./commands/config.ts')),
  row(KEEP, 'controller', 'the background process: status, stop, run', () => import('./commands/controller.ts')),
  row(KEEP, 'completion', 'print the completion script of a shell', () => import('./commands/completion.ts')),
  row(KEEP, 'version', 'print versions', () => import('./commands/version.ts')),
];

export const findCommand = (name: string): CommandRow | undefined =>
  COMMAND_TABLE.find((command) => command.name === name || command.aliases.includes(name));

// Where each command lies. Only the one that is called is loaded.

import type { CommandModule } from './command.ts';
import { COMMAND_NAMES, type CommandName } from './command-names.ts';

export type CommandRow = CommandName & { readonly load: () => Promise<CommandModule> };

const MODULES: Readonly<Record<string, () => Promise<{ readonly command: CommandModule }>>> = {
  init: () => import('./commands/init.ts'),
  check: () => import('./commands/check.ts'),
  run: () => import('./commands/run.ts'),
  ps: () => import('./commands/ps.ts'),
  status: () => import('./commands/status.ts'),
  explain: () => import('./commands/explain.ts'),
  logs: () => import('./commands/logs.ts'),
  events: () => import('./commands/events.ts'),
  results: () => import('./commands/results.ts'),
  wait: () => import('./commands/wait.ts'),
  cancel: () => import('./commands/cancel.ts'),
  retry: () => import('./commands/retry.ts'),
  pause: () => import('./commands/pause.ts'),
  resume: () => import('./commands/resume.ts'),
  rm: () => import('./commands/rm.ts'),
  du: () => import('./commands/du.ts'),
  prune: () => import('./commands/prune.ts'),
  config: () => import('./commands/config.ts'),
  controller: () => import('./commands/controller.ts'),
  completion: async () => {
    const { createCompletion } = await import('./commands/completion.ts');
    return { command: createCompletion(() => COMMAND_TABLE) };
  },
  version: () => import('./commands/version.ts'),
};

export const COMMAND_TABLE: readonly CommandRow[] = COMMAND_NAMES.map((row) => ({
  ...row,
  load: async () => (await (MODULES[row.name] as () => Promise<{ readonly command: CommandModule }>)()).command,
}));

export const findCommand = (name: string): CommandRow | undefined =>
  COMMAND_TABLE.find((command) => command.name === name || command.aliases.includes(name));

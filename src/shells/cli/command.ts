// What one command is: how it is called, examples that work when pasted, and what it does. Each lies in a file of its own
// below `commands/`, loaded only when it is called.

import type { Command } from 'commander';
import type { ExitCode } from '../exit-codes.ts';
import type { Context } from './context.ts';

/** Arguments and options as commander has read them; each command knows its own. */
export type Call = {
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
};

export type CommandModule = {
  /** Adds arguments and options. */
  readonly define: (command: Command) => void;
  /** Each with what it is for. Shown by `--help`; `docs/cli.md` has them too. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
  readonly execute: (context: Context, call: Call) => Promise<ExitCode>;
};

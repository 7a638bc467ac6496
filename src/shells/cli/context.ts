// All that a command may use of the world: streams, environment, clock, how to draw, and the controller's API.

import type { ApiClient } from '../api/client.ts';
import type { Configuration } from '../configuration/load-configuration.ts';
import type { TimeStyle } from '../terminal/format.ts';
import type { Style } from '../terminal/style.ts';
import type { Environment } from '../terminal/terminal-stream.ts';

export const OUTPUT_FORMS = ['table', 'wide', 'json', 'ndjson', 'name'] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

export type GlobalOptions = {
  readonly output: OutputForm;
  readonly state: string | undefined;
  readonly hasColour: boolean;
  readonly isDebug: boolean;
  readonly isQuiet: boolean;
  readonly isLocalTime: boolean;
};

/** The process around a command; another in tests. */
export type Host = {
  readonly env: Environment;
  readonly directory: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly nowMs: () => number;
};

/** By a setting's name; undefined: the flag was not given. */
export type Flags = Readonly<Record<string, string | undefined>>;

export type Context = Host & {
  readonly options: GlobalOptions;
  /** Of stdout and of stderr: one may go to a file. */
  readonly style: Style;
  readonly messageStyle: Style;
  readonly time: TimeStyle;
  /** Columns of stdout; no limit where it is not a terminal. */
  readonly width: number;
  /** Data, to stdout. */
  readonly print: (lines: string | readonly string[]) => void;
  /** Hints and progress, to stderr; nothing with `-q`. */
  readonly say: (lines: string | readonly string[]) => void;
  /** Warnings and questions' surroundings, to stderr. */
  readonly warn: (line: string) => void;
  /** The controller of the state directory; started where none lives, unless told not to. The same client each time. */
  readonly connect: () => Promise<ApiClient>;
  /** The settings, with the flags that the command has; read once. */
  readonly configure: (flags?: Flags) => Promise<Configuration>;
};

export const wantsJson = (context: Context): boolean =>
  context.options.output === 'json' || context.options.output === 'ndjson';

/** Text for people, not for programs. */
export const wantsText = (context: Context): boolean =>
  context.options.output === 'table' || context.options.output === 'wide';

// Makes a command's surroundings out of the process and the global options.

import type { ApiClient } from '../api/client.ts';
import type { Configuration } from '../configuration/load-configuration.ts';
import { createStyle, wantsAscii, wantsColour } from '../terminal/style.ts';
import { columnsOf } from '../terminal/terminal-stream.ts';
import type { Context, Flags, GlobalOptions, Host } from './context.ts';

export function createContext(host: Host, options: GlobalOptions): Context & { close(): void } {
  const styleOf = (stream: NodeJS.WriteStream) =>
    createStyle({
      hasColour: wantsColour(host.env, stream.isTTY === true, !options.hasColour),
      isAscii: wantsAscii(host.env),
    });
  let client: Promise<ApiClient> | undefined;
  let configuration: Promise<Configuration> | undefined;
  const messageStyle = styleOf(host.stderr);
  const write = (stream: NodeJS.WriteStream, lines: string | readonly string[]): void => {
    const text = typeof lines === 'string' ? lines : lines.join('\n');
    if (typeof lines === 'string' || lines.length > 0) stream.write(`${text}\n`);
  };
  const context = {
    ...host,
    options,
    style: styleOf(host.stdout),
    messageStyle,
    time: { isLocal: options.isLocalTime },
    width: columnsOf(host.stdout),
    print: (lines: string | readonly string[]) => write(host.stdout, lines),
    say: (lines: string | readonly string[]) => {
      if (!options.isQuiet) write(host.stderr, lines);
    },
    warn: (line: string) => write(host.stderr, `${messageStyle.yellow('!')} ${line}`),
    // Flags that a command has are known from its first word on; whoever asks later gets the same settings.
    configure: (flags?: Flags) => {
      if (flags === undefined && configuration !== undefined) return configuration;
      configuration = import('../configuration/load-configuration.ts').then(({ loadConfiguration }) =>
        loadConfiguration({ env: host.env, directory: host.directory, flags: { ...flags, state: options.state } }),
      );
      return configuration;
    },
    connect: async () => {
      client ??= import('./connection.ts').then(({ connectToController }) => connectToController(context));
      return client;
    },
    close: () => {
      void client?.then((opened) => opened.close()).catch(() => undefined);
    },
  };
  return context;
}

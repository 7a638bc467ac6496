// What a command sees of the world, for views that are drawn and not run: a width, a form, a clock.

import type { Context, OutputForm } from '../../src/shells/cli/context.ts';
import { createStyle } from '../../src/shells/terminal/style.ts';
import { NOW_MS } from './a-run-view.ts';

export type Drawing = {
  readonly context: Context;
  readonly lines: string[];
};

export function aDrawing(
  options: { width?: number; isAscii?: boolean; hasColour?: boolean; output?: OutputForm } = {},
): Drawing {
  const { width = 100, isAscii = false, hasColour = false, output = 'table' } = options;
  const style = createStyle({ hasColour, isAscii });
  const lines: string[] = [];
  const stream = { isTTY: true, columns: width, write: () => true } as unknown as NodeJS.WriteStream;
  const refuse = (): never => {
    throw new Error('a view asks nobody');
  };
  const context: Context = {
    env: {},
    directory: '/home/ada/screening',
    stdin: {} as NodeJS.ReadStream,
    stdout: stream,
    stderr: stream,
    nowMs: () => NOW_MS,
    options: { output, state: undefined, hasColour, isDebug: false, isQuiet: false, isLocalTime: false },
    style,
    messageStyle: style,
    time: { isLocal: false },
    width,
    print: (text) => lines.push(...(typeof text === 'string' ? [text] : text)),
    say: (text) => lines.push(...(typeof text === 'string' ? [text] : text)),
    warn: (line) => lines.push(`! ${line}`),
    connect: refuse,
    configure: refuse,
  };
  return { context, lines };
}

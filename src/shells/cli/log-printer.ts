// Prints lines of many tasks in the form that was asked for. A person's terminal that cannot keep up is spared lines, and told.

import type { LogStreamLine } from '../api/answers.ts';
import { formatQuantity } from '../terminal/format.ts';
import type { Context } from './context.ts';
import { PREFIX_WIDTH_MAX, renderLogLine } from './views/log-line.ts';

/** Bytes that the terminal has not taken before lines are left out. */
const BEHIND_BYTES_MAX = 1024 * 1024;

export type LogPrinterOptions = {
  readonly isRaw: boolean;
  /** Only lines that match. */
  readonly match: RegExp | undefined;
  /** One task alone: its lines have no prefix. */
  readonly isAlone: boolean;
};

type TaskLine = LogStreamLine & { readonly task: string; readonly attempt: number | null };

export class LogPrinter {
  readonly #context: Context;
  readonly #options: LogPrinterOptions;
  /** With `-o json` all lines become one object at the end. */
  readonly #kept: TaskLine[] = [];
  #prefixWidth = 0;
  #leftOut = 0;

  constructor(context: Context, options: LogPrinterOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** @param task whole, with its run */
  print(task: string, attempt: number | null, line: LogStreamLine): void {
    if (this.#options.match !== undefined && !this.#options.match.test(line.text)) return;
    const { options, stdout } = this.#context;
    const whole = { task, attempt, ...line };
    if (options.output === 'json') this.#kept.push(whole);
    else if (options.output === 'ndjson') this.#context.print(JSON.stringify(whole));
    // A program that reads us gets every line.
    else if (stdout.isTTY === true && stdout.writableLength > BEHIND_BYTES_MAX) this.#leftOut += 1;
    else {
      this.#tellLeftOut();
      this.#context.print(this.#render(task.slice(task.indexOf('/') + 1), line));
    }
  }

  #render(name: string, line: LogStreamLine): string {
    const { isAlone, isRaw } = this.#options;
    if (!isAlone) this.#prefixWidth = Math.min(Math.max(this.#prefixWidth, name.length), PREFIX_WIDTH_MAX);
    const { style, time } = this.#context;
    return renderLogLine(name, line, { style, time, isRaw, prefixWidth: this.#prefixWidth });
  }

  #tellLeftOut(): void {
    if (this.#leftOut === 0) return;
    const lines = formatQuantity(this.#leftOut, 'line');
    const said = `-- ${lines} left out, the terminal is slower than the tasks; all: -o ndjson --`;
    this.#leftOut = 0;
    this.#context.print(this.#context.style.dim(said));
  }

  end(): void {
    this.#tellLeftOut();
    if (this.#context.options.output !== 'json') return;
    this.#context.print(JSON.stringify({ schema: 'distributo/logs/1', lines: this.#kept }));
  }
}

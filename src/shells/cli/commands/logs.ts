// `logs`: what tasks printed, one or many at once; `-f` follows running ones and those that start.

import { DistributoError } from '../../../domain/errors.ts';
import type { Subject } from '../../../domain/ids.ts';
import { isRunEnded, type TaskState } from '../../../domain/states.ts';
import type { LogStreamLine } from '../../api/answers.ts';
import type { ApiClient } from '../../api/client.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatCount } from '../../terminal/format.ts';
import type { Call, CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { readSince, readSubject, readWhole, refuseUse } from '../usage.ts';
import { PREFIX_WIDTH_MAX, renderLogLine } from '../views/log-line.ts';

/** More at once is a flood that nobody reads, and a stream each. */
const TASKS_MAX = 200;
/** Bytes that the terminal has not taken before lines are left out, and said. */
const BEHIND_BYTES_MAX = 1024 * 1024;
const LOOK_MS = 1000;

export const command: CommandModule = {
  define: (command) =>
    void command
      .argument('<subject>', 'a run, a job of it, a task, or one attempt (run/job/3#2)')
      .option('-f, --follow', 'go on until the tasks have ended')
      .option('--since <when>', 'only from then: 10m, or an instant')
      .option('--tail <count>', 'only the last lines of each task, or "all"')
      .option('--failed', 'only tasks that failed')
      .option('--job <name>', 'only this job')
      .option('--attempt <number>', 'of this attempt instead of the last', readWhole('--attempt', 1))
      .option('--match <pattern>', 'only lines that match this regular expression')
      .option('--raw', 'bytes as the tasks wrote them, control bytes too'),
  examples: [
    ['distributo logs screening-7/118', 'what one task printed'],
    ['distributo logs screening-7 --failed', 'of every task that failed'],
    ['distributo logs -f screening-7 --job dock --since 1m', 'follow a job'],
  ],
  async execute(context, call) {
    const subject = readSubject(String(call.args[0]));
    const client = await context.connect();
    const printer = new LogPrinter(context, call);
    if (subject.index === undefined) await printMany(client, subject, call, printer);
    else await printTask(client, String(call.args[0]), call, printer, true);
    return EXIT.ok;
  },
};

class LogPrinter {
  readonly #context: Context;
  readonly #match: RegExp | undefined;
  readonly #isRaw: boolean;
  #prefixWidth = 0;
  #leftOut = 0;
  count = 0;

  constructor(context: Context, { options }: Call) {
    this.#context = context;
    this.#isRaw = options.raw === true;
    this.#match = readPattern(options.match as string | undefined);
  }

  print(task: string, attempt: number | null, line: LogStreamLine, isAlone: boolean): void {
    if (this.#match !== undefined && !this.#match.test(line.text)) return;
    this.count += 1;
    const { options, stdout } = this.#context;
    if (options.output === 'json' || options.output === 'ndjson') {
      this.#context.print(JSON.stringify({ task, attempt, ...line }));
      return;
    }
    // A program that reads us gets every line; a person's terminal that lags is spared.
    if (stdout.isTTY === true && stdout.writableLength > BEHIND_BYTES_MAX) {
      this.#leftOut += 1;
      return;
    }
    if (this.#leftOut > 0) {
      this.#context.print(
        this.#context.style.dim(
          `-- ${formatCount(this.#leftOut)} lines left out, the terminal is slower than the tasks; all: -o ndjson --`,
        ),
      );
      this.#leftOut = 0;
    }
    const name = task.slice(task.indexOf('/') + 1);
    if (!isAlone) this.#prefixWidth = Math.min(Math.max(this.#prefixWidth, name.length), PREFIX_WIDTH_MAX);
    const { style, time } = this.#context;
    this.#context.print(
      renderLogLine(name, line, { style, time, isRaw: this.#isRaw, prefixWidth: isAlone ? 0 : this.#prefixWidth }),
    );
  }

  say(text: string): void {
    this.#context.say(text);
  }

  get nowMs(): number {
    return this.#context.nowMs();
  }
}

function readPattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    throw refuseUse(`--match: ${(error as Error).message}`, "for example --match 'error|warning'");
  }
}

function queryOf({ options }: Call, nowMs: number): { follow: boolean; sinceMs?: number; tail?: number } {
  const tail =
    options.tail === undefined || options.tail === 'all' ? undefined : readWhole('--tail', 1)(String(options.tail));
  return {
    follow: options.follow === true,
    ...(options.since === undefined ? {} : { sinceMs: readSince('--since', String(options.since), nowMs) }),
    ...(tail === undefined ? {} : { tail }),
  };
}

async function printTask(
  client: ApiClient,
  subject: string,
  call: Call,
  printer: LogPrinter,
  isAlone: boolean,
): Promise<void> {
  const asked = call.options.attempt as number | undefined;
  const [task = subject, number] = subject.split('#');
  const attempt = number === undefined ? (asked ?? null) : Number(number);
  const name = attempt === null ? task : `${task}#${attempt}`;
  for await (const line of client.readLogs(name, queryOf(call, printer.nowMs)))
    printer.print(task, attempt, line, isAlone);
}

async function printMany(client: ApiClient, subject: Subject, call: Call, printer: LogPrinter): Promise<void> {
  const seen = new Set<string>();
  const streams: Promise<void>[] = [];
  const isFollowing = call.options.follow === true;
  for (;;) {
    const ended = isRunEnded((await client.readRun(subject.run)).state);
    for (const task of await startedTasks(client, subject, call, isFollowing)) {
      if (seen.has(task)) continue;
      seen.add(task);
      const stream = printTask(client, task, call, printer, false).catch(ignoreNotStarted);
      // Of many that have ended each is read to its end before the next: their lines do not mix.
      if (isFollowing) streams.push(stream);
      else await stream;
    }
    if (!isFollowing || ended) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  await Promise.all(streams);
  if (seen.size === 0) printer.say(call.options.failed === true ? 'no task failed' : 'no task has started yet');
}

async function startedTasks(client: ApiClient, subject: Subject, call: Call, isFollowing: boolean): Promise<string[]> {
  const states: TaskState[] =
    call.options.failed === true
      ? ['failed']
      : isFollowing
        ? ['running']
        : ['running', 'succeeded', 'failed', 'cancelled'];
  const job = (call.options.job as string | undefined) ?? subject.job;
  const view = await client.listTasks(subject.run, {
    states,
    limit: TASKS_MAX + 1,
    ...(job === undefined ? {} : { job }),
  });
  const tasks = view.tasks.filter((task) => task.attempts > 0);
  if (tasks.length <= TASKS_MAX) return tasks.map((task) => task.task);
  throw refuseUse(
    `${subject.run} has more than ${TASKS_MAX} such tasks; their output at once is not readable`,
    `distributo logs ${subject.run} --failed, --job NAME, or one task: ${tasks[0]?.task}`,
  );
}

/** A task of the list may not have begun, or its log may be pruned; the others are shown all the same. */
function ignoreNotStarted(error: unknown): void {
  if (!(error instanceof DistributoError) || error.code !== 'NOT_FOUND') throw error;
}

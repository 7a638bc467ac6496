// `logs`: what tasks printed, one or many at once; `-f` follows running ones and those that start.

import type { LogsQuery } from '../../api/client.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Call, CommandModule } from '../command.ts';
import { LogPrinter } from '../log-printer.ts';
import { readManyLogs } from '../read-many-logs.ts';
import { readSince, readSubject, readWhole, refuseUse } from '../usage.ts';

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
    const { options } = call;
    const text = String(call.args[0]);
    const subject = readSubject(text);
    const query = readQuery(call, context.nowMs());
    const isAlone = subject.index !== undefined;
    const match = readPattern(options.match as string | undefined);
    if (query.follow === true && context.options.output === 'json')
      throw refuseUse('-o json is one object, and --follow has no end', `distributo logs -f ${text} -o ndjson`);
    const client = await context.connect();
    const printer = new LogPrinter(context, { isRaw: options.raw === true, match, isAlone });
    if (isAlone) {
      const attempt = subject.attempt ?? (options.attempt as number | undefined) ?? null;
      const [task = text] = text.split('#');
      const name = attempt === null ? task : `${task}#${attempt}`;
      for await (const line of client.readLogs(name, query)) printer.print(task, attempt, line);
    } else {
      const job = (options.job as string | undefined) ?? subject.job;
      await readManyLogs({ context, client, subject, job, isFailedOnly: options.failed === true, query, printer });
    }
    printer.end();
    return EXIT.ok;
  },
};

function readPattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    throw refuseUse(`--match: ${(error as Error).message}`, "for example --match 'error|warning'");
  }
}

function readQuery({ options }: Call, nowMs: number): LogsQuery {
  const tail =
    options.tail === undefined || options.tail === 'all' ? undefined : readWhole('--tail', 1)(String(options.tail));
  return {
    follow: options.follow === true,
    ...(options.since === undefined ? {} : { sinceMs: readSince('--since', String(options.since), nowMs) }),
    ...(tail === undefined ? {} : { tail }),
  };
}

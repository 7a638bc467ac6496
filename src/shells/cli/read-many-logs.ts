// The output of many tasks of a run: of those that have started, and when following of each that starts, found by its events,
// so that not even the shortest is missed. At most 200 at once.

import { DistributoError } from '../../domain/errors.ts';
import type { Subject } from '../../domain/ids.ts';
import { isRunEnded, type RunState, type TaskState } from '../../domain/states.ts';
import type { EventAnswer, TaskAnswer } from '../../engine/engine-api.ts';
import type { ApiClient, LogsQuery } from '../api/client.ts';
import { formatQuantity } from '../terminal/format.ts';
import type { Context } from './context.ts';
import type { LogPrinter } from './log-printer.ts';
import { refuseUse } from './usage.ts';

/** More at once is a flood that nobody reads, and a stream each. */
const TASKS_MAX = 200;

export type ManyLogs = {
  readonly context: Context;
  readonly client: ApiClient;
  readonly subject: Subject;
  readonly job: string | undefined;
  readonly isFailedOnly: boolean;
  readonly query: LogsQuery;
  readonly printer: LogPrinter;
};

export async function readManyLogs(logs: ManyLogs): Promise<void> {
  const { context, client, subject } = logs;
  const run = await client.readRun(subject.run);
  if (logs.query.follow === true && !isRunEnded(run.state)) return followLogs(logs);
  const tasks = await listStarted(logs, statesWanted(logs));
  if (tasks.length > TASKS_MAX) throw tooMany(logs, tasks);
  // Each is read to its end before the next: their lines do not mix.
  for (const { task } of tasks) await readOne({ ...logs, query: { ...logs.query, follow: false } }, task, null);
  if (tasks.length === 0) context.say(logs.isFailedOnly ? 'no task failed' : 'no task has started yet');
}

const statesWanted = (logs: ManyLogs): TaskState[] =>
  logs.isFailedOnly ? ['failed'] : ['running', 'succeeded', 'failed', 'cancelled'];

async function followLogs(logs: ManyLogs): Promise<void> {
  const { context, client, subject } = logs;
  // From here on events tell of every start; what has started before is listed after that, so that none falls between.
  const newest = await client.listEvents({ run: subject.run, last: 1, limit: 1 });
  const started = await listStarted(logs, statesWanted(logs));
  const first = started.length <= TASKS_MAX || logs.isFailedOnly ? started : await listStarted(logs, ['running']);
  if (first.length > TASKS_MAX) throw tooMany(logs, first);
  const now = formatQuantity(first.length, 'task');
  context.say(`following ${now} of ${shownSubject(logs)} and each that starts; ctrl-c ends it`);

  const open = new Set<Promise<void>>();
  const seen = new Set<string>();
  let isTold = false;
  const follow = (task: string, attempt: number): void => {
    const name = `${task}#${attempt}`;
    if (seen.has(name)) return;
    seen.add(name);
    if (open.size >= TASKS_MAX) {
      if (!isTold)
        context.warn(`more than ${TASKS_MAX} tasks at once: some are left out; --job or --failed narrows it`);
      isTold = true;
      return;
    }
    const reading = readOne(logs, name, attempt).finally(() => open.delete(reading));
    open.add(reading);
  };
  for (const { task, attempts } of first) follow(task, attempts);
  const stop = new AbortController();
  const afterSequence = newest.events.at(-1)?.sequence ?? 0;
  for await (const event of client.followEvents({ run: subject.run, afterSequence }, { signal: stop.signal })) {
    const attempt = attemptBegun(logs, event);
    if (attempt !== undefined) follow(attempt.task, attempt.number);
    if (event.kind === 'run-state' && isRunEnded(event.state as RunState)) stop.abort();
  }
  await Promise.all(open);
}

/** The attempt that an event says has begun (or failed, where only those are wanted). */
function attemptBegun(logs: ManyLogs, event: EventAnswer): { task: string; number: number } | undefined {
  if (event.kind !== 'attempt-state' || event.subject === null) return undefined;
  const isWanted = logs.isFailedOnly ? event.state === 'failed' : event.state !== 'reserved';
  const [task = '', number] = event.subject.split('#');
  const [, job] = task.split('/');
  if (!isWanted || number === undefined || (logs.job !== undefined && job !== logs.job)) return undefined;
  return { task, number: Number(number) };
}

async function listStarted(logs: ManyLogs, states: readonly TaskState[]): Promise<TaskAnswer[]> {
  const page = await logs.client.listTasks(logs.subject.run, {
    states,
    limit: TASKS_MAX + 1,
    ...(logs.job === undefined ? {} : { job: logs.job }),
  });
  return page.tasks.filter((task) => task.attempts > 0);
}

/** @param name with `#n` or of the last attempt */
export async function readOne(
  logs: Pick<ManyLogs, 'client' | 'query' | 'printer'>,
  name: string,
  attempt: number | null,
): Promise<void> {
  const [task = name] = name.split('#');
  try {
    for await (const line of logs.client.readLogs(name, logs.query)) logs.printer.print(task, attempt, line);
  } catch (error) {
    // Of many, one may not have begun or its log may be pruned; the others are shown all the same.
    if (!(error instanceof DistributoError) || error.code !== 'NOT_FOUND') throw error;
  }
}

const shownSubject = ({ subject, job }: ManyLogs): string =>
  job === undefined ? subject.run : `${subject.run}/${job}`;

const tooMany = (logs: ManyLogs, tasks: readonly TaskAnswer[]): DistributoError =>
  refuseUse(
    `${shownSubject(logs)} has more than ${TASKS_MAX} such tasks; their output at once is not readable`,
    `distributo logs ${logs.subject.run} --failed, --job NAME, or one task: ${tasks[0]?.task}`,
  );

// `status`: one run with its jobs, what waits for what, the machine; with `--tasks` every task.

import type { TaskState } from '../../../domain/states.ts';
import { TASK_STATES } from '../../../domain/states.ts';
import type { JobAnswer, RunDetailAnswer, TaskAnswer } from '../../../engine/engine-api.ts';
import type { ApiClient } from '../../api/client.ts';
import { EXIT } from '../../exit-codes.ts';
import {
  formatCount,
  formatDuration,
  formatMemory,
  formatMoment,
  formatRoughDuration,
  formatVcpu,
  zoneLabel,
} from '../../terminal/format.ts';
import { paintState } from '../../terminal/style.ts';
import { alignOf, type Column, renderPairs, renderTable } from '../../terminal/table.ts';
import { stripStyle, textWidth } from '../../terminal/text-width.ts';
import type { Call, CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { printListing, printView, renderNext } from '../print-listing.ts';
import { supplySecrets } from '../supply-secrets.ts';
import { readSubject, refuseUse } from '../usage.ts';
import { durationOf } from '../views/end-table.ts';
import { timeSentence, waitsFor } from '../views/task-words.ts';

const PAGE = 500;

export const command: CommandModule = {
  define: (command) =>
    void command
      .argument('<run>', 'name of a run, or run/job with --tasks')
      .option('--tasks', 'every task instead')
      .option('--only <states>', 'with --tasks: waiting, running, succeeded, failed, cancelled, separated by commas')
      .option('--repeated', 'with --tasks: only those with more than one attempt'),
  examples: [
    ['distributo status screening-7', 'how far it is, what waits for what'],
    ['distributo status screening-7 --tasks --only failed', 'the tasks that failed'],
  ],
  async execute(context, call) {
    const subject = readSubject(String(call.args[0]));
    const client = await context.connect();
    if (call.options.tasks === true || call.options.only !== undefined || call.options.repeated === true) {
      await listTasks(context, client, subject, call);
      return EXIT.ok;
    }
    const view = await client.readRun(subject.run);
    await supplySecrets(context, client, view);
    printView(context, view, () => renderStatus(view, context));
    context.say(renderNext(context, nextFor(view)));
    return EXIT.ok;
  },
};

/** A job, or the sum of them all. */
type JobRow = Pick<JobAnswer, 'name' | 'tasks' | 'waitsFor'>;

export function renderStatus(run: RunDetailAnswer, context: Context): string[] {
  const { style, width } = context;
  const nowMs = context.nowMs();
  const clock = (atMs: number): string => `${formatMoment(atMs, nowMs, context.time)} ${zoneLabel(atMs, context.time)}`;
  const since = run.startedAtMs ?? run.submittedAtMs;
  const span = formatRoughDuration((run.endedAtMs ?? nowMs) - since);
  const state = paintState(style, run.state)(run.state);
  const when = run.endedAtMs === null ? `since ${clock(since)} (${span})` : `at ${clock(run.endedAtMs)} after ${span}`;
  const where = run.runtimeLabel === null ? '' : `on this machine, ${run.runtimeLabel}`;
  const head = `${style.bold(run.run)}  ${state} ${when}`;
  const isOneLine = textWidth(stripStyle(head)) + 3 + textWidth(where) <= width;
  const total = { name: 'total', tasks: run.tasks, waitsFor: null };
  const rows: JobRow[] = run.jobs.length > 1 ? [...run.jobs, total] : [...run.jobs];
  const done = alignOf(rows.map(({ tasks }) => ({ part: tasks.succeeded, total: tasks.total })));
  const columns: Column<JobRow>[] = [
    { header: 'job', value: (job) => job.name, cut: { to: 12, at: 'middle' } },
    { header: 'done', align: 'right', value: (job) => done[rows.indexOf(job)] as string },
    { header: 'running', align: 'right', value: (job) => formatCount(job.tasks.running) },
    { header: 'waiting', align: 'right', value: (job) => formatCount(job.tasks.waiting) },
    {
      header: 'failed',
      align: 'right',
      value: (job) => formatCount(job.tasks.failed),
      paint: (text, job) => (job.tasks.failed > 0 ? style.red(text) : text),
    },
  ];
  if (run.tasks.cancelled > 0)
    columns.push({ header: 'cancelled', align: 'right', value: (job) => formatCount(job.tasks.cancelled) });
  if (rows.some((job) => job.waitsFor !== null))
    columns.push({ header: 'waits for', value: waitsFor, cut: { to: 16, at: 'end' } });
  return [
    ...(isOneLine || where === '' ? [`${head}   ${where}`.trimEnd()] : [head, `  ${where}`]),
    ...(run.stateReason === null ? [] : [`  ${run.stateReason}`]),
    '',
    ...renderTable(columns, rows, { width, style, indent: 2 }),
    '',
    ...renderPairs(factsOf(run, context), { style, indent: 2, width }),
    ...run.warnings.map((warning) => `  ${style.yellow(`${style.sign.warning} ${warning}`)}`),
  ];
}

function factsOf(run: RunDetailAnswer, context: Context): [string, string][] {
  const nowMs = context.nowMs();
  const facts: [string, string][] = [];
  const finish = timeSentence(run, { style: context.style, time: context.time, nowMs });
  if (finish !== null) facts.push(['time', finish]);
  for (const { capacity, free, instanceId, attempts } of run.instances) {
    const cpu = `${formatVcpu(capacity.cpuUnits - free.cpuUnits)} of ${formatVcpu(capacity.cpuUnits)} vCPU`;
    const memory = `${formatMemory(capacity.memoryMib - free.memoryMib)} of ${formatMemory(capacity.memoryMib)} given out`;
    facts.push(['machine', `${instanceId}: ${formatCount(attempts)} attempts, ${cpu}, ${memory}`]);
  }
  const repeats = run.jobs.reduce((sum, job) => sum + job.repeats.retries, 0);
  const interruptions = run.jobs.reduce((sum, job) => sum + job.repeats.interruptions, 0);
  if (repeats + interruptions > 0)
    facts.push([
      'repeats',
      `${formatCount(repeats)} after failures, ${formatCount(interruptions)} after interruptions`,
    ]);
  const means = run.jobs
    .filter((job) => job.meanDurationMs !== null)
    .map((job) => `${job.name} ${formatDuration(job.meanDurationMs as number)}`);
  if (means.length > 0) facts.push(['time a task', means.join(', ')]);
  return facts;
}

function nextFor(run: RunDetailAnswer): [string, string][] {
  if (run.state === 'stopped') return [[`distributo resume ${run.run}`, 'go on']];
  const next: [string, string][] = [];
  if (run.tasks.failed > 0)
    next.push(
      [`distributo logs ${run.run} --failed`, 'what the failed tasks printed'],
      [`distributo explain ${run.run}`, 'why, and what would help'],
    );
  if (run.endedAtMs === null) next.push([`distributo run --attach ${run.run}`, 'watch it']);
  return next;
}

async function listTasks(
  context: Context,
  client: ApiClient,
  subject: { readonly run: string; readonly job?: string },
  { options }: Call,
): Promise<void> {
  const query = {
    ...(subject.job === undefined ? {} : { job: subject.job }),
    ...(options.only === undefined ? {} : { states: readStates(String(options.only)) }),
    ...(options.repeated === true ? { repeated: true } : {}),
    limit: PAGE,
  };
  const columns: Column<TaskAnswer>[] = [
    { header: 'task', value: (task) => task.task, cut: { to: 16, at: 'middle' } },
    {
      header: 'state',
      value: (task) => task.state,
      paint: (text, task) => paintState(context.style, task.state)(text),
    },
    { header: 'attempts', align: 'right', dropOrder: 2, value: (task) => formatCount(task.attempts) },
    { header: 'time', align: 'right', value: durationOf },
    { header: 'exit', align: 'right', value: (task) => (task.exitCode === null ? '' : String(task.exitCode)) },
    {
      header: 'memory',
      align: 'right',
      dropOrder: 1,
      value: (task) => (task.peakMemoryMib === null ? '' : formatMemory(task.peakMemoryMib)),
    },
    { header: 'reason', value: (task) => task.reason ?? '', cut: { to: 16, at: 'end' } },
  ];
  const all: TaskAnswer[] = [];
  for (let after: string | undefined; ; ) {
    const view = await client.listTasks(subject.run, { ...query, ...(after === undefined ? {} : { after }) });
    all.push(...view.tasks);
    if (view.next === null) break;
    after = view.next;
  }
  printListing(context, {
    view: { schema: 'distributo/tasks/1', tasks: all, next: null },
    rows: all,
    name: (task) => task.task,
    columns,
    empty: 'no such tasks',
  });
}

function readStates(text: string): TaskState[] {
  return text.split(',').map((word) => {
    const state = TASK_STATES.find((one) => one === word.trim());
    if (state === undefined)
      throw refuseUse(`--only: there is no state ${word.trim()}`, `states are ${TASK_STATES.join(', ')}`);
    return state;
  });
}

// `run`: reads a job file, submits it and watches it. The run belongs to the controller; ctrl-c only stops watching.

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { DistributoError } from '../../../domain/errors.ts';
import type { Target } from '../../../domain/job.ts';
import type { InstanceAnswer, RunAnswer, TaskAnswer } from '../../../engine/engine-api.ts';
import type { RunView } from '../../api/answers.ts';
import type { ApiClient } from '../../api/client.ts';
import { awsKeysFor, chooseTarget, openObjects, refuseForRuntime } from '../../compose.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import type { RunDraft } from '../../job-file/parse-job-file.ts';
import { refuseTooLarge } from '../../job-file/submission-checks.ts';
import { uploadItems } from '../../job-file/upload-items.ts';
import { formatCount, formatDeadline, formatMemory, formatQuantity, formatVcpu } from '../../terminal/format.ts';
import { canAsk, confirm } from '../../terminal/question.ts';
import { columnsOf } from '../../terminal/terminal-stream.ts';
import { wrapText } from '../../terminal/text-width.ts';
import type { Call, CommandModule } from '../command.ts';
import { type Context, wantsJson, wantsText } from '../context.ts';
import { runForeground } from '../foreground.ts';
import { ItemUploader } from '../item-uploader.ts';
import { printView, renderNext } from '../print-listing.ts';
import { parseFor, readJobFileText } from '../read-job-file.ts';
import { summariseResults } from '../run-outputs.ts';
import { supplySecrets } from '../supply-secrets.ts';
import { collectTexts, readSubject, readWhole, refuseUse } from '../usage.ts';
import { nextAfter, renderEnd, renderNeeds, restWords, TASKS_IN_FULL, TASKS_SHOWN } from '../views/end-table.ts';
import { exitCodeOfRun } from '../views/task-words.ts';
import { watchRun } from '../watch-run.ts';

export const command: CommandModule = {
  define: (command) =>
    void command
      .argument('[file]', 'a job file; "-" reads standard input')
      .option('--set <name=value>', 'give a parameter a value; may be repeated', collectTexts)
      .option('--runtime <kind>', 'auto, docker, or process (no containers)')
      .option('--on <backend>', 'where tasks run: local')
      .option('--first <count>', 'a trial: only so many tasks, then the rest is offered', readWhole('--first', 1))
      .option('--run-id <key>', 'the same key submits once, however often it is called')
      .option('-d, --detach', 'submit and return')
      .option('-y, --yes', 'answer every question with yes')
      .option('--attach <run>', 'watch a run that was submitted before')
      .option('--foreground', 'no background process: the controller ends with this command')
      .option('--s3-endpoint <url>', 'an S3-compatible server for s3:// addresses'),
  examples: [
    ['distributo run job.yaml', 'submit and watch'],
    ['distributo run job.yaml --set output=s3://bucket/x', 'with a parameter'],
    ['distributo run job.yaml --first 3', 'try three tasks, then decide'],
    ['distributo run --attach screening-7', 'watch again'],
  ],
  async execute(context, call) {
    const { options } = call;
    if (options.attach !== undefined) return attach(context, call, readSubject(String(options.attach)).run);
    if (call.args[0] === undefined)
      throw refuseUse('run wants a job file', 'distributo run job.yaml; distributo init   writes one to start from');
    await configure(context, call);
    if (options.foreground !== true) return submitAndWatch(context, call, await context.connect());
    return runForeground(context, (client) => submitAndWatch(context, call, client));
  },
};

async function configure(context: Context, { options }: Call) {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  return (await context.configure({ on: text('on'), runtime: text('runtime'), s3_endpoint: text('s3Endpoint') }))
    .settings;
}

async function submitAndWatch(context: Context, call: Call, client: ApiClient): Promise<ExitCode> {
  const settings = await configure(context, call);
  const file = await readJobFileText(context, String(call.args[0]));
  const { target, notices } = await chooseTarget({
    env: context.env,
    runtime: settings.runtime,
    s3Endpoint: settings.s3Endpoint,
  });
  const draft = await parseFor(context, file, target, (call.options.set as string[] | undefined) ?? []);
  await refuseForRuntime(draft.spec);
  for (const notice of [...notices, ...draft.notes]) context.warn(notice);
  const machine = await client.inspectTarget(target);
  refuseTooLarge(draft.spec, { label: labelOf(machine, target), capacity: machine.capacity, total: machine.total });
  const view = await submit(context, call, client, draft);
  if (call.options.detach === true) {
    printView(context, view, () => [view.run]);
    context.say(
      renderNext(context, [
        [`distributo run --attach ${view.run}`, 'watch it'],
        [`distributo wait ${view.run}`, 'wait for its end'],
      ]),
    );
    return EXIT.ok;
  }
  context.say(headLines(context, view, labelOf(machine, target), machine));
  return watchToEnd(context, call, client, view.run);
}

const labelOf = (machine: InstanceAnswer, target: Target): string =>
  machine.runtimes.find((runtime) => (target.runtime === 'process') === (runtime.runtimeKey === 'process'))?.label ??
  machine.instanceId;

/** What was submitted and where it goes; on a terminal broken at spaces. */
function headLines(context: Context, view: RunAnswer, label: string, machine: InstanceAnswer): string[] {
  const { run, tasks, jobs, concurrencyMax, deadlineAtMs } = view;
  const size = `${label}, ${formatVcpu(machine.capacity.cpuUnits)} vCPU, ${formatMemory(machine.capacity.memoryMib)}`;
  const inJobs = jobs.length === 1 ? '' : ` in ${jobs.length} jobs`;
  // Of several jobs each has another number.
  const packed = concurrencyMax === null || jobs.length > 1 ? '' : `, ${formatCount(concurrencyMax)} at a time`;
  const deadline =
    deadlineAtMs === null ? '' : `, deadline ${formatDeadline(deadlineAtMs, context.nowMs(), context.time)}`;
  const text = `${run}: ${formatQuantity(tasks.total, 'task')}${inJobs} on this machine (${size})${packed}${deadline}`;
  const [first = '', ...more] = wrapText(text, Math.max(columnsOf(context.stderr) - 2, 40));
  return [first.replace(run, context.messageStyle.bold(run)), ...more.map((line) => `  ${line}`)];
}

async function submit(context: Context, { options }: Call, client: ApiClient, draft: RunDraft) {
  const missing = draft.secretVariables.filter((name) => context.env[name] === undefined);
  if (missing.length > 0) {
    throw new DistributoError(
      'SECRET_UNAVAILABLE',
      `the job file takes secrets from ${missing.join(', ')}, which this shell has not set`,
      { hint: `export ${missing[0]}=… and call the command again` },
    );
  }
  const uploader = new ItemUploader(client);
  const spec = await uploadItems(draft, {
    openFile: (path) => createReadStream(path),
    newItemSetId: randomUUID,
    putItems: uploader.putItems,
  });
  await uploader.finish();
  const keys = await awsKeysFor(spec, context.env);
  const { aws } = spec.target;
  const target = Object.keys(keys).length === 0 ? spec.target : { ...spec.target, aws: { ...aws, hasKeys: true } };
  return client.submitRun({
    spec: { ...spec, target },
    submissionKey: (options.runId as string | undefined) ?? null,
    trialTasks: (options.first as number | undefined) ?? null,
    secretValues: {
      ...Object.fromEntries(draft.secretVariables.map((name) => [name, context.env[name] as string])),
      ...keys,
    },
  });
}

async function attach(context: Context, call: Call, run: string): Promise<ExitCode> {
  const client = await context.connect();
  const view = await client.readRun(run);
  if (view.endedAtMs === null) await supplySecrets(context, client, view);
  return watchToEnd(context, call, client, run);
}

async function watchToEnd(context: Context, call: Call, client: ApiClient, run: string): Promise<ExitCode> {
  const watched = await watchRun(context, client, run);
  if (watched.kind === 'left') return EXIT.interrupted;
  if (watched.kind === 'ended') return tellEnd(context, call, client, watched.run);
  await tellTrial(context, client, watched.run);
  if (!(await wantsRest(context, call, watched.run))) return EXIT.ok;
  await client.release(run);
  return watchToEnd(context, call, client, run);
}

/** The table of a trial shows what its first tasks needed, so that the rest can be sized. */
async function tellTrial(context: Context, client: ApiClient, run: RunView): Promise<void> {
  const { tasks } = await client.listTasks(run.run, {
    states: ['succeeded', 'failed', 'cancelled'],
    limit: TASKS_SHOWN,
  });
  if (wantsText(context))
    context.print([
      ...renderEnd({ run, tasks, results: null, style: context.style, width: context.width, isTrial: true }),
      ...renderNeeds(run),
    ]);
  else context.print(JSON.stringify({ schema: 'distributo/trial/1', run: run.run, tasks }));
}

async function wantsRest(context: Context, { options }: Call, run: RunView): Promise<boolean> {
  const rest = formatQuantity(run.tasks.waiting, 'task');
  if (options.yes === true) return true;
  const streams = { input: context.stdin, output: context.stderr };
  const span = restWords(run);
  const question = `Run the other ${rest}${span === null ? '' : `, ${span}`}?`;
  if (canAsk(streams) && (await confirm(question, run.tasks.failed === 0, streams))) return true;
  context.say(
    renderNext(context, [
      [`distributo resume ${run.run}`, `run the other ${rest}`],
      [`distributo cancel ${run.run}`, 'leave it at that'],
    ]),
  );
  return false;
}

async function tellEnd(context: Context, call: Call, client: ApiClient, run: RunView): Promise<ExitCode> {
  const exitCode = exitCodeOfRun(run);
  if (wantsJson(context)) {
    context.print(
      JSON.stringify({
        schema: 'distributo/run-result/1',
        run: run.run,
        outcome: run.state,
        exitCode,
        tasks: run.tasks,
        startedAtMs: run.startedAtMs,
        finishedAtMs: run.endedAtMs,
        deadlineAtMs: run.deadlineAtMs,
      }),
    );
    return exitCode;
  }
  if (context.options.output === 'name') {
    context.print(run.run);
    return exitCode;
  }
  const tasks = await tasksToShow(client, run);
  const settings = await configure(context, call);
  const objects = await openObjects({ env: context.env, s3Endpoint: settings.s3Endpoint });
  const results =
    run.tasks.succeeded === 0
      ? null
      : await summariseResults({
          client,
          run: run.run,
          succeeded: run.tasks.succeeded,
          directory: context.directory,
          objects,
        });
  context.print(renderEnd({ run, tasks, results, style: context.style, width: context.width }));
  context.say(renderNext(context, nextAfter(run, tasks)));
  return exitCode;
}

async function tasksToShow(client: ApiClient, run: RunView): Promise<readonly TaskAnswer[]> {
  if (run.tasks.total <= TASKS_IN_FULL) return (await client.listTasks(run.run, { limit: TASKS_IN_FULL })).tasks;
  const failed = await client.listTasks(run.run, { states: ['failed'], limit: TASKS_SHOWN });
  const repeated = await client.listTasks(run.run, { repeated: true, limit: TASKS_SHOWN });
  const all = new Map([...failed.tasks, ...repeated.tasks].map((task) => [task.task, task]));
  return [...all.values()].slice(0, TASKS_SHOWN);
}

// `wait`: until runs have ended; the exit code tells how they did.

import type { RunView } from '../../api/answers.ts';
import type { ApiClient } from '../../api/client.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { supplySecrets } from '../supply-secrets.ts';
import { readDuration, readSubject } from '../usage.ts';
import { describeCounts, exitCodeOfRun } from '../views/task-words.ts';

export const command: CommandModule = {
  define: (command) =>
    void command
      .argument('<runs...>', 'names of runs')
      .option('--timeout <span>', 'give up after so long: exit 101', readDuration('--timeout')),
  examples: [
    ['distributo wait screening-7', 'exit 0 only if every task succeeded'],
    ['distributo wait a-1 b-2 --timeout 2h', 'the worst of both decides'],
  ],
  async execute(context, { args, options }) {
    const client = await context.connect();
    const runs = (args[0] as string[]).map((text) => readSubject(text).run);
    const timeoutMs = options.timeout as number | undefined;
    const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const ends = await Promise.all(runs.map((run) => waitForEnd(context, client, run, signal)));
    const exitCode = worst(ends.map(exitCodeOfRun));
    const rows = ends.map(({ run, state, tasks, deadlineMissed, endedAtMs }, at) => ({
      run,
      state,
      exitCode: exitCodeOfRun(ends[at] as RunView),
      tasks,
      deadlineMissed,
      endedAtMs,
    }));
    if (context.options.output === 'json')
      context.print(JSON.stringify({ schema: 'distributo/wait/1', exitCode, runs: rows }));
    else if (context.options.output === 'ndjson') context.print(rows.map((row) => JSON.stringify(row)));
    else if (context.options.output === 'name') context.print(rows.map((row) => row.run));
    else context.print(ends.map((run) => endWords(run, context)));
    return exitCode;
  },
};

function endWords(run: RunView, context: Context): string {
  const state = run.endedAtMs === null ? `has not ended (${run.stateReason ?? run.state})` : run.state;
  return `${run.run} ${state}: ${describeCounts(run.tasks, context.style)}`;
}

async function waitForEnd(
  context: Context,
  client: ApiClient,
  run: string,
  signal: AbortSignal | undefined,
): Promise<RunView> {
  await supplySecrets(context, client, await client.readRun(run));
  let last: RunView | undefined;
  for await (const view of client.watchRun(run, signal === undefined ? {} : { signal })) last = view;
  // Paused runs end their stream too; what the run is now is asked for once more.
  return last?.endedAtMs == null ? client.readRun(run) : last;
}

/** Not ended weighs most, then failed tasks, cancelled, a missed deadline. */
function worst(codes: readonly ExitCode[]): ExitCode {
  const order: ExitCode[] = [EXIT.notFinished, EXIT.someTasksFailed, EXIT.cancelled, EXIT.deadlineMissed];
  return order.find((code) => codes.includes(code)) ?? EXIT.ok;
}

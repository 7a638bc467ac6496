// `ps`: the runs, live ones unless all are asked for.

import type { RunAnswer } from '../../../engine/engine-api.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatCount, formatInstant, formatMoment } from '../../terminal/format.ts';
import { paintState } from '../../terminal/style.ts';
import { alignOf, type Column } from '../../terminal/table.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { printListing } from '../print-listing.ts';
import { supplySecrets } from '../supply-secrets.ts';
import { readWhole } from '../usage.ts';

const LIMIT = 50;

export const command: CommandModule = {
  define: (command) =>
    void command
      .option('-a, --all', 'ended runs too')
      .option('--limit <count>', 'at most so many', readWhole('--limit', 1), LIMIT),
  examples: [
    ['distributo ps', 'what waits or runs'],
    ['distributo ps -a -o json', 'every run, for a program'],
  ],
  async execute(context, { options }) {
    const client = await context.connect();
    const view = await client.listRuns({ all: options.all === true, limit: options.limit as number });
    for (const run of view.runs) await supplySecrets(context, client, run);
    printListing(context, {
      view,
      rows: view.runs,
      name: (run) => run.run,
      columns: columnsFor(context, view.runs),
      wideColumns: [
        {
          header: 'submitted',
          dropOrder: 3,
          value: (run) => formatMoment(run.submittedAtMs, context.nowMs(), context.time),
        },
        { header: 'reason', dropOrder: 4, cut: { to: 16, at: 'end' }, value: (run) => run.stateReason ?? '' },
        { header: 'directory', dropOrder: 5, cut: { to: 20, at: 'middle' }, value: (run) => run.directory },
      ],
      empty:
        options.all === true
          ? 'no runs yet; distributo run FILE starts one'
          : 'no run waits or runs; distributo ps -a lists the ended ones',
    });
    return EXIT.ok;
  },
};

export function columnsFor(context: Context, runs: readonly RunAnswer[]): Column<RunAnswer>[] {
  const done = alignOf(runs.map(({ tasks }) => ({ part: tasks.succeeded, total: tasks.total })));
  const instant = (atMs: number | null): string =>
    atMs === null ? '' : formatInstant(atMs, context.nowMs(), context.time);
  return [
    { header: 'run', value: (run) => run.run, cut: { to: 16, at: 'middle' } },
    { header: 'state', value: (run) => run.state, paint: (text, run) => paintState(context.style, run.state)(text) },
    { header: 'on', dropOrder: 1, value: (run) => run.backend },
    { header: 'done', align: 'right', value: (run) => done[runs.indexOf(run)] as string },
    {
      header: 'fail',
      align: 'right',
      value: (run) => formatCount(run.tasks.failed),
      paint: (text, run) => (run.tasks.failed > 0 ? context.style.red(text) : text),
    },
    { header: 'finish', align: 'right', value: (run) => instant(run.endedAtMs ?? run.finishForecastAtMs) },
    { header: 'due', align: 'right', dropOrder: 2, value: (run) => instant(run.deadlineAtMs) },
  ];
}

// `explain`: what is, why with numbers, what would change it.

import type { ExplainAnswer } from '../../../engine/engine-api.ts';
import { EXIT } from '../../exit-codes.ts';
import {
  formatClock,
  formatCount,
  formatDuration,
  formatMemory,
  formatOrdinal,
  formatVcpu,
} from '../../terminal/format.ts';
import { paintState } from '../../terminal/style.ts';
import { type Column, renderTable } from '../../terminal/table.ts';
import { escapeLine, wrapText } from '../../terminal/text-width.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { printView } from '../print-listing.ts';
import { supplySecrets } from '../supply-secrets.ts';
import { readSubject } from '../usage.ts';

export const command: CommandModule = {
  define: (command) =>
    void command.argument('<subject>', 'a run or a task: screening-7, screening-7/dock/118, screening-7/118'),
  examples: [
    ['distributo explain screening-7', 'what the run and each of its jobs wait for'],
    ['distributo explain screening-7/118', 'why this task waits, failed or was repeated'],
  ],
  async execute(context, { args }) {
    const subject = String(args[0]);
    const { run } = readSubject(subject);
    const client = await context.connect();
    const view = await client.explain(subject);
    await supplySecrets(context, client, await client.readRun(run));
    printView(context, view, () => renderExplain(view, context));
    return EXIT.ok;
  },
};

/** Of sentences; tables may be wider. */
const WIDTH_MAX = 100;

export function renderExplain(view: ExplainAnswer, context: Context): string[] {
  const width = Math.min(context.width, WIDTH_MAX);
  const { style } = context;
  const wrap = (text: string): string[] => wrapText(escapeLine(text), width - 4).map((line) => `  ${line}`);
  const lines = wrapText(escapeLine(view.headline), width);
  if (view.queue !== null)
    lines.push(`It is ${formatOrdinal(view.queue.position)} of ${formatCount(view.queue.of)} that wait in its job.`);
  if (view.asks !== null && view.state === 'waiting') {
    lines.push(
      '',
      `  asks ${formatVcpu(view.asks.cpuUnits)} vCPU, ${formatMemory(view.asks.memoryMib)}${view.asks.gpus > 0 ? `, ${view.asks.gpus} GPU` : ''}`,
    );
  }
  if (view.attempts.length > 0)
    lines.push('', ...renderTable(attemptColumns(context), view.attempts, { width: context.width, style, indent: 2 }));
  // How each attempt ended stands in the table already.
  const because = view.because.filter((line) => view.attempts.length === 0 || !/^attempt \d+: /.test(line));
  if (because.length > 0) lines.push('', style.bold('Why'), ...because.flatMap(wrap));
  if (view.wouldHelp.length > 0)
    lines.push(
      '',
      style.bold('What would change it'),
      ...view.wouldHelp.flatMap((help) =>
        wrap(help).map((line) => (help.startsWith('distributo ') ? style.cyan(line) : line)),
      ),
    );
  return lines;
}

const attemptColumns = (context: Context): Column<ExplainAnswer['attempts'][number]>[] => [
  { header: 'attempt', value: (attempt) => `#${attempt.number}` },
  { header: 'machine', value: (attempt) => attempt.instanceId, dropOrder: 1, cut: { to: 10, at: 'middle' } },
  {
    header: 'from',
    align: 'right',
    value: (attempt) => formatClock(attempt.startedAtMs ?? attempt.createdAtMs, context.time),
  },
  {
    header: 'ran',
    align: 'right',
    value: (attempt) =>
      attempt.end?.startedAtMs == null ? '' : formatDuration(attempt.end.endedAtMs - attempt.end.startedAtMs),
  },
  {
    header: 'peak memory',
    align: 'right',
    dropOrder: 2,
    value: (attempt) => (attempt.end?.peakMemoryMib == null ? '' : formatMemory(attempt.end.peakMemoryMib)),
  },
  {
    header: 'state',
    value: (attempt) => attempt.state,
    paint: (text, attempt) => paintState(context.style, attempt.state)(text),
  },
  { header: 'end', cut: { to: 20, at: 'end' }, value: (attempt) => attempt.end?.reason ?? attempt.activity ?? '' },
];

// What stays when a run has ended: every task where there are few, else those that failed or were repeated and a line a job;
// then the sum, where the results lie, and what can be done next.

import type { JobAnswer, RunAnswer, TaskAnswer } from '../../../engine/engine-api.ts';
import {
  formatCount,
  formatDuration,
  formatMemory,
  formatQuantity,
  formatRoughDuration,
  formatVcpu,
} from '../../terminal/format.ts';
import { paintState, type Style } from '../../terminal/style.ts';
import { type Column, renderTable } from '../../terminal/table.ts';
import { describeCounts } from './task-words.ts';

/** Up to this many tasks every one has its line. */
export const TASKS_IN_FULL = 30;
/** Of a larger run, so many failed or repeated tasks are shown. */
export const TASKS_SHOWN = 20;

export type EndParts = {
  /** A trial: exit codes too, so that the rest can be judged by them. */
  readonly isTrial?: boolean;
  readonly run: RunAnswer;
  /** All tasks of a small run; else failed and repeated ones. */
  readonly tasks: readonly TaskAnswer[];
  /** What `results` found, in words: `./out (9 files, 214 KiB)`; null: the run has no outputs. */
  readonly results: string | null;
  readonly style: Style;
  readonly width: number;
};

export function renderEnd(parts: EndParts): string[] {
  const { run, tasks, style, width } = parts;
  const isSmall = run.tasks.total <= TASKS_IN_FULL;
  const table = tasks.length === 0 ? [] : renderTable(taskColumns(parts), tasks, { width, style, indent: 2 });
  const jobs =
    isSmall && run.jobs.length === 1
      ? []
      : ['', ...renderTable(jobColumns(style), run.jobs, { width, style, indent: 2 })];
  const took =
    run.endedAtMs === null || run.startedAtMs === null ? '' : ` in ${formatDuration(run.endedAtMs - run.startedAtMs)}`;
  const results = parts.results === null ? '' : ` Results: ${parts.results}`;
  return [
    '',
    ...table,
    ...jobs,
    '',
    `  ${describeCounts(run.tasks, style)}${took}.${results}`,
    ...remarks(run, tasks, isSmall, style),
  ];
}

function remarks(run: RunAnswer, tasks: readonly TaskAnswer[], isSmall: boolean, style: Style): string[] {
  const lines: string[] = [];
  if (!isSmall && tasks.length >= TASKS_SHOWN)
    lines.push(
      style.dim(
        `  the first ${TASKS_SHOWN} failed or repeated tasks are shown; all: distributo status ${run.run} --tasks`,
      ),
    );
  if (run.deadlineMissed) lines.push(style.red('  the deadline was missed'));
  return lines;
}

/** Not known of tasks that ended sooner than anybody could look. */
const MEMORY_COLUMN: Column<TaskAnswer> = {
  header: 'memory',
  align: 'right',
  dropOrder: 1,
  value: (task) => (task.peakMemoryMib === null ? '' : formatMemory(task.peakMemoryMib)),
};

const EXIT_COLUMN: Column<TaskAnswer> = {
  header: 'exit',
  align: 'right',
  value: (task) => (task.exitCode === null ? '' : String(task.exitCode)),
};

const taskColumns = ({ run, tasks, style, isTrial }: EndParts): Column<TaskAnswer>[] => [
  { header: 'task', value: (task) => (run.jobs.length === 1 ? String(task.index) : `${task.job}/${task.index}`) },
  { header: 'status', value: (task) => task.state, paint: (text, task) => paintState(style, task.state)(text) },
  { header: 'attempts', align: 'right', value: (task) => formatCount(task.attempts) },
  { header: 'time', align: 'right', value: durationOf },
  ...(tasks.some((task) => task.peakMemoryMib !== null) ? [MEMORY_COLUMN] : []),
  ...(isTrial === true ? [EXIT_COLUMN] : []),
  {
    header: 'reason',
    cut: { to: 20, at: 'end' },
    value: (task) => (task.state === 'succeeded' ? '' : (task.reason ?? '')),
  },
];

export const durationOf = (task: Pick<TaskAnswer, 'startedAtMs' | 'endedAtMs'>): string =>
  task.startedAtMs === null || task.endedAtMs === null ? '' : formatDuration(task.endedAtMs - task.startedAtMs);

export const jobColumns = (style: Style): Column<JobAnswer>[] => [
  { header: 'job', value: (job) => job.name, cut: { to: 12, at: 'middle' } },
  { header: 'tasks', align: 'right', value: (job) => formatCount(job.tasks.total) },
  { header: 'succeeded', align: 'right', value: (job) => formatCount(job.tasks.succeeded) },
  {
    header: 'failed',
    align: 'right',
    value: (job) => formatCount(job.tasks.failed),
    paint: (text, job) => (job.tasks.failed > 0 ? style.red(text) : text),
  },
  { header: 'cancelled', align: 'right', dropOrder: 2, value: (job) => formatCount(job.tasks.cancelled) },
  {
    header: 'repeats',
    align: 'right',
    dropOrder: 1,
    value: (job) => formatCount(job.repeats.interruptions + job.repeats.retries),
  },
  {
    header: 'time a task',
    align: 'right',
    value: (job) => (job.meanDurationMs === null ? '' : formatDuration(job.meanDurationMs)),
  },
];

/** What the first tasks needed against what they asked: how the rest should be sized. */
export function renderNeeds(run: RunAnswer): string[] {
  return run.jobs.flatMap(({ name, resources, peakMemoryMib, meanDurationMs }) => {
    if (meanDurationMs === null) return [];
    const asked = `asks ${formatVcpu(resources.cpuUnits)} vCPU, ${formatMemory(resources.memoryMib)}`;
    const used = peakMemoryMib === null ? '' : `; most memory used ${formatMemory(peakMemoryMib)}`;
    return [`  a task of ${name} ${asked}${used}; ${formatDuration(meanDurationMs)} on average`];
  });
}

/** How long the tasks that still wait would take, in words; null where it cannot be said. */
export function restWords(run: RunAnswer): string | null {
  const [job] = run.jobs;
  if (run.jobs.length !== 1 || job === undefined || job.meanDurationMs === null || run.concurrencyMax === null)
    return null;
  const atOnce = Math.min(run.concurrencyMax, run.tasks.waiting);
  const spanMs = Math.ceil(run.tasks.waiting / atOnce) * job.meanDurationMs;
  return `about ${formatRoughDuration(spanMs)}, ${formatCount(atOnce)} at a time`;
}

/** The commands that make sense after this end. */
export function nextAfter(run: RunAnswer, failed: readonly TaskAnswer[]): [string, string][] {
  const first = failed.find((task) => task.state === 'failed');
  if (run.tasks.failed === 0) {
    return run.tasks.cancelled > 0
      ? [[`distributo retry ${run.run}`, `the ${formatQuantity(run.tasks.cancelled, 'cancelled task')} again`]]
      : [];
  }
  const again = [
    run.tasks.failed === 1 ? 'failed task' : `${formatCount(run.tasks.failed)} failed tasks`,
    ...(run.tasks.cancelled > 0 ? [`the ${formatCount(run.tasks.cancelled)} cancelled`] : []),
  ];
  const which = `only the ${again.join(' and ')} again`;
  if (first === undefined) return [[`distributo retry ${run.run}`, which]];
  return [
    [`distributo logs ${first.task}`, 'what it printed'],
    [`distributo explain ${first.task}`, 'why it failed and what would help'],
    [`distributo retry ${run.run}`, which],
  ];
}

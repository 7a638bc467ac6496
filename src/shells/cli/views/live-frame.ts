// The picture of a run while it goes on: counts, a bar a job, when it ends, the machine and how it is packed, what is under
// way, the last events. Grows no further than that, and gives up the least needed lines first where the terminal is low.

import type { EventAnswer, InstanceAnswer, JobAnswer, RunDetailAnswer } from '../../../engine/engine-api.ts';
import { barParts, drawPacking, freeFill, jobFill, otherFill } from '../../terminal/bars.ts';
import {
  formatClock,
  formatClockSpan,
  formatCount,
  formatMemory,
  formatMoment,
  formatPercent,
  formatQuantity,
  formatRate,
  formatRoughDuration,
  formatVcpu,
  type TimeStyle,
  zoneLabel,
} from '../../terminal/format.ts';
import type { Style } from '../../terminal/style.ts';
import {
  cutMiddle,
  cutStyledLine,
  escapeLine,
  padEnd,
  padStart,
  stripStyle,
  textWidth,
} from '../../terminal/text-width.ts';
import { describeEvent, mergeRepeats } from './event-line.ts';
import { timeParts } from './task-words.ts';

export type FrameContext = {
  readonly style: Style;
  readonly time: TimeStyle;
  readonly nowMs: number;
  readonly columns: number;
  /** At most so many lines. */
  readonly rows: number;
};

const EVENTS_SHOWN = 4;
const UNDER_WAY_SHOWN = 3;
const NAME_WIDTH_MAX = 20;
/** Below this a line has no room for a bar beside its figures. */
const BARS_FROM_COLUMNS = 60;
const BAR_WIDTHS = [40, 32, 24, 16] as const;
const BAR_WIDTH_MIN = 12;

export function drawRunFrame(run: RunDetailAnswer, context: FrameContext): string[] {
  const label = labelFor(run.jobs, context);
  const { style } = context;
  const finish = timeParts(run, context).flatMap((part) =>
    context.columns < BARS_FROM_COLUMNS ? part.replace(/, in .*/, '').split(', ') : part,
  );
  const parts: Parts = {
    head: [headLine(run, context), ...countsLines(run, label, context)],
    jobs: drawJobs(run.jobs, label, context),
    finish: finish.length === 0 ? [] : breakParts(label, 'finish', finish, context.columns),
    warnings: run.warnings
      .filter((warning) => !/^[\d,]+ tasks? failed$/.test(warning))
      .map((warning) => `  ${style.yellow(`${style.sign.warning} ${warning}`)}`),
    machine: run.instances.flatMap((instance) => drawMachine(run, instance, label, context)),
    now: underWay(run, label, context),
    events: mergeRepeats(run.recentEvents.filter(isTold))
      .slice(-EVENTS_SHOWN)
      .map((event) => eventLine(event, run.run, context)),
    foot: [
      style.dim(`  ctrl-c leaves it running ${style.sign.separator} distributo explain ${run.run} says what waits`),
    ],
  };
  // What has no room ends with a sign that says so.
  return fitParts(parts, context.rows).map((line) => cutStyledLine(line, context.columns, style.sign.ellipsis));
}

type Parts = {
  [Section in 'head' | 'jobs' | 'finish' | 'warnings' | 'machine' | 'now' | 'events' | 'foot']: readonly string[];
};

/** With air between the parts where there is room; else the least needed go first, and at last the jobs fold. */
function fitParts(parts: Parts, rows: number): string[] {
  const whole = (): string[] => [...parts.head, ...parts.jobs, ...parts.finish, ...parts.warnings];
  const tail = (): string[][] => [
    [...parts.machine, ...parts.now],
    [...parts.events, ...parts.foot],
  ];
  const airy = [whole(), ...tail()]
    .filter((part) => part.length > 0)
    .flatMap((part, at) => (at === 0 ? part : ['', ...part]));
  if (airy.length <= rows) return airy;
  const shrinkings: readonly (() => void)[] = [
    () => {
      parts.foot = [];
    },
    () => {
      parts.events = parts.events.slice(-2);
    },
    () => {
      parts.now = parts.now.slice(0, 1);
    },
    () => {
      parts.machine = parts.machine.slice(-2);
    },
    () => {
      parts.now = [];
    },
    () => {
      parts.machine = [];
    },
    () => {
      parts.events = [];
    },
  ];
  const lines = (): string[] => [...whole(), ...tail().flat()];
  for (const shrink of shrinkings) {
    if (lines().length <= rows) return lines();
    shrink();
  }
  const over = lines().length - rows;
  if (over > 0 && parts.jobs.length > over) {
    const kept = parts.jobs.slice(0, -(over + 1));
    const folded = formatQuantity(parts.jobs.length - kept.length, kept.length === 0 ? 'job' : 'more job');
    parts.jobs = [...kept, `  ${folded}`];
  }
  return lines();
}

type Label = (text: string) => string;

/** The first column: words of the view and names of jobs alike. */
function labelFor(jobs: readonly JobAnswer[], { style, columns }: FrameContext): Label {
  const most = columns < BARS_FROM_COLUMNS ? 12 : NAME_WIDTH_MAX;
  const width = Math.min(Math.max('machine'.length, ...jobs.map((job) => textWidth(job.name))), most);
  return (text) => `  ${padEnd(cutMiddle(text, width, style.sign.ellipsis), width)}  `;
}

function headLine(run: RunDetailAnswer, { style, nowMs, time, columns }: FrameContext): string {
  const since = formatClockSpan(nowMs - (run.startedAtMs ?? run.submittedAtMs));
  const reason = run.stateReason === null ? '' : `: ${run.stateReason}`;
  const left = `${style.bold(run.run)}  ${style.sign.running} ${run.state} ${since}${reason}`;
  const clock = `${formatClock(nowMs, time)} ${zoneLabel(nowMs, time)}`;
  const room = columns - textWidth(stripStyle(left)) - clock.length;
  return room < 2 ? left : `${left}${' '.repeat(room)}${style.dim(clock)}`;
}

function countsLines({ tasks, ...run }: RunDetailAnswer, label: Label, context: FrameContext): string[] {
  const { style, nowMs, columns } = context;
  const parts = [
    `${style.bold(formatCount(tasks.succeeded))} of ${formatCount(tasks.total)} done`,
    `${formatCount(tasks.running)} running`,
    `${formatCount(tasks.waiting)} waiting`,
  ];
  if (tasks.failed > 0) parts.push(style.red(`${formatCount(tasks.failed)} failed`));
  if (tasks.cancelled > 0) parts.push(style.yellow(`${formatCount(tasks.cancelled)} cancelled`));
  const ended = tasks.succeeded + tasks.failed;
  const seconds = run.startedAtMs === null ? 0 : (nowMs - run.startedAtMs) / 1000;
  if (ended > 0 && seconds >= 1) parts.push(style.dim(formatRate(ended / seconds)));
  return breakParts(label, 'tasks', parts, columns);
}

/** Parts of one line, three spaces between; what does not fit goes on under the first. */
function breakParts(label: Label, name: string, parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  let line = label(name) + (parts[0] ?? '');
  for (const part of parts.slice(1)) {
    if (textWidth(stripStyle(line)) + 3 + textWidth(stripStyle(part)) > columns) {
      lines.push(line);
      line = label('') + part;
    } else line += `   ${part}`;
  }
  return [...lines, line];
}

function drawJobs(jobs: readonly JobAnswer[], label: Label, context: FrameContext): string[] {
  const { style, columns } = context;
  const widest = Math.max(...jobs.map((job) => formatCount(job.tasks.total).length));
  const widestDone = Math.max(...jobs.map((job) => formatCount(job.tasks.succeeded).length));
  const rows = jobs.map((job) => ({ job, notes: notesOf(job, context) }));
  const widestNotes = Math.max(...rows.map(({ notes }) => textWidth(stripStyle(notes))));
  const room = columns - textWidth(label('')) - widest - widestDone - 6 - widestNotes;
  // In steps, so that the bars do not breathe with every word beside them.
  const barWidth = columns < BARS_FROM_COLUMNS ? 0 : (BAR_WIDTHS.find((width) => width <= room) ?? BAR_WIDTH_MIN);
  return rows.map(({ job, notes }, ordinal) => {
    const { succeeded, total } = job.tasks;
    const { done, rest } = barParts(style, succeeded / total, barWidth);
    const bar = barWidth === 0 ? '' : `${style.job(ordinal, done)}${style.dim(rest)}  `;
    const counts = `${padStart(formatCount(succeeded), widestDone)} of ${padStart(formatCount(total), widest)}`;
    return label(job.name) + bar + counts + notes;
  });
}

function notesOf(job: JobAnswer, { style, nowMs, time, columns }: FrameContext): string {
  const { failed, running } = job.tasks;
  const finishAtMs = columns < BARS_FROM_COLUMNS ? null : jobFinish(job, nowMs);
  return [
    '',
    ...(finishAtMs === null ? [] : [`finish ${formatMoment(finishAtMs, nowMs, time)}`]),
    ...(failed > 0 ? [style.red(`${formatCount(failed)} failed`)] : []),
    ...(running === 0 && job.waitsFor !== null ? [style.dim(`waits for ${job.waitsFor.text}`)] : []),
  ].join('   ');
}

/** At the pace of what runs now; null before one task has ended and after the last. */
function jobFinish(job: JobAnswer, nowMs: number): number | null {
  const { running, waiting } = job.tasks;
  if (job.meanDurationMs === null || running === 0) return null;
  return nowMs + (job.meanDurationMs * (waiting + running / 2)) / running;
}

/** What this run holds of the machine, job by job; what others hold; what is free. */
function drawMachine(run: RunDetailAnswer, instance: InstanceAnswer, label: Label, context: FrameContext): string[] {
  const { style, columns } = context;
  const width = Math.max(8, Math.min(40, columns - textWidth(label('')) - 34));
  const { capacity, free } = instance;
  const strip = (name: string, of: (job: JobAnswer) => number, used: number, all: number, text: string): string => {
    const own = run.jobs.map((job, ordinal) => ({ ordinal, amount: job.tasks.running * of(job) }));
    const ours = own.reduce((sum, part) => sum + part.amount, 0);
    const parts = [...own, { ordinal: 'other' as const, amount: Math.max(used - ours, 0) }];
    const percent = all === 0 ? '-' : formatPercent(used / all);
    return `${label(name)}${drawPacking(style, parts, all, width)}  ${padStart(percent, 5)}  ${style.dim(text)}`;
  };
  const cpu = capacity.cpuUnits - free.cpuUnits;
  const memory = capacity.memoryMib - free.memoryMib;
  return [
    label('machine') + legend(run, cpu, style),
    strip(
      'cpu',
      (job) => job.resources.cpuUnits,
      cpu,
      capacity.cpuUnits,
      `${formatVcpu(cpu)} of ${formatVcpu(capacity.cpuUnits)} vCPU`,
    ),
    strip(
      'memory',
      (job) => job.resources.memoryMib,
      memory,
      capacity.memoryMib,
      `${formatMemory(memory)} of ${formatMemory(capacity.memoryMib)}`,
    ),
  ];
}

/** Which fill is whose; of many jobs only those that hold something now. */
function legend(run: RunDetailAnswer, usedCpuUnits: number, style: Style): string {
  const ours = run.jobs.reduce((sum, job) => sum + job.tasks.running * job.resources.cpuUnits, 0);
  const holding = run.jobs
    .map((job, ordinal) => ({ job, ordinal }))
    .filter(({ job }) => job.tasks.running > 0)
    .slice(0, 6)
    .map(
      ({ job, ordinal }) =>
        `${style.job(ordinal, jobFill(style, ordinal))} ${cutMiddle(job.name, 16, style.sign.ellipsis)}`,
    );
  if (usedCpuUnits > ours) holding.push(style.dim(`${otherFill(style)} other runs`));
  return [...holding, style.dim(`${freeFill(style)} free`)].join('  ');
}

/** What is not simply running: pulling an image, bringing inputs. Tasks that do the same share a line. */
function underWay(run: RunDetailAnswer, label: Label, { style, nowMs }: FrameContext): string[] {
  const groups = new Map<string, { readonly task: string; readonly sinceMs: number; tasks: number }>();
  for (const { task, activity, sinceMs } of run.active) {
    if (activity === 'running') continue;
    const group = groups.get(activity);
    if (group === undefined) groups.set(activity, { task: task.slice(run.run.length + 1), sinceMs, tasks: 1 });
    else group.tasks += 1;
  }
  const lines = [...groups].slice(0, UNDER_WAY_SHOWN).map(([activity, { task, sinceMs, tasks }], at) => {
    const others = tasks === 1 ? '' : ` and ${formatCount(tasks - 1)} more`;
    const since = formatRoughDuration(nowMs - sinceMs);
    return `${label(at === 0 ? 'now' : '')}${task}${others} ${escapeLine(activity)}, ${since}`;
  });
  const more = groups.size - UNDER_WAY_SHOWN;
  return more > 0 ? [...lines, style.dim(`${label('')}and ${formatQuantity(more, 'other thing')}`)] : lines;
}

/** Starts and plain ends are counted above; what a person would act on is told. */
const isTold = ({ kind, state }: EventAnswer): boolean =>
  kind === 'attempt-state' || kind === 'job-state'
    ? state !== 'starting' && state !== 'running' && state !== 'succeeded' && state !== 'waiting'
    : kind !== 'run-submitted' && !(kind === 'run-state' && state === 'running');

const eventLine = (event: EventAnswer, run: string, { style, time }: FrameContext): string =>
  `  ${style.dim(formatClock(event.atMs, time))} ${describeEvent(event, style, run)}`;

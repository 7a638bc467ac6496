// The picture of a run while it goes on: counts, a bar a job, the machine and how it is packed, what is under way, the last
// events. Grows no further than that.

import type { EventAnswer, InstanceAnswer, JobAnswer, RunDetailAnswer } from '../../../engine/engine-api.ts';
import { barParts, drawPacking } from '../../terminal/bars.ts';
import {
  formatClock,
  formatClockSpan,
  formatCount,
  formatMemory,
  formatMoment,
  formatPercent,
  formatRate,
  formatRoughDuration,
  formatVcpu,
  type TimeStyle,
  zoneLabel,
} from '../../terminal/format.ts';
import type { Style } from '../../terminal/style.ts';
import { cutMiddle, padEnd, padStart } from '../../terminal/text-width.ts';
import { describeEvent } from './event-line.ts';

export type FrameContext = {
  readonly style: Style;
  readonly time: TimeStyle;
  readonly nowMs: number;
  readonly columns: number;
};

const EVENTS_SHOWN = 4;
const UNDER_WAY_SHOWN = 3;

export function drawRunFrame(run: RunDetailAnswer, context: FrameContext): string[] {
  const { style, nowMs } = context;
  const since = formatClockSpan(nowMs - (run.startedAtMs ?? run.submittedAtMs));
  const head = `${style.bold(run.run)}  ${style.sign.running} ${run.state} ${since}`;
  return [
    head + (run.stateReason === null ? '' : style.dim(`  ${run.stateReason}`)),
    `  ${countsLine(run, context)}`,
    ...drawJobs(run.jobs, context),
    ...finishLine(run, context),
    ...run.instances.flatMap((instance) => drawMachine(run, instance, context)),
    ...run.warnings.map((warning) => `  ${style.yellow(`${style.sign.warning} ${warning}`)}`),
    ...underWay(run, context),
    ...run.recentEvents
      .filter(isTold)
      .slice(-EVENTS_SHOWN)
      .map((event) => eventLine(event, context)),
    style.dim(`  ctrl-c leaves it running ${style.sign.separator} distributo status ${run.run} from anywhere`),
  ];
}

function countsLine({ tasks, ...run }: RunDetailAnswer, { style, nowMs }: FrameContext): string {
  const ended = tasks.succeeded + tasks.failed + tasks.cancelled;
  const parts = [
    `${style.bold(formatCount(ended))} of ${formatCount(tasks.total)} done`,
    `${formatCount(tasks.running)} running`,
    `${formatCount(tasks.waiting)} waiting`,
  ];
  if (tasks.failed > 0) parts.push(style.red(`${formatCount(tasks.failed)} failed`));
  if (tasks.cancelled > 0) parts.push(style.yellow(`${formatCount(tasks.cancelled)} cancelled`));
  const seconds = run.startedAtMs === null ? 0 : (nowMs - run.startedAtMs) / 1000;
  if (ended > 0 && seconds >= 1) parts.push(style.dim(formatRate(ended / seconds)));
  return parts.join('   ');
}

function drawJobs(jobs: readonly JobAnswer[], { style, columns }: FrameContext): string[] {
  const nameWidth = Math.min(Math.max(...jobs.map((job) => job.name.length)), 24);
  const widest = formatCount(Math.max(...jobs.map((job) => job.tasks.total))).length;
  const barWidth = Math.max(10, Math.min(40, columns - nameWidth - 2 * widest - 32));
  return jobs.map((job, ordinal) => {
    const ended = job.tasks.succeeded + job.tasks.failed + job.tasks.cancelled;
    const { done, rest } = barParts(style, ended / job.tasks.total, barWidth);
    const counts = `${padStart(formatCount(ended), widest)} of ${padStart(formatCount(job.tasks.total), widest)}`;
    const waits =
      job.tasks.running === 0 && job.waitsFor !== null ? style.dim(`   waits for ${job.waitsFor.text}`) : '';
    const failed = job.tasks.failed > 0 ? style.red(`   ${formatCount(job.tasks.failed)} failed`) : '';
    const name = padEnd(cutMiddle(job.name, nameWidth, style.sign.ellipsis), nameWidth);
    return `  ${name}  ${style.job(ordinal, done)}${style.dim(rest)}  ${counts}${failed}${waits}`;
  });
}

function finishLine(run: RunDetailAnswer, { time, nowMs, style }: FrameContext): string[] {
  const parts: string[] = [];
  if (run.finishForecastAtMs !== null) {
    const left = formatRoughDuration(Math.max(run.finishForecastAtMs - nowMs, 0));
    parts.push(
      `finish about ${formatMoment(run.finishForecastAtMs, nowMs, time)} ${zoneLabel(nowMs, time)}, in ${left}`,
    );
  }
  if (run.deadlineAtMs !== null) {
    const forecast = run.finishForecastAtMs ?? nowMs;
    const spare = run.deadlineAtMs - forecast;
    const words = `deadline ${formatMoment(run.deadlineAtMs, nowMs, time)}, ${formatRoughDuration(Math.abs(spare))} ${spare >= 0 ? 'to spare' : 'late'}`;
    parts.push(spare >= 0 ? words : style.red(words));
  }
  return parts.length === 0 ? [] : [`  ${parts.join('   ')}`];
}

/** What this run holds of the machine, job by job; what others hold; what is free. */
function drawMachine(run: RunDetailAnswer, instance: InstanceAnswer, { style, columns }: FrameContext): string[] {
  const width = Math.max(10, Math.min(40, columns - 46));
  const strip = (
    name: string,
    of: (job: JobAnswer) => number,
    used: number,
    capacity: number,
    text: string,
  ): string => {
    const parts = run.jobs.map((job, ordinal) => ({ ordinal, amount: job.tasks.running * of(job) }));
    const own = parts.reduce((sum, part) => sum + part.amount, 0);
    const all = [...parts, { ordinal: 'other' as const, amount: Math.max(used - own, 0) }];
    const percent = capacity === 0 ? '-' : formatPercent(used / capacity);
    return `  ${name}  ${drawPacking(style, all, capacity, width)}  ${padStart(percent, 5)}  ${style.dim(text)}`;
  };
  const { capacity, free } = instance;
  const cpu = capacity.cpuUnits - free.cpuUnits;
  const memory = capacity.memoryMib - free.memoryMib;
  return [
    strip(
      'cpu',
      (job) => job.resources.cpuUnits,
      cpu,
      capacity.cpuUnits,
      `${formatVcpu(cpu)} of ${formatVcpu(capacity.cpuUnits)} vCPU given out`,
    ),
    strip(
      'mem',
      (job) => job.resources.memoryMib,
      memory,
      capacity.memoryMib,
      `${formatMemory(memory)} of ${formatMemory(capacity.memoryMib)}`,
    ),
  ];
}

/** What is not simply running: pulling an image, bringing inputs. */
function underWay(run: RunDetailAnswer, { style, nowMs }: FrameContext): string[] {
  const special = run.active.filter((one) => one.activity !== 'running');
  const lines = special
    .slice(0, UNDER_WAY_SHOWN)
    .map((one) => `  ${style.dim(`${one.task}  ${one.activity}, ${formatRoughDuration(nowMs - one.sinceMs)}`)}`);
  const more = special.length - UNDER_WAY_SHOWN;
  return more > 0 ? [...lines, style.dim(`  and ${formatCount(more)} more`)] : lines;
}

/** Starts and plain ends are counted above; what a person would act on is told. */
const isTold = (event: EventAnswer): boolean =>
  event.kind !== 'attempt-state' ||
  (event.state !== 'starting' && event.state !== 'running' && event.state !== 'succeeded');

const eventLine = (event: EventAnswer, { style, time }: FrameContext): string =>
  `  ${style.dim(formatClock(event.atMs, time))} ${describeEvent(event, style)}`;

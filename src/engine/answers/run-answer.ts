// A run as shells see it, from the world while it lives and from the history once it has ended.

import { runName } from '../../domain/ids.ts';
import { RESOURCE_DIMENSIONS, type Resources } from '../../domain/resources.ts';
import type { JobRecord, Run, TaskCounts } from '../../domain/run.ts';
import { isRunEnded, type TaskState } from '../../domain/states.ts';
import type { JobSummary } from '../../ports/store.ts';
import { missingSecrets } from '../decide.ts';
import type { InstanceAnswer, JobAnswer, RunAnswer, WaitReason } from '../engine-api.ts';
import type { Instance, LiveJob, LiveRun, RuntimeSlot, World } from '../world.ts';

const NO_TASKS: TaskCounts = { total: 0, waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };

export const addCounts = (all: readonly TaskCounts[]): TaskCounts =>
  all.reduce(
    (sum, one) => ({
      total: sum.total + one.total,
      waiting: sum.waiting + one.waiting,
      running: sum.running + one.running,
      succeeded: sum.succeeded + one.succeeded,
      failed: sum.failed + one.failed,
      cancelled: sum.cancelled + one.cancelled,
    }),
    NO_TASKS,
  );

/** What is the same for live and ended runs. */
function commonAnswer(
  run: Run,
  nowMs: number,
): Omit<
  RunAnswer,
  'tasks' | 'jobs' | 'runtimeLabel' | 'runtimeCaveats' | 'finishForecastAtMs' | 'concurrencyMax' | 'secretsMissing'
> {
  const deadlineAtMs = run.spec.deadlineAtMs;
  return {
    id: run.id,
    run: runName(run.name, run.number),
    state: run.state,
    stateReason: run.stateReason ?? (run.cancelledBy === null ? null : `cancelled by ${run.cancelledBy}`),
    backend: run.spec.target.backend,
    submittedAtMs: run.submittedAtMs,
    startedAtMs: run.startedAtMs,
    endedAtMs: run.endedAtMs,
    deadlineAtMs,
    deadlineMissed: deadlineAtMs !== null && (run.endedAtMs ?? nowMs) > deadlineAtMs,
    trialTasks: run.trialTasks,
    labels: run.spec.labels,
    directory: run.spec.source.directory,
  };
}

export function describeLiveRun(world: World, run: LiveRun, nowMs: number): RunAnswer {
  const slot = world.slotOf(run.run);
  const jobs = run.jobs.map(describeLiveJob);
  return {
    ...commonAnswer(run.run, nowMs),
    runtimeLabel: slot?.description?.label ?? null,
    runtimeCaveats: slot?.description?.caveats ?? [],
    tasks: addCounts(jobs.map((job) => job.tasks)),
    jobs,
    finishForecastAtMs: forecastFinish(run, slot, nowMs),
    concurrencyMax: mostAtOnce(slot, run),
    secretsMissing: [...new Set(run.jobs.flatMap((job) => missingSecrets(run, job)))],
  };
}

const STILL_DECIDING: WaitReason = { kind: 'deciding', text: 'the next decision', help: null };

function describeLiveJob(job: LiveJob): JobAnswer {
  const tasks = job.tasks.counts();
  const { stats } = job;
  return {
    name: job.record.spec.name,
    state: job.state,
    tasks,
    waitsFor: tasks.waiting === 0 ? null : (job.waitsFor ?? STILL_DECIDING),
    repeats: { interruptions: stats.interruptions, retries: stats.retries },
    meanDurationMs: stats.durations === 0 ? null : Math.round(stats.durationMsSum / stats.durations),
    peakMemoryMib: stats.peakMemoryMib,
    resources: job.record.spec.resources,
  };
}

/**
 * What is left, as work: mean duration × tasks left ÷ how many fit at once, summed over the jobs, since they share the
 * machine. Where tasks wait and others hold a part of it, what this run holds now is its pace. null where a job's duration
 * is not known yet, and where the rest waits for a person.
 */
function forecastFinish(run: LiveRun, slot: RuntimeSlot | undefined, nowMs: number): number | null {
  if (isRunEnded(run.run.state) || run.run.state === 'stopped' || run.run.trialTasks !== null) return null;
  let workMs = 0;
  let held = 0;
  let hasWaiting = false;
  let lastMs = 0;
  for (const job of run.jobs) {
    const { waiting, running } = job.tasks.counts();
    if (waiting + running === 0) continue;
    const { stats } = job;
    const meanMs = stats.durations > 0 ? stats.durationMsSum / stats.durations : job.record.spec.estimateDurationMs;
    const atOnce = slot === undefined ? null : atOnceOf(slot, job);
    if (meanMs === null || atOnce === null || atOnce < 1) return null;
    workMs += (meanMs * (waiting + running / 2)) / atOnce;
    held += running / atOnce;
    hasWaiting ||= waiting > 0;
    lastMs = Math.max(lastMs, running > 0 ? meanMs / 2 : meanMs);
  }
  const pace = hasWaiting && held > 0 ? Math.min(held, 1) : 1;
  return Math.round(nowMs + Math.max(workMs / pace, lastMs));
}

function mostAtOnce(slot: RuntimeSlot | undefined, run: LiveRun): number | null {
  const job = run.jobs.find((one) => !isRunEnded(one.state)) ?? run.jobs[0];
  return slot === undefined || job === undefined ? null : atOnceOf(slot, job);
}

/** How many tasks of a job the machine takes at once; null while its size is not known. */
function atOnceOf(slot: RuntimeSlot, job: LiveJob): number | null {
  if (slot.description == null) return null;
  const { capacity } = slot.description;
  const demand: Resources = job.record.spec.resources;
  const fits = RESOURCE_DIMENSIONS.filter((dimension) => demand[dimension] > 0).map((dimension) =>
    Math.floor(capacity[dimension] / demand[dimension]),
  );
  const byPorts = job.record.spec.container.ports.length > 0 ? 1 : Number.POSITIVE_INFINITY;
  return Math.min(...fits, byPorts, job.record.spec.taskCount);
}

export function describeEndedRun(
  run: Run,
  jobs: readonly JobRecord[],
  counts: ReadonlyMap<number, Readonly<Record<TaskState, number>>>,
  summaries: ReadonlyMap<number, JobSummary>,
  nowMs: number,
): RunAnswer {
  const answers = jobs.map((job): JobAnswer => {
    const states = counts.get(job.id);
    const summary = summaries.get(job.id);
    return {
      name: job.spec.name,
      state: job.state,
      tasks: { ...NO_TASKS, ...states, total: job.spec.taskCount },
      waitsFor: null,
      repeats: { interruptions: summary?.interruptions ?? 0, retries: summary?.retries ?? 0 },
      meanDurationMs: summary?.meanDurationMs ?? null,
      peakMemoryMib: summary?.peakMemoryMib ?? null,
      resources: job.spec.resources,
    };
  });
  return {
    ...commonAnswer(run, nowMs),
    runtimeLabel: null,
    runtimeCaveats: [],
    tasks: addCounts(answers.map((job) => job.tasks)),
    jobs: answers,
    finishForecastAtMs: null,
    concurrencyMax: null,
    secretsMissing: [],
  };
}

export function describeInstance(world: World, instance: Instance): InstanceAnswer {
  const slots = [...world.runtimes.values()].filter((slot) => slot.description?.instanceId === instance.instanceId);
  return {
    instanceId: instance.instanceId,
    state: instance.state,
    stateReason: instance.stateReason,
    capacity: instance.capacity,
    free: instance.free,
    total: instance.total,
    attempts: instance.attempts.size,
    runtimes: slots.map((slot) => ({
      runtimeKey: slot.key,
      label: slot.description?.label ?? slot.key,
      isReachable: slot.status !== 'unreachable',
      caveats: slot.description?.caveats ?? [],
    })),
  };
}

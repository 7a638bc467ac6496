// Answers of the engine for views: one run of three jobs that is under way, with what a test changes.

import type { EventAnswer, JobAnswer, RunDetailAnswer, TaskAnswer } from '../../src/engine/engine-api.ts';

/** 2026-11-24 14:10:00 UTC. */
export const NOW_MS = Date.UTC(2026, 10, 24, 14, 10);
const MINUTE_MS = 60_000;

export const aJobAnswer = (
  name: string,
  [succeeded, running, waiting, failed]: readonly [number, number, number, number],
  change: Partial<JobAnswer> = {},
): JobAnswer => ({
  name,
  state: 'running',
  tasks: { total: succeeded + running + waiting + failed, succeeded, running, waiting, failed, cancelled: 0 },
  waitsFor: waiting === 0 ? null : { kind: 'room', text: 'a free place on this machine', help: null },
  repeats: { interruptions: 0, retries: 0 },
  meanDurationMs: succeeded === 0 ? null : 64_000,
  peakMemoryMib: null,
  resources: { cpuUnits: 1024, memoryMib: 1000, diskMib: 0, gpus: 0 },
  ...change,
});

export function aRunView(jobs: readonly JobAnswer[], change: Partial<RunDetailAnswer> = {}): RunDetailAnswer {
  const sum = (of: keyof JobAnswer['tasks']): number => jobs.reduce((total, job) => total + job.tasks[of], 0);
  const held = (of: 'cpuUnits' | 'memoryMib'): number =>
    jobs.reduce((total, job) => total + job.tasks.running * job.resources[of], 0);
  const capacity = { cpuUnits: 8 * 1024, memoryMib: 15_770, diskMib: 100_000, gpus: 0 };
  return {
    id: 7,
    run: 'screening-7',
    state: 'running',
    stateReason: null,
    backend: 'local',
    runtimeLabel: 'Docker 27.5',
    runtimeCaveats: [],
    submittedAtMs: NOW_MS - 131 * MINUTE_MS,
    startedAtMs: NOW_MS - 130 * MINUTE_MS,
    endedAtMs: null,
    deadlineAtMs: null,
    deadlineMissed: false,
    finishForecastAtMs: null,
    tasks: {
      total: sum('total'),
      succeeded: sum('succeeded'),
      running: sum('running'),
      waiting: sum('waiting'),
      failed: sum('failed'),
      cancelled: sum('cancelled'),
    },
    jobs,
    concurrencyMax: 8,
    trialTasks: null,
    secretsMissing: [],
    labels: {},
    directory: '/home/ada/screening',
    instances: [
      {
        instanceId: 'this-machine',
        state: 'ready',
        stateReason: null,
        capacity,
        free: {
          ...capacity,
          cpuUnits: capacity.cpuUnits - held('cpuUnits'),
          memoryMib: capacity.memoryMib - held('memoryMib'),
        },
        total: capacity,
        attempts: sum('running'),
        runtimes: [],
      },
    ],
    recentEvents: [],
    active: [],
    warnings: [],
    ...change,
  };
}

/** The three jobs of the example that the pictures show. */
export const screening = (change: Partial<RunDetailAnswer> = {}): RunDetailAnswer =>
  aRunView(
    [
      aJobAnswer('dock', [2487, 2, 3911, 0], {
        meanDurationMs: 6_000,
        resources: { cpuUnits: 2048, memoryMib: 3500, diskMib: 0, gpus: 0 },
      }),
      aJobAnswer('embed', [1171, 1, 2108, 0], {
        meanDurationMs: 5_500,
        resources: { cpuUnits: 1024, memoryMib: 7000, diskMib: 0, gpus: 0 },
      }),
      aJobAnswer('render', [5236, 2, 8260, 2], {
        meanDurationMs: 2_900,
        resources: { cpuUnits: 512, memoryMib: 512, diskMib: 0, gpus: 0 },
      }),
    ],
    {
      deadlineAtMs: NOW_MS + 230 * MINUTE_MS,
      finishForecastAtMs: NOW_MS + 201 * MINUTE_MS,
      warnings: ['2 tasks failed', 'memory limits are not kept by this engine'],
      active: [{ task: 'screening-7/dock/2488', activity: 'pulling the image dock:2.3', sinceMs: NOW_MS - 12_000 }],
      recentEvents: [
        anEvent({ sequence: 1, atMs: NOW_MS - 400_000, state: 'succeeded', subject: 'screening-7/dock/1#1' }),
        anEvent({
          sequence: 2,
          atMs: NOW_MS - 305_000,
          state: 'failed',
          reason: 'exit 1: "frame file is empty"',
          subject: 'screening-7/render/118#2',
        }),
        anEvent({
          sequence: 3,
          atMs: NOW_MS - 30_000,
          kind: 'task-requeued',
          reason: 'interrupted, the engine was restarted',
          subject: 'screening-7/dock/2470',
        }),
      ],
      ...change,
    },
  );

export const anEvent = (change: Partial<EventAnswer>): EventAnswer => ({
  sequence: 1,
  atMs: NOW_MS,
  kind: 'attempt-state',
  runId: 7,
  jobId: 1,
  taskIndex: 118,
  attemptSequence: change.sequence ?? 1,
  state: null,
  reason: null,
  subject: null,
  ...change,
});

export const aTaskAnswer = (index: number, change: Partial<TaskAnswer> = {}): TaskAnswer => ({
  task: `screening-7/render/${index}`,
  job: 'render',
  index,
  state: 'succeeded',
  attempts: 1,
  startedAtMs: NOW_MS - 64_000,
  endedAtMs: NOW_MS,
  exitCode: 0,
  peakMemoryMib: 61,
  reason: null,
  ...change,
});

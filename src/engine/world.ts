// What the engine knows, in memory: unfinished runs with their jobs, live attempts, instances and runtimes. Rebuilt from the
// store and the runtimes at a start, changed by events afterwards. A cycle costs what changed, not what exists.

import type { AttemptEnd } from '../domain/attempt.ts';
import { assert } from '../domain/errors.ts';
import { runtimeKeyOf, type Target } from '../domain/job.ts';
import { addResources, leastResources, type Resources, subtractResources } from '../domain/resources.ts';
import type { JobRecord, Run } from '../domain/run.ts';
import type { AttemptState, InstanceState, RunState } from '../domain/states.ts';
import type { AttemptRuntime, RuntimeDescription } from '../ports/attempt-runtime.ts';
import type { WaitReason } from './engine-api.ts';
import { JobTasks } from './job-tasks.ts';

/** What is said of a job's attempts so far; kept up to date so that no view has to add up rows. */
export type JobStats = {
  interruptions: number;
  retries: number;
  /** Over succeeded attempts. */
  durationMsSum: number;
  durations: number;
  peakMemoryMib: number | null;
};

export type LiveJob = {
  readonly record: JobRecord;
  state: RunState;
  readonly tasks: JobTasks;
  waitsFor: WaitReason | null;
  readonly stats: JobStats;
};

export type LiveRun = {
  /** As stored; replaced as a whole when it changes. */
  run: Run;
  readonly jobs: LiveJob[];
  /** Values of `env:` secrets by variable name. Memory only. */
  secretValues: Readonly<Record<string, string>>;
};

export type LiveAttempt = {
  readonly sequence: number;
  readonly attemptId: string;
  readonly run: LiveRun;
  readonly job: LiveJob;
  readonly taskIndex: number;
  readonly number: number;
  readonly demand: Resources;
  readonly instanceId: string;
  readonly runtimeKey: string;
  readonly createdAtMs: number;
  state: AttemptState;
  startedAtMs: number | null;
  /** What it does before it runs: `pulling image`. Shown, not stored. */
  activity: string | null;
  /** The runtime of this process was told of it. */
  isFollowed: boolean;
  /** We asked for its end; how it is to be recorded. */
  stop: Pick<AttemptEnd, 'state' | 'cause' | 'reason'> | null;
};

export type Instance = {
  readonly instanceId: string;
  state: InstanceState;
  stateReason: string | null;
  capacity: Resources;
  total: Resources;
  free: Resources;
  readonly takenPorts: Set<number>;
  readonly attempts: Set<LiveAttempt>;
};

export type RuntimeSlot = {
  readonly key: string;
  readonly target: Target;
  /** Work starts only when `ready`: it has answered and what it holds was compared with what we know. */
  status: 'opening' | 'listing' | 'ready' | 'unreachable';
  reason: string | null;
  runtime: AttemptRuntime | null;
  description: RuntimeDescription | null;
};

export class World {
  readonly ownerId: string;
  /** Seeds every decision; the same store makes the same choices again. */
  readonly seed: number;
  readonly runs = new Map<number, LiveRun>();
  readonly attempts = new Map<number, LiveAttempt>();
  readonly byTask = new Map<LiveJob, Map<number, LiveAttempt>>();
  readonly instances = new Map<string, Instance>();
  readonly runtimes = new Map<string, RuntimeSlot>();
  readonly next = { runId: 1, jobId: 1, attemptSequence: 1, eventSequence: 1 };
  /** Bytes free where the store lies, as last seen; null: not known. */
  freeDiskBytes: number | null = null;

  constructor(ownerId: string) {
    this.ownerId = ownerId;
    this.seed = Number.parseInt(ownerId.replaceAll('-', '').slice(0, 8), 16) | 0;
  }

  addAttempt(attempt: LiveAttempt): void {
    assert(
      !this.byTask.get(attempt.job)?.has(attempt.taskIndex),
      `task ${attempt.taskIndex} has a live attempt already`,
    );
    this.attempts.set(attempt.sequence, attempt);
    const tasks = this.byTask.get(attempt.job) ?? new Map<number, LiveAttempt>();
    tasks.set(attempt.taskIndex, attempt);
    this.byTask.set(attempt.job, tasks);
    const instance = this.instances.get(attempt.instanceId);
    if (instance !== undefined) occupy(instance, attempt);
  }

  removeAttempt(attempt: LiveAttempt): void {
    this.attempts.delete(attempt.sequence);
    this.byTask.get(attempt.job)?.delete(attempt.taskIndex);
    const instance = this.instances.get(attempt.instanceId);
    if (instance === undefined || !instance.attempts.delete(attempt)) return;
    instance.free = addResources(instance.free, attempt.demand);
    for (const port of attempt.job.record.spec.container.ports) instance.takenPorts.delete(port);
  }

  attemptOf(job: LiveJob, taskIndex: number): LiveAttempt | undefined {
    return this.byTask.get(job)?.get(taskIndex);
  }

  /** Several runtimes may serve one machine: it is counted once, with the least that any of them may give out. */
  describeInstance(description: RuntimeDescription): Instance {
    const known = this.instances.get(description.instanceId);
    const others = [...this.runtimes.values()].filter(
      (slot) => slot.key !== description.runtimeKey && slot.description?.instanceId === description.instanceId,
    );
    const capacity = others.reduce(
      (least, slot) => leastResources(least, (slot.description as RuntimeDescription).capacity),
      description.capacity,
    );
    const instance: Instance = known ?? {
      instanceId: description.instanceId,
      state: 'ready',
      stateReason: null,
      capacity,
      total: description.total,
      free: capacity,
      takenPorts: new Set(),
      attempts: new Set(),
    };
    instance.capacity = capacity;
    instance.total = description.total;
    instance.free = [...instance.attempts].reduce((free, attempt) => subtractResources(free, attempt.demand), capacity);
    if (known !== undefined) return known;
    this.instances.set(instance.instanceId, instance);
    for (const attempt of this.attempts.values())
      if (attempt.instanceId === instance.instanceId) occupy(instance, attempt);
    return instance;
  }

  slotOf(run: Run): RuntimeSlot | undefined {
    return this.runtimes.get(runtimeKeyOf(run.spec.target));
  }

  findRun(name: string): LiveRun | undefined {
    for (const run of this.runs.values()) if (`${run.run.name}-${run.run.number}` === name) return run;
    return undefined;
  }

  forgetRun(run: LiveRun): void {
    this.runs.delete(run.run.id);
    for (const job of run.jobs) this.byTask.delete(job);
  }
}

function occupy(instance: Instance, attempt: LiveAttempt): void {
  instance.attempts.add(attempt);
  instance.free = subtractResources(instance.free, attempt.demand);
  for (const port of attempt.job.record.spec.container.ports) instance.takenPorts.add(port);
}

export const makeLiveJob = (record: JobRecord): LiveJob => ({
  record,
  state: record.state,
  tasks: new JobTasks(record.spec.taskCount),
  waitsFor: null,
  stats: { interruptions: 0, retries: 0, durationMsSum: 0, durations: 0, peakMemoryMib: null },
});

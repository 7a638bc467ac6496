// One decision: which waiting tasks start now. Groups tasks by what they ask, has the scheduler place the groups, and turns
// counts into tasks and attempts. What holds a job back (dependency, pause, secret, disk, trial) is said here, with numbers.

import { attemptId } from '../domain/ids.ts';
import { AWS_KEY_VARIABLES, runtimeKeyOf } from '../domain/job.ts';
import type { Resources } from '../domain/resources.ts';
import { isRunEnded } from '../domain/states.ts';
import { readinessOf } from '../lifecycle/progress.ts';
import { placeTasks } from '../scheduler/place-tasks.ts';
import type { InstanceColumns, SchedulerDecision, Shape } from '../scheduler/view.ts';
import { DIMENSIONS, demandVector } from '../scheduler/view.ts';
import type { Changes } from './changes.ts';
import type { WaitReason } from './engine-api.ts';
import { describeRejections } from './wait-reasons.ts';
import type { Instance, LiveJob, LiveRun, World } from './world.ts';

/** Tasks of one job that ask the same: the fresh ones and those that come back, or those whose memory was raised. */
type Group = {
  readonly run: LiveRun;
  readonly job: LiveJob;
  readonly shape: Shape;
  /** Tasks that come back now, in order; fresh ones follow. */
  readonly returning: readonly number[];
  readonly below: number;
};

export type DecideLimits = {
  /** Work does not start while less than this is free where the store lies. */
  readonly freeDiskBytesMin: number;
};

export function instanceColumns(instances: readonly Instance[], world: World): InstanceColumns {
  const capacity = new Float64Array(instances.length * DIMENSIONS);
  const free = new Float64Array(instances.length * DIMENSIONS);
  const slots = [...world.runtimes.values()];
  instances.forEach((instance, row) => {
    capacity.set(demandVector(instance.capacity), row * DIMENSIONS);
    free.set(demandVector(instance.free), row * DIMENSIONS);
  });
  return {
    ids: instances.map((instance) => instance.instanceId),
    capacity,
    free,
    isOpen: instances.map((instance) => instance.state === 'ready'),
    runtimeKeys: instances.map(
      ({ instanceId }) =>
        new Set(
          slots
            .filter((slot) => slot.status === 'ready' && slot.description?.instanceId === instanceId)
            .map((slot) => slot.key),
        ),
    ),
    takenPorts: instances.map((instance) => instance.takenPorts),
  };
}

export const sortedInstances = (world: World): Instance[] =>
  [...world.instances.values()].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));

/** Why none of the job's tasks may start now, whatever room there is; null where they may. */
export function holdOf(world: World, run: LiveRun, job: LiveJob, limits: DecideLimits): WaitReason | null {
  if (run.run.state === 'stopped') {
    return {
      kind: 'paused',
      text: run.run.stateReason ?? 'paused',
      help: `distributo resume ${run.run.name}-${run.run.number}`,
    };
  }
  const readiness = readinessOf(job.record.spec.dependsOn, (name) => stateOfJob(run, name));
  if (readiness.kind === 'waits') return { kind: 'dependency', text: `job ${readiness.for} to end`, help: null };
  const missing = missingSecrets(run, job);
  if (missing.length > 0) {
    const text = `the value of ${missing.join(', ')}: env: secrets are kept in memory only and the controller was restarted`;
    return {
      kind: 'secret',
      text,
      help: `distributo run --attach ${run.run.name}-${run.run.number} from a shell where ${missing.join(', ')} is set`,
    };
  }
  const slot = world.slotOf(run.run);
  if (slot?.status !== 'ready') {
    const text =
      slot?.status === 'unreachable' ? `the container engine to answer: ${slot.reason}` : 'the machine to be looked at';
    return { kind: 'runtime', text, help: slot?.status === 'unreachable' ? 'distributo check' : null };
  }
  if (world.freeDiskBytes !== null && world.freeDiskBytes < limits.freeDiskBytesMin) {
    const text = `disk space: ${toMib(world.freeDiskBytes)} MiB free where the state directory lies, ${toMib(limits.freeDiskBytesMin)} MiB are kept free`;
    return { kind: 'disk', text, help: 'distributo prune, or free space on that disk' };
  }
  return null;
}

const toMib = (bytes: number): string => Math.floor(bytes / 1_048_576).toLocaleString('en-US');

const stateOfJob = (run: LiveRun, name: string) =>
  run.jobs.find((job) => job.record.spec.name === name)?.state ?? 'waiting';

export function missingSecrets(run: LiveRun, job: LiveJob): string[] {
  const own = Object.values(job.record.spec.secrets).filter((secret) => secret.source === 'env');
  const keys = run.run.spec.target.aws?.hasKeys === true ? AWS_KEY_VARIABLES : [];
  return [...own.map((secret) => secret.name), ...keys].filter((name) => !(name in run.secretValues));
}

/** The groups of a job that could start now, and when more will come. */
export function groupsOf(
  run: LiveRun,
  job: LiveJob,
  nowMs: number,
): { groups: Group[]; nextAtMs: number | undefined; heldByTrial: boolean } {
  const spec = job.record.spec;
  const below = run.run.trialTasks ?? spec.taskCount;
  const { due, waiting, nextAtMs } = job.tasks.surveyRetries(nowMs);
  const byMemory = new Map<number, number[]>([[spec.resources.memoryMib, []]]);
  for (const record of due) {
    const memoryMib = record.memoryMib ?? spec.resources.memoryMib;
    byMemory.set(memoryMib, [...(byMemory.get(memoryMib) ?? []), record.taskIndex]);
  }
  const waitingFresh = job.tasks.counts().waiting - waiting;
  const fresh = below >= spec.taskCount ? waitingFresh : job.tasks.countFresh(waitingFresh, below);
  const groups = [...byMemory].map(([memoryMib, returning]): Group => {
    const demand: Resources = { ...spec.resources, memoryMib };
    const count = returning.length + (memoryMib === spec.resources.memoryMib ? fresh : 0);
    const firstId = job.record.id;
    return {
      run,
      job,
      returning,
      below,
      shape: {
        demand,
        count,
        priority: spec.priority,
        firstId,
        runtimeKey: runtimeKeyOf(run.run.spec.target),
        ports: spec.container.ports,
      },
    };
  });
  return { groups: groups.filter((group) => group.shape.count > 0), nextAtMs, heldByTrial: fresh < waitingFresh };
}

/**
 * Places what can be placed and records the attempts as `starting`.
 * @returns when to decide again because a task comes back; undefined where nothing waits for time
 */
export function decide(world: World, changes: Changes, limits: DecideLimits): number | undefined {
  const groups: Group[] = [];
  let nextAtMs: number | undefined;
  for (const run of world.runs.values()) {
    if (isRunEnded(run.run.state) || run.run.cancelledBy !== null) continue;
    for (const job of run.jobs) {
      if (job.tasks.counts().waiting === 0) {
        job.waitsFor = null;
        continue;
      }
      job.waitsFor = holdOf(world, run, job, limits);
      if (job.waitsFor !== null) continue;
      const found = groupsOf(run, job, changes.nowMs);
      groups.push(...found.groups);
      if (found.nextAtMs !== undefined) nextAtMs = Math.min(nextAtMs ?? found.nextAtMs, found.nextAtMs);
      if (found.groups.length === 0) job.waitsFor = waitsForTime(run, found, changes.nowMs);
    }
  }
  if (groups.length === 0) return nextAtMs;
  const instances = sortedInstances(world);
  const columns = instanceColumns(instances, world);
  const decision = placeTasks({
    nowMs: changes.nowMs,
    seed: world.seed,
    shapes: groups.map((group) => group.shape),
    instances: columns,
  });
  apply(world, changes, groups, instances, decision);
  return nextAtMs;
}

function waitsForTime(
  run: LiveRun,
  found: { nextAtMs: number | undefined; heldByTrial: boolean },
  nowMs: number,
): WaitReason {
  if (found.nextAtMs === undefined || found.heldByTrial) {
    const name = `${run.run.name}-${run.run.number}`;
    return {
      kind: 'trial',
      text: `your word: only the first ${run.run.trialTasks} are tried`,
      help: `distributo resume ${name}`,
    };
  }
  return {
    kind: 'backoff',
    text: `its next try in ${Math.ceil((found.nextAtMs - nowMs) / 1000)} s`,
    help: null,
  };
}

function apply(
  world: World,
  changes: Changes,
  groups: readonly Group[],
  instances: readonly Instance[],
  decision: SchedulerDecision,
): void {
  const taken = groups.map(() => 0);
  for (const { shape, instance, count } of decision.placements) {
    const group = groups[shape] as Group;
    const first = taken[shape] as number;
    const returning = group.returning.slice(first, first + count);
    const fresh = group.job.tasks.takeFresh(count - returning.length, group.below);
    taken[shape] = first + count;
    for (const taskIndex of [...returning, ...fresh])
      startAttempt(world, changes, group, taskIndex, (instances[instance] as Instance).instanceId);
  }
  groups.forEach((group, index) => {
    const rejections = decision.rejections.get(index);
    if (rejections !== undefined) group.job.waitsFor = describeRejections(rejections, instances.length);
    else if (group.job.tasks.counts().waiting === 0) group.job.waitsFor = null;
  });
}

function startAttempt(world: World, changes: Changes, group: Group, taskIndex: number, instanceId: string): void {
  const sequence = world.next.attemptSequence++;
  const attempt = {
    sequence,
    attemptId: attemptId(world.ownerId, sequence),
    run: group.run,
    job: group.job,
    taskIndex,
    number: group.job.tasks.retries.get(taskIndex)?.nextNumber ?? 1,
    demand: group.shape.demand,
    instanceId,
    runtimeKey: group.shape.runtimeKey,
    createdAtMs: changes.nowMs,
    state: 'starting' as const,
    startedAtMs: null,
    activity: null,
    isFollowed: true,
    stop: null,
  };
  changes.addAttempt(attempt);
  changes.actions.push({ kind: 'start', attempt });
}

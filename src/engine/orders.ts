// What users order: submit, cancel, retry, pause, resume. Each changes the world within a cycle, so that it is recorded
// before it is answered.

import { DistributoError } from '../domain/errors.ts';
import { attemptId, parseSubject, runName, type Subject } from '../domain/ids.ts';
import { type Job, runtimeKeyOf, TASKS_PER_RUN_MAX, type Target } from '../domain/job.ts';
import { fitsIn, RESOURCE_DIMENSIONS } from '../domain/resources.ts';
import type { JobRecord, RetryRecord } from '../domain/run.ts';
import { isAttemptLive, isRunEnded } from '../domain/states.ts';
import { BACKOFF_MS_MAX } from '../lifecycle/backoff.ts';
import type { RuntimeDescription } from '../ports/attempt-runtime.ts';
import type { StoredWorld } from '../ports/store.ts';
import type { Changes } from './changes.ts';
import type { Submission } from './engine-api.ts';
import { cancelWaiting } from './settle.ts';
import { describeAmount } from './wait-reasons.ts';
import { type LiveAttempt, type LiveJob, type LiveRun, makeLiveJob, type World } from './world.ts';

export function submitRun(world: World, changes: Changes, submission: Submission, number: number): LiveRun {
  const { jobs, ...spec } = submission.spec;
  refuseImpossible(world, submission);
  const id = world.next.runId++;
  const records = jobs.map(
    (job, ordinal): JobRecord => ({ id: world.next.jobId++, runId: id, ordinal, spec: job, state: 'waiting' }),
  );
  const run: LiveRun = {
    run: {
      id,
      name: spec.name,
      number,
      spec,
      state: 'waiting',
      stateReason: null,
      cancelledBy: null,
      submittedAtMs: changes.nowMs,
      startedAtMs: null,
      endedAtMs: null,
      submissionKey: submission.submissionKey,
      trialTasks: submission.trialTasks,
    },
    jobs: records.map(makeLiveJob),
    secretValues: submission.secretValues,
  };
  world.runs.set(id, run);
  changes.addRun(run);
  ensureRuntime(world, changes, spec.target);
  return run;
}

export function ensureRuntime(world: World, changes: Changes, target: Target): void {
  const key = runtimeKeyOf(target);
  if (world.runtimes.has(key)) return;
  world.runtimes.set(key, { key, target, status: 'opening', reason: null, runtime: null, description: null });
  changes.actions.push({ kind: 'open-runtime', runtimeKey: key });
}

/** As `ensureRuntime`; one that could not be opened is opened again now. */
export function askRuntime(world: World, changes: Changes, target: Target): void {
  ensureRuntime(world, changes, target);
  const slot = world.runtimes.get(runtimeKeyOf(target));
  if (slot?.status !== 'unreachable' || slot.runtime !== null) return;
  slot.status = 'opening';
  changes.actions.push({ kind: 'open-runtime', runtimeKey: slot.key });
}

function refuseImpossible(world: World, { spec }: Submission): void {
  const tasks = spec.jobs.reduce((sum, job) => sum + job.taskCount, 0);
  if (tasks === 0 || tasks > TASKS_PER_RUN_MAX) {
    const message = `a run holds 1 to ${TASKS_PER_RUN_MAX.toLocaleString('en-US')} tasks, this one has ${tasks.toLocaleString('en-US')}`;
    throw new DistributoError('JOB_FILE_INVALID', message, { hint: 'split it into several runs' });
  }
  const description = world.runtimes.get(runtimeKeyOf(spec.target))?.description;
  if (description != null) for (const job of spec.jobs) refuseTooLarge(job, description);
}

/** Throws JOB_UNPLACEABLE naming the first dimension in which a task asks more than the machine gives. */
function refuseTooLarge(job: Job, description: RuntimeDescription): void {
  if (fitsIn(job.resources, description.capacity)) return;
  const rules = { cpuUnits: 'cpu', memoryMib: 'memory', diskMib: 'disk', gpus: 'gpus' } as const;
  const dimension = RESOURCE_DIMENSIONS.find((one) => job.resources[one] > description.capacity[one]) ?? 'cpuUnits';
  const asked = describeAmount(rules[dimension], job.resources[dimension]);
  const had = describeAmount(rules[dimension], description.capacity[dimension]);
  throw new DistributoError(
    'JOB_UNPLACEABLE',
    `a task of ${job.name} asks ${asked}; the largest machine gives ${had}`,
    {
      hint: `ask at most ${had} of ${rules[dimension]}`,
      details: { job: job.name, dimension, asked: job.resources[dimension], capacity: description.capacity[dimension] },
    },
  );
}

export type Found = { readonly run: LiveRun; readonly job: LiveJob | null; readonly taskIndex: number | null };

/** Reads a subject and finds it among the live runs; undefined where the run is not live. Throws NOT_FOUND for unknown jobs and indices. */
export function findLive(world: World, text: string): Found | undefined {
  const subject = readSubject(text);
  const run = world.findRun(subject.run);
  if (run === undefined) return undefined;
  return { run, ...findJob(run, subject) };
}

export function readSubject(text: string): Subject {
  const subject = parseSubject(text);
  if (subject !== undefined) return subject;
  throw new DistributoError('NOT_FOUND', `"${text}" is no run or task`, {
    hint: 'runs are written name-number, tasks run/job/index; distributo ps lists the runs',
  });
}

export function findJob<J extends { readonly record: JobRecord }>(
  run: { readonly run: { name: string; number: number }; readonly jobs: readonly J[] },
  subject: Subject,
): { job: J | null; taskIndex: number | null } {
  const name = runName(run.run.name, run.run.number);
  if (subject.job === undefined && subject.index === undefined) return { job: null, taskIndex: null };
  const names = run.jobs.map((job) => job.record.spec.name).join(', ');
  const job = run.jobs.find((one) =>
    subject.job === undefined ? run.jobs.length === 1 : one.record.spec.name === subject.job,
  );
  if (job === undefined) {
    const message =
      subject.job === undefined
        ? `${name} has several jobs: ${names}`
        : `${name} has no job ${subject.job}; it has ${names}`;
    throw new DistributoError('NOT_FOUND', message, {
      hint: `write ${name}/JOB${subject.index === undefined ? '' : `/${subject.index}`}`,
    });
  }
  if (subject.index !== undefined && subject.index >= job.record.spec.taskCount) {
    const last = job.record.spec.taskCount - 1;
    throw new DistributoError(
      'NOT_FOUND',
      `${name}/${job.record.spec.name} has no task ${subject.index}; its last is ${last}`,
      {
        hint: `distributo status ${name} --tasks`,
      },
    );
  }
  return { job, taskIndex: subject.index ?? null };
}

/** What waits is cancelled at once; what is live gets SIGTERM and its grace. */
export function cancel(world: World, changes: Changes, found: Found, by: string): number {
  const { run, job, taskIndex } = found;
  if (job === null) changes.updateRun(run, { cancelledBy: by });
  let tasks = 0;
  for (const one of job === null ? run.jobs : [job]) {
    if (taskIndex === null) tasks += cancelWaiting(changes, run, one);
    else if (one.tasks.state(taskIndex) === 'waiting') {
      changes.setTaskState(run, one, taskIndex, 'cancelled');
      changes.endRetry(one, taskIndex);
      changes.event('task-ended', { run, job: one, taskIndex }, 'cancelled', `cancelled by ${by}`);
      tasks += 1;
    }
    for (const attempt of [...(world.byTask.get(one)?.values() ?? [])]) {
      if (taskIndex !== null && attempt.taskIndex !== taskIndex) continue;
      stopAttempt(changes, attempt, { state: 'cancelled', cause: 'cancelled', reason: `cancelled by ${by}` });
      one.tasks.cancelling.add(attempt.taskIndex);
      changes.markChunk(one, attempt.taskIndex);
      tasks += 1;
    }
  }
  changes.dirtyRuns.add(run);
  changes.touch(run);
  return tasks;
}

export function stopAttempt(changes: Changes, attempt: LiveAttempt, stop: NonNullable<LiveAttempt['stop']>): void {
  if (attempt.stop !== null) return;
  attempt.stop = stop;
  changes.actions.push({ kind: 'stop', attempt });
  changes.touch(attempt.run);
}

export function pause(changes: Changes, run: LiveRun, by: string): void {
  if (run.run.state === 'stopped') return;
  changes.setRunState(run, 'stopped', `paused by ${by}`);
}

/** Lets a paused run go on; one that only tried its first tasks starts the rest. */
export function resume(changes: Changes, run: LiveRun): void {
  if (run.run.state === 'stopped') changes.setRunState(run, 'waiting', null);
  else release(changes, run);
  changes.dirtyRuns.add(run);
}

export function release(changes: Changes, run: LiveRun): void {
  if (run.run.trialTasks !== null) changes.updateRun(run, { trialTasks: null });
}

/** Brings a stored run into the world: at a start, or when `retry` wakes an ended one. */
export function restoreRuns(world: World, changes: Changes, stored: Omit<StoredWorld, 'next'>): LiveRun[] {
  const restored: LiveRun[] = [];
  for (const run of stored.runs) {
    const jobs = stored.jobs.filter((job) => job.runId === run.id).sort((a, b) => a.ordinal - b.ordinal);
    const live: LiveRun = { run, jobs: jobs.map(makeLiveJob), secretValues: {} };
    world.runs.set(run.id, live);
    restored.push(live);
    ensureRuntime(world, changes, run.spec.target);
  }
  const jobById = new Map(restored.flatMap((run) => run.jobs.map((job) => [job.record.id, { run, job }] as const)));
  for (const chunk of stored.taskChunks) jobById.get(chunk.jobId)?.job.tasks.restoreChunk(chunk.chunk, chunk.states);
  // The clock may have been set back since: no wait is longer than the longest back-off.
  const latestMs = changes.nowMs + BACKOFF_MS_MAX;
  for (const retry of stored.retries) {
    const record = { ...retry, readyAtMs: Math.min(retry.readyAtMs, latestMs) };
    jobById.get(retry.jobId)?.job.tasks.retries.set(retry.taskIndex, record);
  }
  for (const stored_ of stored.liveAttempts) {
    const owner = jobById.get(stored_.jobId);
    if (owner === undefined || !isAttemptLive(stored_.state)) continue;
    const { run, job } = owner;
    const isCancelled = job.tasks.state(stored_.taskIndex) === 'cancelled';
    if (isCancelled) job.tasks.cancelling.add(stored_.taskIndex);
    job.tasks.setState(stored_.taskIndex, 'running');
    const by = run.run.cancelledBy ?? 'you';
    world.addAttempt({
      ...stored_,
      attemptId: attemptId(world.ownerId, stored_.sequence),
      run,
      job,
      demand: {
        ...job.record.spec.resources,
        memoryMib: job.tasks.retries.get(stored_.taskIndex)?.memoryMib ?? job.record.spec.resources.memoryMib,
      },
      activity: null,
      isFollowed: false,
      stop: isCancelled ? { state: 'cancelled', cause: 'cancelled', reason: `cancelled by ${by}` } : null,
    });
  }
  for (const run of restored) changes.dirtyRuns.add(run);
  return restored;
}

/** Failed and cancelled tasks wait again, with a fresh budget and the next attempt numbers. */
export function retryTasks(
  changes: Changes,
  found: Found,
  attemptsOf: (job: LiveJob, taskIndex: number) => number,
): number {
  const { run, taskIndex } = found;
  let tasks = 0;
  for (const job of found.job === null ? run.jobs : [found.job]) {
    const before = tasks;
    const indices = taskIndex === null ? [...job.tasks.indicesIn(new Set(['failed', 'cancelled']))] : [taskIndex];
    for (const index of indices) {
      const state = job.tasks.state(index);
      if (state !== 'failed' && state !== 'cancelled') continue;
      changes.setTaskState(run, job, index, 'waiting');
      const attempts = attemptsOf(job, index);
      if (attempts > 0) changes.setRetry(job, freshRetry(job, index, attempts, changes.nowMs));
      tasks += 1;
    }
    if (tasks > before && isRunEnded(job.state)) changes.setJobState(run, job, 'waiting', 'retried by you');
  }
  if (tasks === 0) return 0;
  changes.updateRun(run, { endedAtMs: null, cancelledBy: null });
  if (isRunEnded(run.run.state)) changes.setRunState(run, 'waiting', null);
  return tasks;
}

const freshRetry = (job: LiveJob, taskIndex: number, attempts: number, nowMs: number): RetryRecord => ({
  jobId: job.record.id,
  taskIndex,
  counted: 0,
  interruptions: 0,
  nextNumber: attempts + 1,
  memoryMib: null,
  readyAtMs: nowMs,
  lastReason: 'retried by you',
});

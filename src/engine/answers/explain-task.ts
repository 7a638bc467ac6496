// Why a task stands where it stands: what is, why with numbers, what would change it. Asks the same scheduler that decides.

import type { Attempt } from '../../domain/attempt.ts';
import { attemptId, attemptName, runName, taskName } from '../../domain/ids.ts';
import type { JobRecord, Run } from '../../domain/run.ts';
import type { TaskState } from '../../domain/states.ts';
import { explainShape } from '../../scheduler/place-tasks.ts';
import { type DecideLimits, groupsOf, holdOf, instanceColumns, sortedInstances } from '../decide.ts';
import type { AttemptAnswer, ExplainAnswer } from '../engine-api.ts';
import { describeAmount, describeRejections } from '../wait-reasons.ts';
import type { LiveJob, LiveRun, World } from '../world.ts';
import { retryOf } from './explain-run.ts';

export function describeAttempts(
  world: World,
  run: Run,
  job: JobRecord,
  attempts: readonly Attempt[],
): AttemptAnswer[] {
  return attempts.map((attempt) => {
    const live = world.attempts.get(attempt.sequence);
    return {
      ...attempt,
      ...(live === undefined ? {} : { state: live.state, startedAtMs: live.startedAtMs }),
      attemptId: attemptId(world.ownerId, attempt.sequence),
      name: attemptName(runName(run.name, run.number), job.spec.name, attempt.taskIndex, attempt.number),
      activity: live?.stop != null ? 'stopping' : (live?.activity ?? null),
    };
  });
}

type TaskSubject = {
  readonly run: Run;
  readonly job: JobRecord;
  readonly taskIndex: number;
  readonly state: TaskState;
  /** Of its end, or what it waits for. */
  readonly reason: string | null;
  readonly attempts: readonly AttemptAnswer[];
};

const base = (subject: TaskSubject): Pick<ExplainAnswer, 'subject' | 'state' | 'asks' | 'attempts'> => ({
  subject: { kind: 'task', id: idOf(subject) },
  state: subject.state,
  asks: subject.job.spec.resources,
  attempts: subject.attempts,
});

const idOf = ({ run, job, taskIndex }: TaskSubject): string =>
  taskName(runName(run.name, run.number), job.spec.name, taskIndex);

/** An ended or running task: its attempts say all. */
export function explainTried(subject: TaskSubject): ExplainAnswer {
  const id = idOf(subject);
  const last = subject.attempts.at(-1);
  const run = runName(subject.run.name, subject.run.number);
  const because = subject.attempts.map(
    (attempt) => `attempt ${attempt.number}: ${attempt.end?.reason ?? attempt.activity ?? attempt.state}`,
  );
  const retry = subject.job.spec.retry;
  if (subject.state === 'failed') {
    because.push(
      `${subject.attempts.length === 1 ? '1 attempt was' : `${subject.attempts.length} attempts were`} made; retry.attempts is ${retry.attempts}, tried again after ${retry.on.join(', ') || 'nothing'}`,
    );
    because.push(...sameFailure(subject.attempts));
  }
  return {
    ...base(subject),
    headline: headlineOf(id, subject, last),
    because,
    looked: 0,
    rejections: [],
    queue: null,
    wouldHelp: helpFor(subject, run, id),
  };
}

function headlineOf(id: string, { state, reason }: TaskSubject, last: AttemptAnswer | undefined): string {
  if (last === undefined && state === 'cancelled') return `${id} was cancelled and never started: ${reason ?? '?'}`;
  if (last === undefined) return `${id} is ${state}: it never started`;
  if (state === 'running')
    return `${id} is running: attempt ${last.number} on ${last.instanceId}, ${last.activity ?? last.state}`;
  if (state === 'cancelled') return `${id} was cancelled: ${last.end?.reason ?? 'before it started'}`;
  return `${id} ${state} on attempt ${last.number}: ${last.end?.reason ?? last.state}`;
}

function sameFailure(attempts: readonly AttemptAnswer[]): string[] {
  const reasons = new Set(attempts.map((attempt) => attempt.end?.reason));
  return attempts.length > 1 && reasons.size === 1
    ? ['every attempt failed in the same way: look at the task or its input, not the machine']
    : [];
}

function helpFor(subject: TaskSubject, run: string, id: string): string[] {
  if (subject.state === 'cancelled') return [retryOf(subject.run, subject.job, subject.taskIndex)];
  if (subject.state !== 'failed') return [];
  const help = [`distributo logs ${id}`];
  const cause = subject.attempts.at(-1)?.end?.cause;
  if (cause === 'oom') help.push('ask more in resources.memory, or set retry.oom_memory_factor: 2');
  if (cause === 'timeout') help.push('raise timeout in the job file');
  if (cause === 'image-pull') help.push('distributo check JOBFILE, which looks for the image');
  help.push(`distributo retry ${run}`);
  return help;
}

/** A waiting task: what holds its job, or which rules reject it now. */
export function explainWaiting(
  world: World,
  live: { readonly run: LiveRun; readonly job: LiveJob },
  subject: TaskSubject,
  limits: DecideLimits,
  nowMs: number,
): ExplainAnswer {
  const { run, job } = live;
  const id = idOf(subject);
  const retry = job.tasks.retries.get(subject.taskIndex);
  const instances = sortedInstances(world);
  const hold = holdOf(world, run, job, limits) ?? holdOfTask(run, retry?.readyAtMs, subject.taskIndex, nowMs);
  const shape = groupsOf(run, job, nowMs).groups[0]?.shape;
  const rejections = hold !== null || shape === undefined ? [] : explainShape(shape, instanceColumns(instances, world));
  const reason = hold ?? describeRejections(rejections, instances.length);
  const because = rejections.map((rejection) => {
    const nearest = rejection.nearest;
    const amounts =
      rejection.asked === null || nearest?.had == null
        ? ''
        : `: ${describeAmount(rejection.rule, rejection.asked)} asked, ${nearest.instanceId} has ${describeAmount(rejection.rule, nearest.had)} free of ${describeAmount(rejection.rule, nearest.capacity ?? 0)}`;
    return `${rejection.rule}${amounts} (${rejection.instances} of ${instances.length} machines)`;
  });
  if (retry !== undefined) because.push(`attempt ${retry.nextNumber - 1} ended: ${retry.lastReason}`);
  const { waiting } = job.tasks.counts();
  const never = reason.kind === 'never-fits';
  return {
    ...base(subject),
    headline: `${id} is waiting${never ? ', and will never start as it is' : ''}: for ${reason.text}`,
    because,
    looked: instances.length,
    rejections,
    queue: { position: positionOf(job, subject.taskIndex), of: waiting },
    wouldHelp:
      reason.help === null
        ? reason.kind === 'room'
          ? ['it starts by itself as soon as running tasks end']
          : []
        : [reason.help],
  };
}

function holdOfTask(run: LiveRun, readyAtMs: number | undefined, taskIndex: number, nowMs: number) {
  if (readyAtMs !== undefined && readyAtMs > nowMs) {
    return { kind: 'backoff' as const, text: `its next try in ${Math.ceil((readyAtMs - nowMs) / 1000)} s`, help: null };
  }
  if (run.run.trialTasks !== null && taskIndex >= run.run.trialTasks) {
    const text = `your word: only the first ${run.run.trialTasks} are tried`;
    return { kind: 'trial' as const, text, help: `distributo resume ${run.run.name}-${run.run.number}` };
  }
  return null;
}

/** Its place among the waiting tasks of its job, from 1, in the order in which they start. */
function positionOf(job: LiveJob, taskIndex: number): number {
  const isReturning = (index: number): boolean => job.tasks.retries.has(index);
  let before = 0;
  for (const index of job.tasks.indicesIn(new Set(['waiting']))) {
    if (index === taskIndex) continue;
    if (isReturning(index) === isReturning(taskIndex) ? index < taskIndex : isReturning(index)) before += 1;
  }
  return before + 1;
}

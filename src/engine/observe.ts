// Applies what the runtimes report to the world. Each report may come late, twice or about something that is over: what does
// not fit any more is dropped here, and nothing is believed that contradicts a recorded end.

import type { AttemptEnd } from '../domain/attempt.ts';
import { attemptSequence } from '../domain/ids.ts';
import { decideNext } from '../lifecycle/decide-next.ts';
import type { AttemptSighting, RuntimeObservation } from '../ports/attempt-runtime.ts';
import type { Changes } from './changes.ts';
import { missingSecrets } from './decide.ts';
import type { JobStats, LiveAttempt, RuntimeSlot, World } from './world.ts';

export type Observation =
  | { readonly kind: 'runtime'; readonly runtimeKey: string; readonly observation: RuntimeObservation }
  | {
      readonly kind: 'opened';
      readonly runtimeKey: string;
      readonly runtime: RuntimeSlot['runtime'];
      readonly reason: string | null;
    }
  | {
      readonly kind: 'listed';
      readonly runtimeKey: string;
      readonly sightings: readonly AttemptSighting[];
      /** Attempts that were known to run when the runtime was asked. */
      readonly askedFor: ReadonlySet<number>;
      readonly ended: ReadonlyMap<number, AttemptEnd>;
    }
  | { readonly kind: 'unlisted'; readonly runtimeKey: string; readonly reason: string };

export function applyObservation(world: World, changes: Changes, observed: Observation): void {
  const slot = world.runtimes.get(observed.runtimeKey);
  if (slot === undefined) return;
  switch (observed.kind) {
    case 'opened':
      slot.runtime = observed.runtime;
      if (observed.runtime === null) markUnreachable(world, changes, slot, observed.reason ?? 'it could not be opened');
      return;
    case 'listed':
      compareWithSightings(world, changes, slot, observed);
      return;
    case 'unlisted':
      markUnreachable(world, changes, slot, observed.reason);
      return;
    case 'runtime':
      applyRuntime(world, changes, slot, observed.observation);
      return;
  }
}

function applyRuntime(world: World, changes: Changes, slot: RuntimeSlot, observation: RuntimeObservation): void {
  if (observation.kind === 'ready') {
    slot.description = observation.description;
    slot.status = 'listing';
    slot.reason = null;
    const isNew = !world.instances.has(observation.description.instanceId);
    const instance = world.describeInstance(observation.description);
    if (instance.state === 'unreachable') instance.state = 'ready';
    if (isNew) changes.event('instance-state', {}, 'ready', `${instance.instanceId}: ${observation.description.label}`);
    changes.actions.push({ kind: 'list-runtime', runtimeKey: slot.key });
    return;
  }
  if (observation.kind === 'unreachable') {
    markUnreachable(world, changes, slot, observation.reason);
    return;
  }
  const sequence = attemptSequence(world.ownerId, observation.attemptId);
  const attempt = sequence === undefined ? undefined : world.attempts.get(sequence);
  if (attempt === undefined) {
    // Its end is recorded already, or it was never ours: what is left of it goes.
    if (observation.kind === 'ended')
      changes.actions.push({
        kind: 'forget',
        runtimeKey: slot.key,
        attemptId: observation.attemptId,
        keepWorkspace: true,
      });
    return;
  }
  if (observation.kind === 'progress') {
    attempt.activity = observation.activity;
    changes.touch(attempt.run);
  } else if (observation.kind === 'running') {
    markRunning(changes, attempt, observation.atMs);
  } else {
    endAttempt(world, changes, attempt, observation.end);
  }
}

function markRunning(changes: Changes, attempt: LiveAttempt, atMs: number): void {
  attempt.activity = null;
  changes.setAttemptRunning(attempt, atMs);
  if (attempt.run.run.startedAtMs === null) changes.updateRun(attempt.run, { startedAtMs: atMs });
}

/** Records the end of an attempt and what becomes of its task. */
export function endAttempt(world: World, changes: Changes, attempt: LiveAttempt, observedEnd: AttemptEnd): void {
  const { run, job, taskIndex } = attempt;
  // The grace of a stop may let the program end by itself: a success counts, anything else is what we asked for.
  const end =
    attempt.stop !== null && observedEnd.state !== 'succeeded' ? { ...observedEnd, ...attempt.stop } : observedEnd;
  const spec = job.record.spec;
  const before = job.tasks.retries.get(taskIndex);
  const tries = {
    counted: before?.counted ?? 0,
    interruptions: before?.interruptions ?? 0,
    memoryMib: attempt.demand.memoryMib,
  };
  const isCancelled = job.tasks.cancelling.has(taskIndex);
  countInto(job.stats, end);
  const next = decideNext(spec.retry, tries, end, isCancelled, world.seed, taskIndex);
  job.tasks.cancelling.delete(taskIndex);
  changes.endAttempt(attempt, end);
  if (next.kind === 'again') {
    if (next.isCounted) job.stats.retries += 1;
    else job.stats.interruptions += 1;
    job.tasks.setState(taskIndex, 'waiting');
    changes.setRetry(job, {
      jobId: job.record.id,
      taskIndex,
      counted: tries.counted + (next.isCounted ? 1 : 0),
      interruptions: tries.interruptions + (next.isCounted ? 0 : 1),
      nextNumber: attempt.number + 1,
      memoryMib: raisedMemory(world, attempt, next.memoryMib),
      readyAtMs: changes.nowMs + next.delayMs,
      lastReason: next.reason,
    });
    changes.event('task-requeued', { run, job, taskIndex, attempt }, 'waiting', next.reason);
  } else {
    changes.setTaskState(run, job, taskIndex, next.kind);
    changes.endRetry(job, taskIndex);
  }
  changes.actions.push({
    kind: 'forget',
    runtimeKey: attempt.runtimeKey,
    attemptId: attempt.attemptId,
    keepWorkspace: end.state === 'failed',
  });
}

/** null where it asks what its job asks. More than the machine gives would wait for ever: the machine's all is the most. */
function raisedMemory(world: World, attempt: LiveAttempt, wantedMib: number): number | null {
  const askedMib = attempt.job.record.spec.resources.memoryMib;
  const mostMib = world.instances.get(attempt.instanceId)?.capacity.memoryMib ?? wantedMib;
  return wantedMib <= askedMib ? null : Math.max(Math.min(wantedMib, mostMib), askedMib);
}

function countInto(stats: JobStats, end: AttemptEnd): void {
  if (end.peakMemoryMib !== null) stats.peakMemoryMib = Math.max(stats.peakMemoryMib ?? 0, end.peakMemoryMib);
  if (end.state !== 'succeeded' || end.startedAtMs === null) return;
  stats.durationMsSum += end.endedAtMs - end.startedAtMs;
  stats.durations += 1;
}

function markUnreachable(world: World, changes: Changes, slot: RuntimeSlot, reason: string): void {
  if (slot.status === 'unreachable' && slot.reason === reason) return;
  slot.status = 'unreachable';
  slot.reason = reason;
  changes.event('warning', {}, 'unreachable', reason);
  for (const run of world.runs.values()) if (world.slotOf(run.run) === slot) changes.touch(run);
  for (const attempt of world.attempts.values()) {
    if (attempt.runtimeKey !== slot.key || (attempt.state !== 'running' && attempt.state !== 'starting')) continue;
    changes.setAttemptState(attempt, 'unreachable', reason);
  }
}

/**
 * The runtime has said what it holds. Attempts it has are taken up; those it lacks never started (they start now) or are
 * gone (lost: the runtime itself is the proof). What it holds beyond ours is over, and is removed.
 */
function compareWithSightings(
  world: World,
  changes: Changes,
  slot: RuntimeSlot,
  { sightings, ended, askedFor }: Extract<Observation, { kind: 'listed' }>,
): void {
  slot.status = 'ready';
  const seen = new Set<number>();
  for (const sighting of sightings) {
    const sequence = attemptSequence(world.ownerId, sighting.attemptId);
    const attempt = sequence === undefined ? undefined : world.attempts.get(sequence);
    if (sequence !== undefined && attempt !== undefined) {
      seen.add(sequence);
      continue;
    }
    const end = sequence === undefined ? undefined : ended.get(sequence);
    changes.actions.push({
      kind: 'forget',
      runtimeKey: slot.key,
      attemptId: sighting.attemptId,
      keepWorkspace: end?.state === 'failed',
    });
    if (end === undefined)
      changes.event(
        'warning',
        {},
        null,
        `removed ${sighting.attemptId}: it carries our owner id but no attempt of that id is known`,
      );
  }
  for (const attempt of world.attempts.values()) {
    if (attempt.runtimeKey !== slot.key) continue;
    if (seen.has(attempt.sequence)) takeUp(changes, attempt);
    else if (attempt.startedAtMs === null) startAgain(world, changes, attempt);
    else if (askedFor.has(attempt.sequence)) endAttempt(world, changes, attempt, goneEnd(attempt, changes.nowMs));
  }
}

/** What was out of sight may have ended meanwhile: it is followed anew, which is safe to repeat. */
function takeUp(changes: Changes, attempt: LiveAttempt): void {
  const wasUnreachable = attempt.state === 'unreachable';
  if (wasUnreachable) {
    changes.setAttemptState(attempt, attempt.startedAtMs === null ? 'starting' : 'running', 'found again');
  }
  if (wasUnreachable || !attempt.isFollowed) changes.actions.push({ kind: 'adopt', attempt });
  attempt.isFollowed = true;
  if (attempt.stop !== null) changes.actions.push({ kind: 'stop', attempt });
}

/** It never began. Without its secrets it cannot begin now either: its task waits for them. */
function startAgain(world: World, changes: Changes, attempt: LiveAttempt): void {
  const missing = missingSecrets(attempt.run, attempt.job);
  if (missing.length > 0 || attempt.stop !== null) {
    const reason = attempt.stop?.reason ?? `not started: no value for ${missing.join(', ')}`;
    endAttempt(world, changes, attempt, {
      ...goneEnd(attempt, changes.nowMs),
      state: 'interrupted',
      cause: 'engine',
      reason,
    });
    return;
  }
  if (attempt.state !== 'starting') changes.setAttemptState(attempt, 'starting', 'not started yet');
  attempt.isFollowed = true;
  changes.actions.push({ kind: 'start', attempt });
}

const goneEnd = (attempt: LiveAttempt, nowMs: number): AttemptEnd => ({
  state: 'lost',
  cause: 'lost',
  exitCode: null,
  reason: 'the machine answers but has nothing of this attempt any more',
  startedAtMs: attempt.startedAtMs,
  endedAtMs: nowMs,
  peakMemoryMib: null,
});

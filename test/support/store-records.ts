// Records for a store's tests; a test says only what matters to it.

import type { Attempt, AttemptEnd } from '../../src/domain/attempt.ts';
import type { Event } from '../../src/domain/event.ts';
import type { JobRecord, RetryRecord, Run } from '../../src/domain/run.ts';
import { aRunSpec, type SpecParts } from './run-spec.ts';

/** An instant in 2026. */
export const SOME_TIME_MS = 1_795_456_741_000;

export function aRun(parts: Partial<Run> = {}): Run {
  const { jobs: _, ...spec } = aRunSpec();
  return {
    id: 1,
    name: 'trial',
    number: parts.id ?? 1,
    spec,
    state: 'waiting',
    stateReason: null,
    cancelledBy: null,
    submittedAtMs: SOME_TIME_MS,
    startedAtMs: null,
    endedAtMs: null,
    submissionKey: null,
    trialTasks: null,
    ...parts,
  };
}

export function aJobRecord(parts: Partial<JobRecord> = {}, spec: SpecParts = {}): JobRecord {
  const [job] = aRunSpec(spec).jobs;
  if (job === undefined) throw new Error('a run has a job');
  return { id: 1, runId: 1, ordinal: 0, spec: job, state: 'waiting', ...parts };
}

export function anAttempt(parts: Partial<Attempt> = {}): Attempt {
  return {
    sequence: 1,
    runId: 1,
    jobId: 1,
    taskIndex: 0,
    number: 1,
    instanceId: 'local',
    runtimeKey: 'process',
    state: 'reserved',
    createdAtMs: SOME_TIME_MS,
    startedAtMs: null,
    end: null,
    ...parts,
  };
}

export function anEnd(parts: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    state: 'succeeded',
    cause: 'exit',
    exitCode: 0,
    reason: 'exit 0',
    startedAtMs: SOME_TIME_MS + 1000,
    endedAtMs: SOME_TIME_MS + 5000,
    peakMemoryMib: 12,
    ...parts,
  };
}

/** The attempt as it is read after `end` was written. */
export const ended = (attempt: Attempt, end: AttemptEnd): Attempt => ({
  ...attempt,
  state: end.state,
  startedAtMs: end.startedAtMs,
  end,
});

export function anEvent(parts: Partial<Event> = {}): Event {
  return {
    sequence: 1,
    atMs: SOME_TIME_MS,
    kind: 'attempt-state',
    runId: 1,
    jobId: 1,
    taskIndex: 0,
    attemptSequence: 1,
    state: 'reserved',
    reason: null,
    ...parts,
  };
}

export function aRetry(parts: Partial<RetryRecord> = {}): RetryRecord {
  return {
    jobId: 1,
    taskIndex: 0,
    counted: 1,
    interruptions: 0,
    nextNumber: 2,
    memoryMib: null,
    readyAtMs: SOME_TIME_MS,
    lastReason: 'exit 1',
    ...parts,
  };
}

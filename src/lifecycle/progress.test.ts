import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskCounts } from '../domain/run.ts';
import type { RunState } from '../domain/states.ts';
import { jobStateOf, readinessOf, runStateOf } from './progress.ts';

const counts = (fields: Partial<TaskCounts>): TaskCounts => {
  const all = { waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0, ...fields };
  return { total: all.waiting + all.running + all.succeeded + all.failed + all.cancelled, ...all };
};

test('a job waits while nothing of it began, runs until all its tasks ended, and is failed if one failed', () => {
  assert.equal(jobStateOf(counts({ waiting: 3 })), 'waiting');
  assert.equal(jobStateOf(counts({ waiting: 2, succeeded: 1 })), 'running');
  assert.equal(jobStateOf(counts({ running: 1, failed: 2 })), 'running');
  assert.equal(jobStateOf(counts({ succeeded: 2, failed: 1, cancelled: 1 })), 'failed');
  assert.equal(jobStateOf(counts({ succeeded: 2, cancelled: 1 })), 'cancelled');
  assert.equal(jobStateOf(counts({ succeeded: 3 })), 'succeeded');
});

test('a run ends when all its jobs have; one that somebody cancelled is cancelled even where a task failed', () => {
  assert.equal(runStateOf(['succeeded', 'running'], false, false), 'running');
  assert.equal(runStateOf(['waiting', 'waiting'], false, false), 'waiting');
  assert.equal(runStateOf(['succeeded', 'failed'], false, false), 'failed');
  assert.equal(runStateOf(['failed', 'cancelled'], false, true), 'cancelled');
  assert.equal(runStateOf(['running'], true, false), 'stopped');
  assert.equal(runStateOf(['succeeded'], true, false), 'succeeded');
});

test('depends_on waits for the end, and never begins what needs a success that will not come', () => {
  const states: Record<string, RunState> = { a: 'running', b: 'failed', c: 'succeeded' };
  const stateOf = (name: string): RunState => states[name] ?? 'waiting';
  assert.deepEqual(readinessOf([{ job: 'a', condition: 'succeeded' }], stateOf), { kind: 'waits', for: 'a' });
  assert.deepEqual(readinessOf([{ job: 'b', condition: 'succeeded' }], stateOf), {
    kind: 'never',
    because: 'b failed',
  });
  assert.deepEqual(
    readinessOf(
      [
        { job: 'b', condition: 'any-end' },
        { job: 'c', condition: 'succeeded' },
      ],
      stateOf,
    ),
    { kind: 'ready' },
  );
});

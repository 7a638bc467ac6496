import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AttemptEnd, END_CAUSES, type EndCause } from '../domain/attempt.ts';
import type { RetryPolicy } from '../domain/job.ts';
import { BACKOFF_MS_MAX, backoffMs, hashFraction } from './backoff.ts';
import { decideNext, type Next } from './decide-next.ts';

const POLICY: RetryPolicy = {
  attempts: 3,
  on: ['error', 'oom', 'image-pull', 'start', 'timeout'],
  backoffMs: 10_000,
  maxInterruptions: null,
  oomMemoryFactor: 1,
};
const FRESH = { counted: 0, interruptions: 0, memoryMib: 1000 };

function anEnd(cause: EndCause, fields: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    state: 'failed',
    cause,
    exitCode: cause === 'exit' ? 1 : null,
    reason: `because of ${cause}`,
    startedAtMs: 1,
    endedAtMs: 2,
    peakMemoryMib: null,
    ...fields,
  };
}

const next = (policy: Partial<RetryPolicy>, tries: Partial<typeof FRESH>, end: AttemptEnd, isCancelled = false): Next =>
  decideNext({ ...POLICY, ...policy }, { ...FRESH, ...tries }, end, isCancelled, 7, 3);

test('exit 0 finishes a task (seed U5)', () => {
  assert.deepEqual(next({}, {}, anEnd('exit', { state: 'succeeded', exitCode: 0 })), { kind: 'succeeded' });
});

test('a non-zero exit fails a task that has no try left and keeps the reason (seed U7)', () => {
  const end = anEnd('exit', { reason: 'exit 1: "frame file is empty"' });
  assert.deepEqual(next({ attempts: 1 }, {}, end), { kind: 'failed', reason: 'exit 1: "frame file is empty"' });
});

test('a machine that goes away sends its task back to waiting (seed U3, U4) and uses up no try', () => {
  for (const cause of ['interruption', 'engine', 'lost', 'preempted', 'no-capacity'] as const) {
    const again = next({ attempts: 1 }, { interruptions: 50 }, anEnd(cause, { state: 'interrupted' }));
    assert.equal(again.kind, 'again');
    assert.equal(again.kind === 'again' && again.isCounted, false);
  }
});

test('the first attempt is counted: attempts 3 means two more tries', () => {
  assert.equal(next({}, { counted: 0 }, anEnd('exit')).kind, 'again');
  assert.equal(next({}, { counted: 1 }, anEnd('exit')).kind, 'again');
  assert.equal(next({}, { counted: 2 }, anEnd('exit')).kind, 'failed');
});

test('only the causes that retry.on names are tried again', () => {
  assert.equal(next({ on: ['oom'] }, {}, anEnd('exit')).kind, 'failed');
  assert.equal(next({ on: ['exit:33'] }, {}, anEnd('exit', { exitCode: 33 })).kind, 'again');
  assert.equal(next({ on: ['exit:33'] }, {}, anEnd('exit', { exitCode: 34 })).kind, 'failed');
  assert.equal(next({ on: ['timeout'] }, {}, anEnd('timeout')).kind, 'again');
  assert.equal(next({ on: [] }, {}, anEnd('image-pull')).kind, 'failed');
  assert.equal(next({ on: ['start'] }, {}, anEnd('start-timeout')).kind, 'again');
});

test('max_interruptions fails a task with its own reason and numbers', () => {
  const end = anEnd('interruption', { state: 'interrupted' });
  assert.equal(next({ maxInterruptions: 2 }, { interruptions: 1 }, end).kind, 'again');
  const failed = next({ maxInterruptions: 2 }, { interruptions: 2 }, end);
  assert.deepEqual(failed, {
    kind: 'failed',
    reason: 'interrupted 3 times, max_interruptions is 2; last: because of interruption',
  });
});

test('an out-of-memory end raises the memory by the factor, rounded up', () => {
  const again = next({ oomMemoryFactor: 1.5 }, { memoryMib: 101 }, anEnd('oom'));
  assert.equal(again.kind === 'again' && again.memoryMib, 152);
  const other = next({ oomMemoryFactor: 1.5 }, { memoryMib: 101 }, anEnd('exit'));
  assert.equal(other.kind === 'again' && other.memoryMib, 101);
});

test('a task whose end was asked for is cancelled, unless it succeeded first', () => {
  assert.equal(next({}, {}, anEnd('exit'), true).kind, 'cancelled');
  assert.equal(next({}, {}, anEnd('interruption', { state: 'interrupted' }), true).kind, 'cancelled');
  assert.equal(next({}, {}, anEnd('exit', { state: 'succeeded', exitCode: 0 }), true).kind, 'succeeded');
});

test('no end of any cause ever loses a task: it is done, comes back in bounded time, or has a reason', () => {
  const causes = fc.constantFrom(...END_CAUSES);
  fc.assert(
    fc.property(
      causes,
      fc.nat(40),
      fc.nat(400),
      fc.integer(),
      fc.nat(),
      (cause, counted, interruptions, seed, task) => {
        const state =
          cause === 'interruption' || cause === 'engine' || cause === 'lost'
            ? 'interrupted'
            : cause === 'cancelled'
              ? 'cancelled'
              : 'failed';
        const end = anEnd(cause, { state });
        const answer = decideNext(POLICY, { counted, interruptions, memoryMib: 1000 }, end, false, seed, task);
        assert.deepEqual(
          answer,
          decideNext(POLICY, { counted, interruptions, memoryMib: 1000 }, end, false, seed, task),
        );
        if (answer.kind === 'again') assert.ok(answer.delayMs >= 0 && answer.delayMs <= BACKOFF_MS_MAX);
        else assert.ok(answer.kind === 'succeeded' || answer.reason.length > 0);
      },
    ),
  );
});

test('back-off doubles, stays between half and all of its full value, and is bounded', () => {
  assert.equal(backoffMs(10_000, 1, 0), 5000);
  assert.equal(backoffMs(10_000, 3, 0), 20_000);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e7 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer(),
      fc.nat(),
      (base, failures, seed, task) => {
        const fraction = hashFraction(seed, task, failures);
        assert.ok(fraction >= 0 && fraction < 1);
        const full = Math.min(base * 2 ** Math.min(failures - 1, 30), BACKOFF_MS_MAX);
        const wait = backoffMs(base, failures, fraction);
        assert.ok(wait >= Math.floor(full / 2) && wait <= full, `${wait} of ${full}`);
      },
    ),
  );
});

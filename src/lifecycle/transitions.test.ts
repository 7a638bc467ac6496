import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DistributoError } from '../domain/errors.ts';
import {
  ATTEMPT_STATES,
  INSTANCE_STATES,
  isAttemptLive,
  isRunEnded,
  RUN_STATES,
  TASK_STATES,
} from '../domain/states.ts';
import {
  ATTEMPT_TRANSITIONS,
  changeAttempt,
  changeInstance,
  changeRun,
  changeTask,
  INSTANCE_TRANSITIONS,
  RUN_TRANSITIONS,
  TASK_TRANSITIONS,
} from './transitions.ts';

const KINDS = [
  { name: 'attempt', states: ATTEMPT_STATES, table: ATTEMPT_TRANSITIONS, change: changeAttempt },
  { name: 'task', states: TASK_STATES, table: TASK_TRANSITIONS, change: changeTask },
  { name: 'run', states: RUN_STATES, table: RUN_TRANSITIONS, change: changeRun },
  { name: 'instance', states: INSTANCE_STATES, table: INSTANCE_TRANSITIONS, change: changeInstance },
] as const;

for (const { name, states, table, change } of KINDS) {
  test(`every ${name} transition of the table is made and every other one is refused`, () => {
    for (const from of states) {
      for (const to of states) {
        const allowed = (table as Record<string, readonly string[]>)[from]?.includes(to) === true;
        const make = () => (change as (a: string, b: string) => string)(from, to);
        if (allowed) assert.equal(make(), to);
        else
          assert.throws(
            make,
            (error) =>
              error instanceof DistributoError &&
              error.code === 'TRANSITION_INVALID' &&
              error.message.includes(from) &&
              error.message.includes(to),
          );
      }
    }
  });
}

test('an attempt that has ended never changes again, whatever is observed', () => {
  const ended = ATTEMPT_STATES.filter((state) => !isAttemptLive(state));
  fc.assert(
    fc.property(fc.constantFrom(...ended), fc.constantFrom(...ATTEMPT_STATES), (from, to) => {
      assert.throws(() => changeAttempt(from, to), { code: 'TRANSITION_INVALID' });
    }),
  );
});

test('a succeeded task or run is final, a failed or cancelled one comes back only as waiting', () => {
  assert.deepEqual(TASK_TRANSITIONS.succeeded, []);
  assert.deepEqual(RUN_TRANSITIONS.succeeded, []);
  for (const state of ['failed', 'cancelled'] as const) {
    assert.deepEqual(TASK_TRANSITIONS[state], ['waiting']);
    assert.deepEqual(RUN_TRANSITIONS[state], ['waiting']);
    assert.ok(isRunEnded(state));
  }
});

test('every live attempt state can reach every end, so no observation of an end is ever refused', () => {
  const ends = ATTEMPT_STATES.filter((state) => !isAttemptLive(state));
  for (const from of ATTEMPT_STATES.filter(isAttemptLive))
    for (const end of ends) assert.ok(ATTEMPT_TRANSITIONS[from].includes(end));
});

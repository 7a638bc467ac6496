import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anEvent } from '../../../../test/support/a-run-view.ts';
import { createStyle } from '../../terminal/style.ts';
import { describeEvent, mergeRepeats } from './event-line.ts';

const style = createStyle({ hasColour: false, isAscii: false });
const ascii = createStyle({ hasColour: false, isAscii: true });

test('an event is one line: sign, subject, what happened, why', () => {
  const subject = 'screening-7/dock/3#2';
  const lines = [
    anEvent({ kind: 'run-submitted', subject: 'screening-7' }),
    anEvent({ kind: 'run-state', subject: 'screening-7', state: 'running' }),
    anEvent({ subject, state: 'succeeded' }),
    anEvent({ subject, state: 'failed', reason: 'exit 1' }),
    anEvent({ subject, state: 'interrupted', reason: 'the engine was restarted' }),
    anEvent({ kind: 'task-requeued', subject: 'screening-7/dock/3', reason: 'exit 1' }),
    anEvent({ kind: 'warning', subject: null, reason: 'less than 1 GiB is free' }),
    anEvent({ kind: 'controller-started' }),
    anEvent({ kind: 'controller-stopped', reason: 'nothing was left to do' }),
  ];
  assert.deepEqual(
    lines.map((event) => describeEvent(event, style)),
    [
      '  screening-7 submitted',
      '  screening-7 running',
      '✓ screening-7/dock/3#2 succeeded',
      '✕ screening-7/dock/3#2 failed: exit 1',
      '◆ screening-7/dock/3#2 interrupted: the engine was restarted',
      '◆ screening-7/dock/3 waits to be tried again: exit 1',
      '! less than 1 GiB is free',
      '  controller started',
      '  controller stopped: nothing was left to do',
    ],
  );
  for (const event of lines) assert.match(describeEvent(event, ascii), /^[\x20-\x7e]*$/);
});

test('in a view of one run its name is left away', () => {
  const event = anEvent({ subject: 'screening-7/dock/3#2', state: 'failed', reason: 'exit 1' });
  assert.equal(describeEvent(event, style, 'screening-7'), '✕ dock/3#2 failed: exit 1');
  assert.equal(describeEvent(event, style, 'screening-70'), '✕ screening-7/dock/3#2 failed: exit 1');
});

test('the end of a try and that it is tried again are told once', () => {
  const failed = anEvent({ sequence: 1, attemptSequence: 9, state: 'failed' });
  const requeued = anEvent({ sequence: 2, attemptSequence: 9, kind: 'task-requeued' });
  const other = anEvent({ sequence: 3, attemptSequence: 10, state: 'failed' });
  assert.deepEqual(
    mergeRepeats([failed, requeued, other]).map((event) => event.sequence),
    [2, 3],
  );
});

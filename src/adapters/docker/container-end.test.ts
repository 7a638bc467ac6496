import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anExecutor, anOrder } from '../../../test/support/an-order.ts';
import { exitReason, instantOf, judgeEnd, type SeenEnd } from './container-end.ts';
import type { ContainerState } from './engine-types.ts';

const order = anOrder({
  attemptId: 'a',
  target: { backend: 'local', runtime: 'docker', endpoint: 'unix:///x' },
  executors: [anExecutor('tool:1', ['run'])],
  resources: { memoryMib: 100 },
});

type Given = Partial<Omit<SeenEnd, 'state'>> & { readonly state?: Partial<ContainerState> };

const judge = ({ state, ...seen }: Given) =>
  judgeEnd(order, {
    state: {
      Status: 'exited',
      Running: false,
      OOMKilled: false,
      ExitCode: 0,
      Error: '',
      StartedAt: '',
      FinishedAt: '',
      ...state,
    },
    image: 'tool:1',
    lastWords: null,
    peakMemoryMib: null,
    wasSignalled: false,
    engineWasGone: false,
    isDockerDiskFull: false,
    isWrongFormat: false,
    ...seen,
  });

test('an exit is the program’s own, with its last words', () => {
  assert.equal(judge({}).state, 'succeeded');
  const failed = judge({ state: { ExitCode: 1 }, lastWords: 'frame file is empty' });
  assert.deepEqual([failed.state, failed.cause, failed.reason], ['failed', 'exit', 'exit 1: "frame file is empty"']);
  assert.equal(judge({ state: { ExitCode: 139 } }).reason, 'exit 139 (SIGSEGV)');
});

test('out of memory is told by the engine, or by a kill at the limit', () => {
  assert.equal(judge({ state: { ExitCode: 137, OOMKilled: true } }).cause, 'oom');
  assert.equal(judge({ state: { ExitCode: 1, OOMKilled: true } }).cause, 'oom');
  assert.equal(judge({ state: { ExitCode: 137 }, peakMemoryMib: 99 }).cause, 'oom');
  assert.equal(judge({ state: { ExitCode: 137 }, peakMemoryMib: 50 }).cause, 'exit');
  assert.match(judge({ state: { ExitCode: 137, OOMKilled: true } }).reason, /limit of 100 MiB/);
});

test('a program that lost a child to its limit and ended well has succeeded', () => {
  assert.equal(judge({ state: { ExitCode: 0, OOMKilled: true } }).state, 'succeeded');
});

test('an end that somebody asked the engine for is an interruption, whatever the code', () => {
  for (const ExitCode of [0, 1, 137, 143]) {
    const end = judge({ state: { ExitCode }, wasSignalled: true });
    assert.deepEqual([end.state, end.cause], ['interrupted', 'engine']);
  }
});

test('an engine that was away takes the blame for killed programs only', () => {
  for (const ExitCode of [137, 143, 255]) {
    assert.equal(judge({ state: { ExitCode }, engineWasGone: true }).state, 'interrupted');
    assert.equal(judge({ state: { ExitCode } }).state, 'failed');
  }
  assert.equal(judge({ state: { ExitCode: 3 }, engineWasGone: true }).state, 'failed');
  assert.equal(judge({ state: { ExitCode: 0 }, engineWasGone: true }).state, 'succeeded');
});

test('what an init program could not execute is a failed start', () => {
  const words = (why: string) => `[FATAL tini (7)] exec run failed: ${why}`;
  for (const [why, reason] of [
    ['No such file or directory', /the command "run" is not in image tool:1/],
    ['Permission denied', /may not be executed/],
    ['Exec format error', /^exec format error/],
  ] as const) {
    const end = judge({ state: { ExitCode: 127 }, lastWords: words(why) });
    assert.equal(end.cause, 'start');
    assert.match(end.reason, reason);
  }
});

test('a program that says the same of something else has failed by itself', () => {
  const end = judge({ state: { ExitCode: 127 }, lastWords: 'sh: frobnicate: not found' });
  assert.equal(end.cause, 'exit');
});

test('a full disk of the engine is told apart', () => {
  const words = 'cannot write: No space left on device';
  assert.equal(judge({ state: { ExitCode: 1 }, lastWords: words, isDockerDiskFull: true }).cause, 'disk-full');
  assert.equal(judge({ state: { ExitCode: 1 }, lastWords: words }).cause, 'exit');
});

test('very long last words are cut', () => {
  assert.ok(exitReason(1, 'x'.repeat(10_000)).length < 500);
});

test('an engine’s zero is no instant', () => {
  assert.equal(instantOf('0001-01-01T00:00:00Z'), null);
  assert.equal(instantOf('2026-01-02T03:04:05.678901234Z'), Date.UTC(2026, 0, 2, 3, 4, 5, 678));
});

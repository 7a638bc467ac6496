// What every store promises, told through the port alone. An adapter's own file opens it and calls `testStore`; a store that
// cannot run here is skipped aloud, and fails where CI=true.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { ITEMS_PER_CHUNK } from '../../src/domain/job.ts';
import { type Batch, type History, type Store, TASKS_PER_CHUNK } from '../../src/ports/store.ts';
import { scratchFolder } from '../support/scratch.ts';
import { aJobRecord, anAttempt, anEnd, anEvent, aRetry, aRun, ended, SOME_TIME_MS } from '../support/store-records.ts';

export type StoreSubject = {
  readonly name: string;
  /** Why it cannot run here; null where it can. */
  readonly unavailable: string | null;
  /** Opens the store of a folder, or makes it; the same folder gives the same store. */
  open(directory: string, options?: { readonly nowMs?: () => number }): Promise<Store & History>;
};

type Opened = Store & History;

export function testStore(subject: StoreSubject): void {
  const skip = subject.unavailable !== null && process.env.CI !== 'true' ? subject.unavailable : false;
  describe(`the store on ${subject.name}`, { skip }, () => {
    if (subject.unavailable !== null && skip === false)
      it('can run here', () => assert.fail(String(subject.unavailable)));
    else {
      testCommits(subject);
      testHistory(subject);
      testItems(subject);
      testRemoval(subject);
    }
  });
}

/** A store in a folder of its own that can be closed and opened again. */
async function openNew(subject: StoreSubject, context: TestContext, options: { nowMs?: () => number } = {}) {
  const directory = await scratchFolder(context);
  let store = await subject.open(directory, options);
  context.after(() => store.close());
  return {
    store: () => store,
    async reopen(): Promise<Opened> {
      await store.close();
      store = await subject.open(directory, options);
      return store;
    },
  };
}

const refuses = (work: Promise<unknown>, code: ErrorCode) => assert.rejects(work, { name: 'DistributoError', code });

const chunkOf = (jobId: number, chunk: number, codes: readonly number[], length: number = codes.length) => {
  const states = new Uint8Array(length);
  states.set(codes);
  return { jobId, chunk, states };
};

function testCommits(subject: StoreSubject): void {
  it('keeps its owner id', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    const { ownerId } = store();
    assert.match(ownerId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal((await reopen()).ownerId, ownerId);
  });

  it('gives an unfinished run back with all that belongs to it', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    const run = aRun({ id: 3, state: 'running', stateReason: 'ünïcödé 🚀', submissionKey: 'nightly', trialTasks: 2 });
    const job = aJobRecord({ id: 5, runId: 3, state: 'running' }, { array: { kind: 'count', count: 3000 } });
    const attempt = anAttempt({ sequence: 9, runId: 3, jobId: 5, taskIndex: 2, number: 2, state: 'starting' });
    const retry = aRetry({ jobId: 5, taskIndex: 1, memoryMib: 2048, interruptions: 4, lastReason: 'exit 137: "oom"' });
    const chunk = chunkOf(5, 2, [2, 3, 4, 0], TASKS_PER_CHUNK);
    const event = anEvent({ sequence: 20, runId: 3 });
    await store().commit({
      newRuns: [{ run, jobs: [job] }],
      newAttempts: [attempt],
      retries: [retry],
      taskChunks: [chunk],
      events: [event],
    });
    const expected = { runs: [run], jobs: [job], taskChunks: [chunk], retries: [retry], liveAttempts: [attempt] };
    const next = { runId: 4, jobId: 6, attemptSequence: 10, eventSequence: 21 };
    assert.deepEqual(await store().load(), { ...expected, next });
    const again = await reopen();
    assert.deepEqual(await again.load(), { ...expected, next });
    assert.deepEqual(await again.loadRun(3), expected);
    assert.equal(await again.loadRun(4), undefined);
    assert.deepEqual(await again.listEvents({ limit: 10 }), [event]);
  });

  it('gives no ended run back, unless an attempt of it still lives', async (context) => {
    const { store } = await openNew(subject, context);
    const runs = [aRun({ id: 1 }), aRun({ id: 2 }), aRun({ id: 3 })];
    const jobs = runs.map((run) => aJobRecord({ id: run.id, runId: run.id }));
    await store().commit({
      newRuns: runs.map((run, i) => ({ run, jobs: jobs.slice(i, i + 1) })),
      newAttempts: [anAttempt({ sequence: 1, runId: 2, jobId: 2 })],
    });
    const cancelled = { state: 'cancelled', cancelledBy: 'you', endedAtMs: SOME_TIME_MS } as const;
    await store().commit({ runs: [aRun({ id: 1, ...cancelled }), aRun({ id: 2, ...cancelled })] });
    assert.deepEqual((await store().load()).runs, [aRun({ id: 2, ...cancelled }), runs[2]]);
    await store().commit({ endedAttempts: [{ sequence: 1, end: anEnd({ state: 'cancelled', cause: 'cancelled' }) }] });
    assert.deepEqual((await store().load()).runs, [runs[2]]);
    assert.deepEqual((await store().loadRun(1))?.runs, [aRun({ id: 1, ...cancelled })]);
  });

  it('follows an attempt from its start to its end', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    const first = anAttempt();
    await store().commit({ newRuns: [{ run: aRun(), jobs: [aJobRecord()] }], newAttempts: [first] });
    await store().commit({ attempts: [{ sequence: 1, state: 'starting', startedAtMs: null }] });
    await store().commit({
      attempts: [
        { sequence: 1, state: 'running', startedAtMs: SOME_TIME_MS + 7 },
        { sequence: 1, state: 'unreachable', startedAtMs: SOME_TIME_MS + 7 },
      ],
    });
    const unreachable = { ...first, state: 'unreachable', startedAtMs: SOME_TIME_MS + 7 } as const;
    assert.deepEqual((await (await reopen()).load()).liveAttempts, [unreachable]);
    const end = anEnd({
      state: 'lost',
      cause: 'lost',
      exitCode: null,
      peakMemoryMib: null,
      reason: 'the machine is gone',
    });
    await store().commit({ endedAttempts: [{ sequence: 1, end }] });
    assert.deepEqual((await store().load()).liveAttempts, []);
    assert.deepEqual(await store().listAttempts(1, 0), [ended(first, end)]);
    assert.deepEqual(await (await reopen()).findAttempts([7, 1]), [ended(first, end)]);
  });

  it('takes an attempt that starts and ends in one batch', async (context) => {
    const { store } = await openNew(subject, context);
    const attempt = anAttempt({ state: 'failed' });
    const end = anEnd({ state: 'failed', cause: 'start', exitCode: null, startedAtMs: null, reason: 'no such file' });
    await store().commit({
      newRuns: [{ run: aRun(), jobs: [aJobRecord()] }],
      newAttempts: [attempt],
      endedAttempts: [{ sequence: 1, end }],
    });
    assert.deepEqual((await store().load()).liveAttempts, []);
    assert.deepEqual(await store().listAttempts(1, 0), [ended(attempt, end)]);
  });

  it('applies a batch as a whole or not at all', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    await store().commit({ newRuns: [{ run: aRun(), jobs: [aJobRecord()] }] });
    const before = await store().load();
    const broken: Batch = {
      newRuns: [{ run: aRun({ id: 2 }), jobs: [aJobRecord({ id: 2, runId: 2 })] }],
      newAttempts: [anAttempt({ instanceId: 'never-stored' })],
      retries: [aRetry()],
      events: [anEvent(), anEvent()],
    };
    await refuses(store().commit(broken), 'STORE_CONFLICT');
    assert.deepEqual(await store().load(), before);
    const attempt = anAttempt({ instanceId: 'never-stored' });
    await store().commit({ newAttempts: [attempt], events: [anEvent()] });
    assert.deepEqual((await (await reopen()).load()).liveAttempts, [attempt]);
  });

  it('refuses what does not fit what it holds', async (context) => {
    const { store } = await openNew(subject, context);
    await store().commit({
      newRuns: [{ run: aRun({ submissionKey: 'nightly' }), jobs: [aJobRecord()] }],
      newAttempts: [anAttempt()],
      endedAttempts: [{ sequence: 1, end: anEnd() }],
    });
    const end = anEnd({ state: 'lost', cause: 'lost' });
    const misfits: readonly Batch[] = [
      { newRuns: [{ run: aRun({ id: 2, submissionKey: 'nightly' }), jobs: [aJobRecord({ id: 2, runId: 2 })] }] },
      { newRuns: [{ run: aRun({ id: 2, number: 1 }), jobs: [aJobRecord({ id: 2, runId: 2 })] }] },
      { runs: [aRun({ id: 7 })] },
      { jobs: [{ id: 7, state: 'running' }] },
      { newAttempts: [anAttempt()] },
      { newAttempts: [anAttempt({ sequence: 2, state: 'failed' })] },
      { endedAttempts: [{ sequence: 1, end }] },
      { endedAttempts: [{ sequence: 7, end }] },
      { attempts: [{ sequence: 1, state: 'running', startedAtMs: null }] },
    ];
    for (const misfit of misfits) await refuses(store().commit(misfit), 'STORE_CONFLICT');
    assert.deepEqual((await store().listAttempts(1, 0))[0]?.end, anEnd());
  });

  it('changes runs, jobs and retries', async (context) => {
    const { store } = await openNew(subject, context);
    const jobs = [aJobRecord(), aJobRecord({ id: 2, ordinal: 1 })];
    await store().commit({
      newRuns: [{ run: aRun(), jobs }],
      retries: [aRetry(), aRetry({ jobId: 2, taskIndex: 8 })],
    });
    const stopped = aRun({ state: 'stopped', stateReason: 'paused by you', startedAtMs: SOME_TIME_MS });
    const retry = aRetry({ counted: 2, nextNumber: 3 });
    await store().commit({
      runs: [stopped],
      jobs: [{ id: 2, state: 'failed' }],
      retries: [retry],
      endedRetries: [{ jobId: 2, taskIndex: 8 }],
    });
    const world = await store().load();
    assert.deepEqual([world.runs, world.retries], [[stopped], [retry]]);
    assert.deepEqual(
      world.jobs.map(({ state }) => state),
      ['waiting', 'failed'],
    );
  });

  it('keeps texts that a log may hold', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    const reason = `half a pair \ud83d, a NUL \0 and 'quotes'`;
    await store().commit({
      newRuns: [{ run: aRun(), jobs: [aJobRecord()] }],
      events: [anEvent({ reason, state: reason })],
    });
    const [event] = await (await reopen()).listEvents({ limit: 1 });
    const kept = `half a pair \ufffd, a NUL \ufffd and 'quotes'`;
    assert.deepEqual([event?.reason, event?.state], [kept, kept]);
  });

  it('takes many rows in one batch', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    const attempts = Array.from({ length: 2345 }, (_, i) => anAttempt({ sequence: i + 1, taskIndex: i }));
    const job = aJobRecord({}, { array: { kind: 'count', count: 2345 } });
    const events = attempts.map(({ sequence }) => anEvent({ sequence, attemptSequence: sequence }));
    await store().commit({ newRuns: [{ run: aRun(), jobs: [job] }], newAttempts: attempts, events });
    const running = attempts.map((attempt) => ({ ...attempt, state: 'running', startedAtMs: SOME_TIME_MS }) as const);
    await store().commit({ attempts: running });
    await store().commit({ endedAttempts: attempts.slice(5).map(({ sequence }) => ({ sequence, end: anEnd() })) });
    assert.deepEqual((await (await reopen()).load()).liveAttempts, running.slice(0, 5));
    assert.equal((await store().listEvents({ limit: 10_000 })).length, 2345);
  });
}

function testHistory(subject: StoreSubject): void {
  /** A run of 2,500 tasks: 1 and 2,000 failed after two tries, 2 succeeded, 2,400 cancelled; the middle chunk never written. */
  async function withTasks(context: TestContext): Promise<Opened> {
    const { store } = await openNew(subject, context);
    const attempts = [
      anAttempt({ sequence: 1, taskIndex: 1 }),
      anAttempt({ sequence: 2, taskIndex: 2 }),
      anAttempt({ sequence: 3, taskIndex: 1, number: 2 }),
      anAttempt({ sequence: 4, taskIndex: 2400 }),
      anAttempt({ sequence: 5, taskIndex: 2400, number: 2 }),
      anAttempt({ sequence: 6, taskIndex: 2 }),
    ];
    const failed = anEnd({ state: 'failed', exitCode: 1, reason: 'exit 1' });
    const lost = anEnd({ state: 'lost', cause: 'lost', startedAtMs: null, peakMemoryMib: null });
    const ends = [failed, anEnd({ peakMemoryMib: 99 }), failed, lost, anEnd({ state: 'cancelled' })];
    await store().commit({
      newRuns: [{ run: aRun(), jobs: [aJobRecord({}, { array: { kind: 'count', count: 2500 } })] }],
      newAttempts: attempts,
      endedAttempts: ends.map((end, i) => ({ sequence: i + 1, end })),
      taskChunks: [
        chunkOf(1, 0, [0, 3, 2], TASKS_PER_CHUNK),
        chunkOf(1, 2, Object.assign(Array(452).fill(0), { [2400 - 2048]: 4 })),
      ],
    });
    return store();
  }

  it('counts the tasks of a job by state', async (context) => {
    const store = await withTasks(context);
    const counts = { waiting: 2497, running: 0, succeeded: 1, failed: 1, cancelled: 1 };
    assert.deepEqual(await store.countTasks([1, 99]), new Map([[1, counts]]));
  });

  it('lists tasks in pages, by state and by repetition', async (context) => {
    const store = await withTasks(context);
    const indexes = async (query: object) =>
      (await store.listTasks({ jobId: 1, limit: 10_000, ...query })).map(({ taskIndex }) => taskIndex);
    assert.equal((await indexes({})).length, 2500);
    assert.deepEqual(await indexes({ afterIndex: 1022, limit: 3 }), [1023, 1024, 1025]);
    assert.deepEqual(await indexes({ states: ['succeeded', 'failed', 'cancelled'] }), [1, 2, 2400]);
    assert.deepEqual(await indexes({ states: ['failed', 'cancelled'], afterIndex: 1 }), [2400]);
    assert.deepEqual(await indexes({ states: ['waiting'], afterIndex: 2398, limit: 2 }), [2399, 2401]);
    assert.deepEqual(await indexes({ states: ['running'] }), []);
    assert.deepEqual(await indexes({ repeated: true }), [1, 2400]);
    assert.deepEqual(await indexes({ repeated: true, states: ['failed'] }), [1]);
    assert.deepEqual(await indexes({ repeated: true, afterIndex: 1, limit: 1 }), [2400]);
    assert.deepEqual(await store.listTasks({ jobId: 99, limit: 10 }), []);
  });

  it('tells of a task its attempts and the last of them', async (context) => {
    const store = await withTasks(context);
    const [task] = await store.listTasks({ jobId: 1, states: ['failed'], limit: 1 });
    const attempts = await store.listAttempts(1, 1);
    assert.deepEqual(task, { jobId: 1, taskIndex: 1, state: 'failed', attempts: 2, last: attempts[1] });
    assert.deepEqual(
      attempts.map(({ number }) => number),
      [1, 2],
    );
    const [untouched] = await store.listTasks({ jobId: 1, limit: 1 });
    assert.deepEqual(untouched, { jobId: 1, taskIndex: 0, state: 'waiting', attempts: 0, last: null });
  });

  it('sums up a job', async (context) => {
    const store = await withTasks(context);
    assert.deepEqual(await store.summariseJob(1), {
      attempts: 6,
      interruptions: 1,
      retries: 1,
      meanDurationMs: 4000,
      peakMemoryMib: 99,
      firstStartedAtMs: SOME_TIME_MS + 1000,
      lastEndedAtMs: SOME_TIME_MS + 5000,
    });
    const nothing = { meanDurationMs: null, peakMemoryMib: null, firstStartedAtMs: null, lastEndedAtMs: null };
    assert.deepEqual(await store.summariseJob(99), { attempts: 0, interruptions: 0, retries: 0, ...nothing });
  });

  it('lists runs, newest first', async (context) => {
    const { store } = await openNew(subject, context);
    const runs = [
      aRun({ id: 1, state: 'failed' }),
      aRun({ id: 2, submissionKey: 'key' }),
      aRun({ id: 3, name: 'other', number: 1 }),
      aRun({ id: 4 }),
    ];
    const jobs = runs.map((run) => aJobRecord({ id: run.id, runId: run.id }));
    await store().commit({ newRuns: runs.map((run, i) => ({ run, jobs: jobs.slice(i, i + 1) })) });
    const ids = async (query: object) => (await store().listRuns({ limit: 10, ...query })).map(({ run }) => run.id);
    assert.deepEqual((await store().listRuns({ limit: 10 })).at(-1), { run: runs[0], jobs: [jobs[0]] });
    assert.deepEqual(await ids({}), [4, 3, 2, 1]);
    assert.deepEqual(await ids({ limit: 2 }), [4, 3]);
    assert.deepEqual(await ids({ beforeId: 3 }), [2, 1]);
    assert.deepEqual(await ids({ name: 'trial' }), [4, 2, 1]);
    assert.deepEqual(await ids({ name: 'trial', number: 2 }), [2]);
    assert.deepEqual(await ids({ submissionKey: 'key' }), [2]);
    assert.deepEqual(await ids({ states: ['failed', 'cancelled'] }), [1]);
    assert.deepEqual(await ids({ states: [] }), []);
  });

  it('lists events in order, of one run or of all', async (context) => {
    const { store } = await openNew(subject, context);
    const events = Array.from({ length: 6 }, (_, i) => anEvent({ sequence: i + 1, runId: 1 + (i % 2) }));
    const started = anEvent({
      sequence: 7,
      kind: 'controller-started',
      runId: null,
      jobId: null,
      taskIndex: null,
      attemptSequence: null,
      state: null,
      reason: 'after a crash',
    });
    await store().commit({ events: [...events, started] });
    const sequences = async (query: object) =>
      (await store().listEvents({ limit: 10, ...query })).map((e) => e.sequence);
    assert.deepEqual(await sequences({}), [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(await sequences({ runId: 2 }), [2, 4, 6]);
    assert.deepEqual(await sequences({ runId: 1, afterSequence: 1, limit: 1 }), [3]);
    assert.deepEqual(await sequences({ last: 2 }), [6, 7]);
    assert.deepEqual(await sequences({ runId: 1, last: 2 }), [3, 5]);
    assert.deepEqual(await store().listEvents({ last: 1, limit: 1 }), [started]);
  });

  it('says how large it is', async (context) => {
    const { store } = await openNew(subject, context);
    assert.ok((await store().sizeBytes()) > 0);
  });
}

function testItems(subject: StoreSubject): void {
  const itemsJob = (itemSetId: string, count: number, id = 1) =>
    aJobRecord({ id, runId: id }, { array: { kind: 'items', itemSetId, count, fields: ['a'] }, taskCount: count });

  it('gives items back before and after their job is stored', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    for (let chunk = 0; chunk < 3; chunk += 1) await store().putItems('set', chunk, `[["${chunk}"]]`);
    assert.equal(await store().getItems('set', 1), '[["1"]]');
    await store().putItems('set', 1, '[["again"]]');
    await store().commit({ newRuns: [{ run: aRun(), jobs: [itemsJob('set', 2 * ITEMS_PER_CHUNK + 1)] }] });
    assert.equal(await store().getItems('set', 1), '[["again"]]');
    const again = await reopen();
    assert.equal(await again.getItems('set', 2), '[["2"]]');
    assert.equal(await again.getItems('set', 3), undefined);
    assert.equal(await again.getItems('other', 0), undefined);
  });

  it('refuses a job whose items are not all there', async (context) => {
    const { store } = await openNew(subject, context);
    await store().putItems('set', 0, '[]');
    const work = store().commit({ newRuns: [{ run: aRun(), jobs: [itemsJob('set', ITEMS_PER_CHUNK + 1)] }] });
    await refuses(work, 'STORE_CONFLICT');
  });

  it('removes a set that no job has named for an hour', async (context) => {
    let now = SOME_TIME_MS;
    const { store, reopen } = await openNew(subject, context, { nowMs: () => now });
    for (const set of ['owned', 'left', 'left too']) await store().putItems(set, 0, '[]');
    await store().commit({ newRuns: [{ run: aRun(), jobs: [itemsJob('owned', 1)] }] });
    now += 3_599_000;
    await (await reopen()).putItems('young', 0, '[]');
    await reopen();
    assert.equal(await store().getItems('left', 0), '[]');
    now += 2000;
    await store().putItems('new', 0, '[]');
    await until(async () => (await store().getItems('left', 0)) === undefined);
    await until(async () => (await store().getItems('left too', 0)) === undefined);
    for (const set of ['owned', 'young', 'new']) assert.equal(await store().getItems(set, 0), '[]');
    now += 3_600_000;
    await reopen();
    await until(async () => (await store().getItems('young', 0)) === undefined);
    assert.equal(await store().getItems('owned', 0), '[]');
  });
}

function testRemoval(subject: StoreSubject): void {
  it('removes an ended run with all that belongs to it, and gives none of its ids again', async (context) => {
    const { store, reopen } = await openNew(subject, context);
    const other = { run: aRun(), jobs: [aJobRecord()] };
    const job = aJobRecord({ id: 2, runId: 2 }, { array: { kind: 'items', itemSetId: 'set', count: 1, fields: [] } });
    await store().putItems('set', 0, '[]');
    await store().commit({
      newRuns: [other, { run: aRun({ id: 2, state: 'failed', submissionKey: 'key' }), jobs: [job] }],
      newAttempts: [anAttempt(), anAttempt({ sequence: 2, runId: 2, jobId: 2 })],
      endedAttempts: [{ sequence: 2, end: anEnd() }],
      taskChunks: [chunkOf(1, 0, [0]), chunkOf(2, 0, [2])],
      retries: [aRetry(), aRetry({ jobId: 2 })],
      events: [anEvent(), anEvent({ sequence: 2, runId: 2 })],
    });
    await store().removeRun(2);
    for (const isReopened of [false, true]) {
      const opened = isReopened ? await reopen() : store();
      assert.deepEqual(await opened.listRuns({ limit: 10 }), [other]);
      assert.equal(await opened.loadRun(2), undefined);
      assert.deepEqual(await opened.listAttempts(2, 0), []);
      assert.deepEqual(await opened.listEvents({ limit: 10 }), [anEvent()]);
      assert.equal(await opened.getItems('set', 0), undefined);
      assert.deepEqual(await opened.countTasks([2]), new Map());
      const { next, ...world } = await opened.load();
      assert.deepEqual(next, { runId: 3, jobId: 3, attemptSequence: 3, eventSequence: 3 });
      assert.deepEqual([world.liveAttempts, world.retries], [[anAttempt()], [aRetry()]]);
    }
    const again = aRun({ id: 3, submissionKey: 'key' });
    await store().commit({ newRuns: [{ run: again, jobs: [aJobRecord({ id: 3, runId: 3 })] }] });
  });

  it('refuses to remove a live run, or one that is not there', async (context) => {
    const { store } = await openNew(subject, context);
    const run = aRun({ id: 2, state: 'cancelled' });
    await store().commit({
      newRuns: [
        { run: aRun({ state: 'stopped' }), jobs: [aJobRecord()] },
        { run, jobs: [aJobRecord({ id: 2, runId: 2 })] },
      ],
      newAttempts: [anAttempt({ runId: 2, jobId: 2 })],
    });
    await refuses(store().removeRun(1), 'STORE_CONFLICT');
    await refuses(store().removeRun(2), 'STORE_CONFLICT');
    await refuses(store().removeRun(3), 'NOT_FOUND');
    await store().commit({ endedAttempts: [{ sequence: 1, end: anEnd() }] });
    await store().removeRun(2);
    await refuses(store().removeRun(2), 'NOT_FOUND');
  });

  it('goes on working while a large run is removed', async (context) => {
    const { store } = await openNew(subject, context);
    const count = 9000;
    const job = aJobRecord({}, { array: { kind: 'count', count } });
    const attempts = Array.from({ length: count }, (_, i) => anAttempt({ sequence: i + 1, taskIndex: i }));
    await store().commit({
      newRuns: [{ run: aRun({ state: 'succeeded' }), jobs: [job] }],
      newAttempts: attempts,
      endedAttempts: attempts.map(({ sequence }) => ({ sequence, end: anEnd() })),
      events: attempts.map(({ sequence }) => anEvent({ sequence })),
    });
    const removal = store().removeRun(1);
    await store().commit({ newRuns: [{ run: aRun({ id: 2 }), jobs: [aJobRecord({ id: 2, runId: 2 })] }] });
    assert.equal((await store().listRuns({ limit: 10 })).length, 1);
    await removal;
    assert.deepEqual(await store().listEvents({ limit: 1 }), []);
  });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail('the condition did not come true');
}

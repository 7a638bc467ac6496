// What every runtime of attempts promises, told through the port alone. An adapter's own file opens it and calls
// `testAttemptRuntime`; a runtime that cannot run here is skipped aloud, and fails where CI=true.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { attemptId } from '../../src/domain/ids.ts';
import type { Executor, Target } from '../../src/domain/job.ts';
import type { AttemptOrder, AttemptRuntime } from '../../src/ports/attempt-runtime.ts';
import { anExecutor, anOrder, type OrderParts } from '../support/an-order.ts';
import { ObservedRuntime } from '../support/observed-runtime.ts';

export type RuntimeSubject = {
  readonly name: string;
  /** Why it cannot run here; null where it can. */
  readonly unavailable: string | null;
  readonly target: Target;
  /** Has `/bin/sh` and busybox's usual commands. A runtime without images ignores it. */
  readonly image: string;
  /** Opens it on a state directory; an earlier one on the same directory is closed. */
  open(where: { readonly stateDirectory: string; readonly ownerId: string }): Promise<AttemptRuntime>;
  /** All that others can see of an attempt on the machine: labels, names, command lines. */
  visible?(attemptId: string): Promise<string>;
};

export function testAttemptRuntime(subject: RuntimeSubject): void {
  const isSkipped = subject.unavailable !== null && process.env.CI !== 'true';
  describe(`attempt runtime: ${subject.name}`, isSkipped ? { skip: subject.unavailable } : {}, () => {
    if (subject.unavailable !== null) {
      it('can run here', () => assert.fail(subject.unavailable ?? ''));
      return;
    }
    const house = new House(subject);
    before(() => house.build());
    after(() => house.clear());
    testEnds(house);
    testStops(house);
    testLogs(house);
    testFiles(house);
    testExecutors(house);
    testOwnership(house);
    testAdoption(house);
  });
}

/** One state directory with the runtime on it, and a folder for inputs and outputs. */
class House {
  readonly subject: RuntimeSubject;
  readonly ownerId = randomUUID();
  stateDirectory = '';
  files = '';
  #observed: ObservedRuntime | undefined;
  #sequence = 0;
  readonly #ids: string[] = [];

  constructor(subject: RuntimeSubject) {
    this.subject = subject;
  }

  get observed(): ObservedRuntime {
    assert(this.#observed);
    return this.#observed;
  }

  get runtime(): AttemptRuntime {
    return this.observed.runtime;
  }

  async build(): Promise<void> {
    const root = await mkdtemp(join(tmpdir(), 'distributo-contract-'));
    this.stateDirectory = join(root, 'state');
    this.files = root;
    await this.reopen();
  }

  /** A new runtime object on the same state, as after a restart of the controller. */
  async reopen(): Promise<ObservedRuntime> {
    await this.#observed?.runtime.close();
    const { stateDirectory, ownerId } = this;
    this.#observed = new ObservedRuntime(await this.subject.open({ stateDirectory, ownerId }));
    await this.#observed.see('ready', (seen) => seen.kind === 'ready');
    return this.#observed;
  }

  async clear(): Promise<void> {
    for (const id of this.#ids) await this.runtime.forget(id, false);
    await this.runtime.close();
    await rm(this.files, { recursive: true, force: true });
  }

  nextId(): string {
    this.#sequence += 1;
    const id = attemptId(this.ownerId, this.#sequence);
    this.#ids.push(id);
    return id;
  }

  sh(script: string, more: Partial<Executor> = {}): Executor {
    return anExecutor(this.subject.image, ['/bin/sh', '-c', script], more);
  }

  order(parts: Partial<OrderParts> & { readonly executors: readonly Executor[] }): AttemptOrder {
    return anOrder({ attemptId: this.nextId(), target: this.subject.target, ...parts });
  }

  /** Starts an order of one script and waits for its end. */
  async run(script: string, parts: Partial<OrderParts> = {}) {
    const order = this.order({ executors: [this.sh(script)], ...parts });
    this.runtime.start(order);
    return { id: order.attemptId, end: await this.observed.ended(order.attemptId) };
  }

  url(name: string): string {
    return pathToFileURL(join(this.files, name)).href;
  }

  read(name: string): Promise<string> {
    return readFile(join(this.files, name), 'utf8');
  }
}

function testEnds(house: House): void {
  it('says what its machine has, and gives out no more than that', async () => {
    const seen = await house.observed.see('ready', (observation) => observation.kind === 'ready');
    assert(seen.kind === 'ready');
    const { capacity, total, platform, runtimeKey, label } = seen.description;
    assert.equal(runtimeKey, house.runtime.runtimeKey);
    assert.match(platform, /^[a-z]+\/[a-z0-9]+/);
    assert.ok(label.length > 0);
    for (const dimension of ['cpuUnits', 'memoryMib', 'diskMib', 'gpus'] as const) {
      assert.ok(Number.isInteger(capacity[dimension]), `${dimension} is whole`);
      assert.ok(capacity[dimension] <= total[dimension], `${dimension} given out is at most what there is`);
    }
    assert.ok(capacity.cpuUnits > 0 && capacity.memoryMib > 0);
  });

  it('an attempt that exits with 0 runs, then succeeds', async () => {
    const { id, end } = await house.run('exit 0');
    assert.equal(end.state, 'succeeded', end.reason);
    assert.equal(end.cause, 'exit');
    assert.equal(end.exitCode, 0);
    assert.ok(end.startedAtMs !== null && end.startedAtMs <= end.endedAtMs);
    assert.equal(house.observed.count('running', id), 1);
    const kinds = house.observed.observations.filter((seen) => 'attemptId' in seen && seen.attemptId === id);
    assert.equal(kinds.at(-1)?.kind, 'ended', 'nothing is said after the end');
  });

  it('an attempt that exits with another code fails, and its last words are the reason', async () => {
    const { end } = await house.run('echo reading >&2; echo "frame file is empty" >&2; echo; exit 7');
    assert.equal(end.state, 'failed');
    assert.equal(end.cause, 'exit');
    assert.equal(end.exitCode, 7);
    assert.equal(end.reason, 'exit 7: "frame file is empty"');
  });

  it('an attempt that says nothing fails with its exit code alone', async () => {
    const { end } = await house.run('exit 3');
    assert.equal(end.reason, 'exit 3');
  });

  it('a command that does not exist is a failed start that names it', async () => {
    const executor = anExecutor(house.subject.image, ['/no/such/program', 'x']);
    const order = house.order({ executors: [executor] });
    house.runtime.start(order);
    const end = await house.observed.ended(order.attemptId);
    assert.equal(end.state, 'failed');
    assert.equal(end.cause, 'start');
    assert.match(end.reason, /\/no\/such\/program/);
  });

  it('an attempt over its time is ended by the runtime', async () => {
    const { end } = await house.run('sleep 600', { timeoutMs: 1_500 });
    assert.equal(end.state, 'failed');
    assert.equal(end.cause, 'timeout');
    assert.ok(end.startedAtMs !== null && end.endedAtMs - end.startedAtMs >= 1_000, 'not before its time');
  });

  it('an attempt that takes more memory than it asked for is ended as out of memory, with the limit named', async () => {
    const { end } = await house.run('x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done', { resources: { memoryMib: 32 } });
    assert.equal(end.state, 'failed');
    assert.equal(end.cause, 'oom', end.reason);
    assert.match(end.reason, /32 MiB/);
  });

  it('the environment of its executor is there, and its values are taken as they are', async () => {
    const env = { GREETING: 'a b  "c" $d `e`', EMPTY: '' };
    const executor = house.sh('echo "[$GREETING][$EMPTY]"', { env });
    const { id } = await house.run('', { executors: [executor] });
    assert.equal((await house.observed.logs(id))[0]?.text, '[a b  "c" $d `e`][]');
  });
}

function testStops(house: House): void {
  const end = { state: 'cancelled', cause: 'cancelled', reason: 'cancelled by you' } as const;

  it('a stopped attempt gets SIGTERM and time to end', async () => {
    const order = house.order({
      executors: [house.sh('trap "echo saved; exit 0" TERM; echo up; while :; do sleep 0.1; done')],
    });
    house.runtime.start(order);
    await house.observed.logged(order.attemptId, (line) => line.text === 'up');
    house.runtime.stop(order.attemptId, { gracePeriodMs: 60_000, end });
    const ended = await house.observed.ended(order.attemptId);
    assert.equal(ended.state, 'cancelled');
    assert.equal(ended.cause, 'cancelled');
    assert.equal(ended.reason, 'cancelled by you');
    assert.ok((await house.observed.logs(order.attemptId)).some((line) => line.text === 'saved'));
  });

  it('an attempt that ignores SIGTERM is killed after its grace period', async () => {
    const order = house.order({ executors: [house.sh('trap "" TERM; echo up; while :; do sleep 0.1; done')] });
    house.runtime.start(order);
    await house.observed.logged(order.attemptId, (line) => line.text === 'up');
    house.runtime.stop(order.attemptId, { gracePeriodMs: 1_000, end });
    assert.equal((await house.observed.ended(order.attemptId)).cause, 'cancelled');
  });

  it('an attempt stopped at once after its start ends once, as asked', async () => {
    const order = house.order({ executors: [house.sh('sleep 600')] });
    house.runtime.start(order);
    house.runtime.stop(order.attemptId, { gracePeriodMs: 0, end });
    assert.equal((await house.observed.ended(order.attemptId)).state, 'cancelled');
    const sightings = await house.runtime.list();
    assert.ok(!sightings.some((seen) => seen.attemptId === order.attemptId && seen.isRunning));
    assert.equal(house.observed.count('ended', order.attemptId), 1);
  });
}

function testLogs(house: House): void {
  it('keeps both streams apart, and bytes that are no UTF-8 readable', async () => {
    const { id } = await house.run(String.raw`printf 'good\n'; printf 'a\377b\n'; printf 'bad\n' >&2; printf 'no end'`);
    const lines = await house.observed.logs(id);
    const of = (stream: string) => lines.filter((line) => line.stream === stream).map((line) => line.text);
    assert.deepEqual(of('stdout'), ['good', 'a\\xffb', 'no end']);
    assert.deepEqual(of('stderr'), ['bad']);
    assert.ok(lines.every((line) => Math.abs(line.atMs - Date.now()) < 3_600_000));
  });

  it('loses no last words, of short attempts and of longer ones', async () => {
    const scripts = ['', 'sleep 0.5; '].flatMap((wait) => Array.from({ length: 10 }, () => wait));
    const ended = await Promise.all(scripts.map((wait) => house.run(`echo one; ${wait}echo two >&2; printf three`)));
    for (const { id } of ended) {
      const texts = (await house.observed.logs(id)).map((line) => line.text);
      assert.deepEqual(texts.sort(), ['one', 'three', 'two']);
    }
  });

  it('keeps a line longer than any buffer whole', async () => {
    const { id } = await house.run(`head -c 50000 /dev/zero | tr '\\000' x; echo; echo after`);
    const texts = (await house.observed.logs(id)).map((line) => line.text);
    assert.deepEqual(
      texts.map((text) => text.length),
      [50_000, 5],
    );
  });

  it('gives the last lines, and lines while they come', async () => {
    const order = house.order({ executors: [house.sh('echo one; echo two; sleep 1; echo three')] });
    const { attemptId: id } = order;
    house.runtime.start(order);
    await house.observed.running(id);
    const followed = await house.observed.logs(id, { follow: true });
    assert.deepEqual(
      followed.map((line) => line.text),
      ['one', 'two', 'three'],
    );
    await house.observed.ended(id);
    const tail = await house.observed.logs(id, { follow: false, tail: 2 });
    assert.deepEqual(
      tail.map((line) => line.text),
      ['two', 'three'],
    );
  });

  it('has no lines of an attempt that it does not know', async () => {
    assert.deepEqual(await house.observed.logs(house.nextId()), []);
  });
}

function testFiles(house: House): void {
  it('brings inputs in before the start and takes outputs out after the end', async () => {
    await writeFile(join(house.files, 'in.txt'), 'seven\n');
    const { end } = await house.run('mkdir -p results/deep; tr a-z A-Z < data/in.txt > results/deep/out.txt', {
      inputs: [{ url: house.url('in.txt'), path: 'data/in.txt' }],
      outputs: [
        { url: house.url('out.txt'), path: 'results/deep/out.txt' },
        { url: house.url('all'), path: 'results' },
      ],
    });
    assert.equal(end.state, 'succeeded', end.reason);
    assert.equal(await house.read('out.txt'), 'SEVEN\n');
    assert.equal(await house.read('all/deep/out.txt'), 'SEVEN\n');
  });

  it('results belong to the owner of the order', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
    const { end } = await house.run('echo x > mine.txt', {
      owner: { uid: 4242, gid: 4343 },
      outputs: [{ url: house.url('mine.txt'), path: 'mine.txt' }],
    });
    assert.equal(end.state, 'succeeded', end.reason);
    const { uid, gid } = await stat(join(house.files, 'mine.txt'));
    assert.deepEqual([uid, gid], [4242, 4343]);
  });

  it('an input that is not there is a failure before anything runs', async () => {
    const { id, end } = await house.run('echo ran', { inputs: [{ url: house.url('nothing'), path: 'nothing' }] });
    assert.equal(end.state, 'failed');
    assert.equal(end.cause, 'input');
    assert.match(end.reason, /nothing/);
    assert.equal(end.startedAtMs, null);
    assert.equal(house.observed.count('running', id), 0);
  });

  it('an output that is not there after exit 0 is a failure that names it', async () => {
    const { end } = await house.run('exit 0', { outputs: [{ url: house.url('never'), path: 'never.txt' }] });
    assert.equal(end.state, 'failed');
    assert.equal(end.cause, 'output');
    assert.equal(end.exitCode, 0);
    assert.match(end.reason, /never\.txt/);
  });

  it('a failed program stays the reason where its outputs are missing too', async () => {
    const { end } = await house.run('exit 4', { outputs: [{ url: house.url('never'), path: 'never.txt' }] });
    assert.equal(end.cause, 'exit');
    assert.equal(end.reason, 'exit 4');
  });
}

function testExecutors(house: House): void {
  it('runs executors in order in one workspace, and a failure that may be ignored does not end them', async () => {
    const { id, end } = await house.run('', {
      executors: [
        house.sh('echo first > made; echo one'),
        house.sh('echo two; exit 5', { ignoreError: true }),
        house.sh('cat made; echo three'),
      ],
      outputs: [{ url: house.url('made'), path: 'made' }],
    });
    assert.equal(end.state, 'succeeded', end.reason);
    assert.equal(end.exitCode, 0);
    assert.equal(await house.read('made'), 'first\n');
    const texts = (await house.observed.logs(id)).map((line) => line.text);
    assert.deepEqual(texts, ['one', 'two', 'first', 'three']);
    assert.equal(house.observed.count('running', id), 1);
  });

  it('the first failure that counts ends the attempt', async () => {
    const { id, end } = await house.run('', { executors: [house.sh('exit 9'), house.sh('echo never')] });
    assert.equal(end.state, 'failed');
    assert.equal(end.exitCode, 9);
    assert.deepEqual(await house.observed.logs(id), []);
  });

  it('an executor reads and writes the files named for its streams', async () => {
    const lower = `it's "in".txt`;
    await writeFile(join(house.files, 'stdin.txt'), 'through\n');
    const { end } = await house.run('', {
      executors: [house.sh('cat; echo wrong >&2', { stdin: lower, stdout: 'out dir/o.txt', stderr: 'e.txt' })],
      inputs: [{ url: house.url('stdin.txt'), path: lower }],
      outputs: [
        { url: house.url('o.txt'), path: 'out dir/o.txt' },
        { url: house.url('e.txt'), path: 'e.txt' },
      ],
    });
    assert.equal(end.state, 'succeeded', end.reason);
    assert.equal(await house.read('o.txt'), 'through\n');
    assert.equal(await house.read('e.txt'), 'wrong\n');
  });
}

function testOwnership(house: House): void {
  it('lists what it has, until it is told to forget it', async () => {
    const { id } = await house.run('exit 0');
    const has = async () => (await house.runtime.list()).find((seen) => seen.attemptId === id);
    assert.equal((await has())?.isRunning, false);
    await house.runtime.forget(id, false);
    assert.equal(await has(), undefined);
    await house.runtime.forget(id, false);
  });

  it('lists nothing that belongs to another owner', async () => {
    const order = house.order({ executors: [house.sh('sleep 600')] });
    house.runtime.start(order);
    await house.observed.running(order.attemptId);
    const stateDirectory = join(house.files, 'other-state');
    const other = new ObservedRuntime(await house.subject.open({ stateDirectory, ownerId: randomUUID() }));
    try {
      await other.see('ready', (seen) => seen.kind === 'ready');
      assert.deepEqual(await other.runtime.list(), []);
      await other.runtime.forget(order.attemptId, false);
    } finally {
      await other.runtime.close();
    }
    const mine = (await house.runtime.list()).find((seen) => seen.attemptId === order.attemptId);
    assert.equal(mine?.isRunning, true);
    house.runtime.stop(order.attemptId, {
      gracePeriodMs: 0,
      end: { state: 'cancelled', cause: 'cancelled', reason: 'x' },
    });
    await house.observed.ended(order.attemptId);
  });

  it('a secret reaches the program and nobody else', async () => {
    const secret = 'canary-5d41402abc4b2a76';
    const order = house.order({
      executors: [house.sh('case "$TOKEN" in canary-*) echo matched $(echo -n "$TOKEN" | wc -c);; esac; sleep 1')],
      secrets: { TOKEN: secret },
    });
    house.runtime.start(order);
    await house.observed.logged(order.attemptId, (line) => line.text === `matched ${secret.length}`);
    const visible = (await house.subject.visible?.(order.attemptId)) ?? '';
    assert.ok(!visible.includes(secret), 'not in what others can see');
    await house.observed.ended(order.attemptId);
    assert.ok(!JSON.stringify(house.observed.observations).includes(secret), 'not in observations');
  });
}

function testAdoption(house: House): void {
  it('the same order started twice is one start with one end', async () => {
    const order = house.order({ executors: [house.sh('echo once; sleep 1')] });
    house.runtime.start(order);
    house.runtime.start(order);
    await house.observed.ended(order.attemptId);
    house.runtime.start(order);
    house.runtime.adopt(order);
    await house.run('exit 0');
    const texts = (await house.observed.logs(order.attemptId)).map((line) => line.text);
    assert.deepEqual(texts, ['once']);
    assert.equal(house.observed.count('running', order.attemptId), 1);
  });

  it('an attempt goes on without the runtime, and a new one brings it to its end', async () => {
    const order = house.order({
      executors: [house.sh('echo before; sleep 3; echo after; echo done > out.txt; exit 0'), house.sh('cat out.txt')],
      outputs: [{ url: house.url('adopted.txt'), path: 'out.txt' }],
    });
    house.runtime.start(order);
    await house.observed.logged(order.attemptId, (line) => line.text === 'before');
    const observed = await house.reopen();
    const sighting = (await observed.runtime.list()).find((seen) => seen.attemptId === order.attemptId);
    assert.ok(sighting);
    observed.runtime.adopt(order);
    const end = await observed.ended(order.attemptId);
    assert.equal(end.state, 'succeeded', end.reason);
    assert.equal(await house.read('adopted.txt'), 'done\n');
    const texts = (await observed.logs(order.attemptId)).map((line) => line.text);
    assert.deepEqual(texts, ['before', 'after', 'done']);
  });

  it('the exit code of an attempt that ended while nobody looked is not lost', async () => {
    const order = house.order({ executors: [house.sh('echo before; sleep 1; echo "last words" >&2; exit 7')] });
    house.runtime.start(order);
    await house.observed.logged(order.attemptId, (line) => line.text === 'before');
    await house.runtime.close();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const observed = await house.reopen();
    observed.runtime.adopt(order);
    const end = await observed.ended(order.attemptId);
    assert.equal(end.exitCode, 7);
    assert.equal(end.reason, 'exit 7: "last words"');
    const texts = (await observed.logs(order.attemptId)).map((line) => line.text);
    assert.deepEqual(texts, ['before', 'last words']);
  });

  it('the time limit of an adopted attempt counts from its own start', async () => {
    const order = house.order({ executors: [house.sh('echo up; sleep 600')], timeoutMs: 3_000 });
    house.runtime.start(order);
    await house.observed.logged(order.attemptId, (line) => line.text === 'up');
    await house.runtime.close();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const observed = await house.reopen();
    observed.runtime.adopt(order);
    const end = await observed.ended(order.attemptId);
    assert.equal(end.cause, 'timeout');
    assert.ok(end.startedAtMs !== null && end.endedAtMs - end.startedAtMs >= 2_500);
  });

  it('an attempt that was adopted can be stopped', async () => {
    const order = house.order({ executors: [house.sh('echo up; sleep 600')] });
    house.runtime.start(order);
    await house.observed.logged(order.attemptId, (line) => line.text === 'up');
    const observed = await house.reopen();
    observed.runtime.adopt(order);
    observed.runtime.stop(order.attemptId, {
      gracePeriodMs: 0,
      end: { state: 'preempted', cause: 'preempted', reason: 'made room' },
    });
    assert.equal((await observed.ended(order.attemptId)).state, 'preempted');
    const sighting = (await observed.runtime.list()).find((seen) => seen.attemptId === order.attemptId);
    assert.ok(!sighting?.isRunning, 'it runs on');
  });
}

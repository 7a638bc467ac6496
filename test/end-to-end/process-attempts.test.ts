// What only plain processes can do to a machine: leave children behind, borrow a pid, fill a disk, see an environment.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { anExecutor } from '../support/an-order.ts';
import { diskBytes, ProcessHouse, sh } from '../support/process-house.ts';
import { waitFor } from '../support/wait-for.ts';

const CANCELLED = { state: 'cancelled', cause: 'cancelled', reason: 'cancelled by you' } as const;
const MIB = 1024 * 1024;

const nobodyIsLeft = (house: ProcessHouse): Promise<void> =>
  waitFor('the end of all processes', () => house.marked().length === 0);

/** Somebody else's process, leader of its own session. It answers as long as it has not been killed. */
function spawnForeign(context: TestContext) {
  const child = spawn('cat', [], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  context.after(() => child.kill('SIGKILL'));
  assert(child.pid !== undefined);
  return {
    pid: child.pid,
    async answers(): Promise<boolean> {
      child.stdin.on('error', () => undefined);
      child.stdin.write('alive?\n');
      return Promise.race([once(child.stdout, 'data').then(() => true), once(child, 'exit').then(() => false)]);
    },
  };
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const statOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').trim();

/** The records that a wrapper of that pid would have left. */
function plantRecords(
  house: ProcessHouse,
  records: { readonly id: string; readonly boot: string; readonly stat: string; readonly exitCode?: number },
): void {
  const run = house.runDirectory(records.id);
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, 'claim.0'), `${records.boot} ${records.stat}\n`);
  const anHourAgo = Date.now() / 1000 - 3600;
  utimesSync(join(run, 'claim.0'), anHourAgo, anHourAgo);
  if (records.exitCode !== undefined) writeFileSync(join(run, 'exit.0'), `${records.exitCode}\n`);
}

test('a stop reaches grandchildren, also those with a session of their own', async (context) => {
  const house = await ProcessHouse.build(context);
  const order = house.start('setsid sleep 600 & (sleep 600 & sleep 600) & sleep 600 & echo up; wait');
  await house.observed.logged(order.attemptId, (line) => line.text === 'up');
  await waitFor('four sleeping processes', () => house.marked().length >= 6);
  house.observed.runtime.stop(order.attemptId, { gracePeriodMs: 0, end: CANCELLED });
  assert.equal((await house.observed.ended(order.attemptId)).state, 'cancelled');
  await nobodyIsLeft(house);
});

test('what a program leaves running ends with it, however short it was', async (context) => {
  const house = await ProcessHouse.build(context);
  const { end } = await house.run('sleep 600 & setsid sleep 600 & (setsid sleep 600 &) & exit 0');
  assert.equal(end.state, 'succeeded');
  await nobodyIsLeft(house);
});

test('a process that goes on printing after the end of its program holds nobody up', async (context) => {
  const house = await ProcessHouse.build(context);
  const { end } = await house.run('setsid yes & exit 0');
  assert.equal(end.state, 'succeeded');
  await nobodyIsLeft(house);
});

test('what was left behind by an attempt that is forgotten ends when the runtime is opened again', async (context) => {
  const house = await ProcessHouse.build(context);
  const { id } = await house.run('exit 0');
  await house.observed.runtime.forget(id, false);
  await house.observed.runtime.close();
  const env = { PATH: '/usr/bin:/bin', DISTRIBUTO_ATTEMPT: id, DISTRIBUTO_OWNER: house.ownerId };
  const stray = spawn('sleep', ['600'], { env, detached: true, stdio: 'ignore' });
  context.after(() => stray.kill('SIGKILL'));
  await waitFor('the stray process', () => house.marked().length === 1);
  await house.reopen();
  await nobodyIsLeft(house);
});

test('a wrapper that is killed takes its command with it, and the attempt counts as interrupted', async (context) => {
  const house = await ProcessHouse.build(context);
  const order = house.start('echo up; sleep 600');
  await house.observed.logged(order.attemptId, (line) => line.text === 'up');
  const claim = readFileSync(join(house.runDirectory(order.attemptId), 'claim.0'), 'utf8');
  process.kill(Number(claim.split(' ')[1]), 'SIGKILL');
  const end = await house.observed.ended(order.attemptId);
  assert.equal(end.state, 'interrupted');
  assert.match(end.reason, /shell was killed/);
  assert.ok(end.startedAtMs !== null && end.endedAtMs >= end.startedAtMs);
  await nobodyIsLeft(house);
});

test('a program that stops its whole group, the wrapper too, can still be ended', async (context) => {
  const house = await ProcessHouse.build(context);
  const order = house.start('echo up; kill -STOP 0');
  await house.observed.logged(order.attemptId, (line) => line.text === 'up');
  house.observed.runtime.stop(order.attemptId, { gracePeriodMs: 200, end: CANCELLED });
  const end = await house.observed.ended(order.attemptId);
  assert.equal(end.state, 'cancelled');
  assert.equal(end.exitCode, 137);
  await nobodyIsLeft(house);
});

test('a second stop with less grace shortens the first', async (context) => {
  const house = await ProcessHouse.build(context);
  const order = house.start('trap "" TERM; echo up; while :; do sleep 0.1; done');
  await house.observed.logged(order.attemptId, (line) => line.text === 'up');
  house.observed.runtime.stop(order.attemptId, { gracePeriodMs: 3_600_000, end: CANCELLED });
  house.observed.runtime.stop(order.attemptId, { gracePeriodMs: 0, end: CANCELLED });
  assert.equal((await house.observed.ended(order.attemptId)).state, 'cancelled');
});

test('after a reboot an attempt without an exit code is interrupted, and a process that has its pid now is left alone', async (context) => {
  const house = await ProcessHouse.build(context);
  const foreign = spawnForeign(context);
  const order = house.order({ executors: [sh('exit 0')] });
  plantRecords(house, { id: order.attemptId, boot: '00000000-0000-4000-8000-000000000000', stat: statOf(foreign.pid) });
  house.observed.runtime.adopt(order);
  const end = await house.observed.ended(order.attemptId);
  assert.deepEqual([end.state, end.cause, end.reason], ['interrupted', 'engine', 'the machine was restarted']);
  assert.ok(await foreign.answers());
});

for (const exitCode of [undefined, 7]) {
  const how = exitCode === undefined ? 'without an exit code' : 'with its exit code';
  test(`a process that got the pid of a dead wrapper (${how}) is neither followed nor killed`, async (context) => {
    const house = await ProcessHouse.build(context);
    const foreign = spawnForeign(context);
    const fields = statOf(foreign.pid).split(' ');
    fields[21] = String(Number(fields[21]) - 1000);
    const order = house.order({ executors: [sh('exit 0')] });
    const records = { id: order.attemptId, boot: bootId(), stat: fields.join(' ') };
    plantRecords(house, exitCode === undefined ? records : { ...records, exitCode });
    house.observed.runtime.adopt(order);
    const end = await house.observed.ended(order.attemptId);
    assert.equal(end.state, exitCode === undefined ? 'interrupted' : 'failed');
    assert.equal(end.exitCode, exitCode ?? null);
    assert.ok(await foreign.answers());
  });
}

test('an attempt of which nothing is left is lost, not started again', async (context) => {
  const house = await ProcessHouse.build(context);
  const ran = join(house.folder, 'ran');
  const order = house.order({ executors: [sh(`echo ran > ${ran}`)] });
  house.observed.runtime.adopt(order);
  assert.equal((await house.observed.ended(order.attemptId)).state, 'lost');
  assert.ok(!existsSync(ran));
});

test('a program sees the environment of its order and nothing of the controller', async (context) => {
  process.env.DISTRIBUTO_TEST_CANARY = 'canary-7f3a';
  context.after(() => delete process.env.DISTRIBUTO_TEST_CANARY);
  const house = await ProcessHouse.build(context);
  const executor = anExecutor('', ['env'], { env: { GIVEN: 'yes', 'odd.name': 'kept' } });
  const { end, lines } = await house.run('', { executors: [executor], secrets: { TOKEN: 's3' } });
  assert.equal(end.state, 'succeeded', end.reason);
  const names = lines.map((line) => line.slice(0, line.indexOf('='))).filter((name) => name !== 'PWD' && name !== '_');
  const ours = ['DISTRIBUTO_ATTEMPT', 'DISTRIBUTO_NAME', 'DISTRIBUTO_OWNER'];
  assert.deepEqual(names.sort(), [...ours, 'GIVEN', 'HOME', 'LANG', 'PATH', 'TMPDIR', 'TOKEN', 'odd.name'].sort());
  assert.ok(!lines.join('\n').includes('canary-7f3a'));
});

test('commands that cannot be started say which and why; words that a shell knows are no commands', async (context) => {
  const house = await ProcessHouse.build(context);
  const plain = join(house.folder, 'plain');
  writeFileSync(plain, 'no program\n');
  const closed = join(house.folder, 'closed');
  writeFileSync(closed, '#!/bin/sh\n');
  const orphan = join(house.folder, 'orphan');
  writeFileSync(orphan, '#!/no/such/interpreter\n');
  const foreign = join(house.folder, 'foreign');
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(8, 18); // MIPS
  writeFileSync(foreign, header);
  for (const path of [plain, orphan, foreign]) chmodSync(path, 0o755);
  chmodSync(closed, 0o644);
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['no-such-program', 'x'], /no-such-program was not found; PATH is \/usr\/bin:\/bin/],
    [['exit', '3'], /command exit was not found/],
    [['./missing'], /\.\/missing: no such file/],
    [[closed], /closed: permission denied/],
    [[plain], /plain: exec format error/],
    [[orphan], /interpreter \/no\/such\/interpreter is not there/],
    [[foreign], /foreign: exec format error: it is built for another processor/],
    [['/bin'], /is a directory/],
    [['/bin/echo', 'x'.repeat(3 * MIB)], /longer than this system takes/],
  ];
  for (const [command, expected] of cases) {
    const { end } = await house.run('', { executors: [anExecutor('', command)] });
    assert.equal(end.cause, 'start', end.reason);
    assert.match(end.reason, expected);
    assert.equal(end.startedAtMs, null);
  }
});

test('paths of an executor that climb out of its workspace are refused', async (context) => {
  const house = await ProcessHouse.build(context);
  for (const more of [{ workdir: '../..' }, { stdout: '../../over.txt' }, { stderr: 'a/../../x' }, { stdin: '../x' }]) {
    const { end } = await house.run('', { executors: [sh('pwd', more)] });
    assert.deepEqual([end.state, end.cause], ['failed', 'start']);
    assert.match(end.reason, /\.\./);
  }
  assert.deepEqual(
    readdirSync(house.stateDirectory).filter((name) => name === 'over.txt' || name === 'x'),
    [],
  );
});

test('the last words of a program whose stderr goes to a file are read there', async (context) => {
  const house = await ProcessHouse.build(context);
  const { end } = await house.run('', { executors: [sh('echo "no licence" >&2; exit 4', { stderr: 'logs/err.txt' })] });
  assert.equal(end.reason, 'exit 4: "no licence"');
});

test('memory is that of all processes together, and pages that they share are counted once', async (context) => {
  const house = await ProcessHouse.build(context);
  const grow = 'x=$(head -c 30000000 /dev/zero | tr "\\000" x)';
  const apart = await house.run(`for i in 1 2 3; do ( ${grow}; sleep 600; : ) & done; wait`, {
    resources: { memoryMib: 80 },
  });
  assert.equal(apart.end.cause, 'oom', apart.end.reason);
  assert.match(apart.end.reason, /80 MiB/);
  assert.ok((apart.end.peakMemoryMib ?? 0) > 80);
  const shared = await house.run(`${grow}; for i in 1 2 3 4 5; do ( sleep 4; : ) & done; wait`, {
    resources: { memoryMib: 100 },
  });
  assert.equal(shared.end.state, 'succeeded', shared.end.reason);
  await nobodyIsLeft(house);
});

test('100 MB of output take the limit and a bounded amount, and keep their beginning and end', async (context) => {
  const limitBytes = 4 * MIB;
  const house = await ProcessHouse.build(context, limitBytes);
  const last = 1_300_000;
  const order = house.start(`for i in 1 2 3 4 5 6 7 8 9 10; do seq 1 ${last}; sleep 0.5; done; echo done`);
  let highest = 0;
  let isEnded = false;
  const ended = house.observed.ended(order.attemptId).then((end) => {
    isEnded = true;
    return end;
  });
  await waitFor('the end of a program that prints much', () => {
    highest = Math.max(highest, diskBytes(house.stateDirectory));
    return isEnded;
  });
  assert.equal((await ended).state, 'succeeded');
  // 16 MiB are given back at once; some more may be printed before we look again.
  assert.ok(highest < limitBytes + 48 * MIB, `${highest} bytes at most`);
  assert.ok(diskBytes(join(house.stateDirectory, 'attempts')) < limitBytes + MIB);
  const lines = await house.observed.logs(order.attemptId);
  assert.deepEqual(
    lines.slice(0, 3).map((line) => line.text),
    ['1', '2', '3'],
  );
  assert.deepEqual(
    lines.slice(-2).map((line) => line.text),
    [String(last), 'done'],
  );
  assert.ok(lines.some((line) => line.stream === 'distributo' && /bytes of output left out here/.test(line.text)));
});

test('nothing remains of a silent attempt that is forgotten; a kept workspace and a log do', async (context) => {
  const house = await ProcessHouse.build(context);
  const { id } = await house.run('echo made > file');
  await house.observed.runtime.forget(id, false);
  assert.deepEqual(readdirSync(house.runDirectory('')), []);
  const silent = join(house.stateDirectory, 'attempts', id.slice(0, -2));
  assert.deepEqual(existsSync(silent) ? readdirSync(silent) : [], []);
  const kept = await house.run('echo made > file; echo said; exit 1');
  await house.observed.runtime.forget(kept.id, true);
  const folder = join(silent, kept.id);
  assert.equal(readFileSync(join(folder, 'workspace', 'file'), 'utf8'), 'made\n');
  assert.equal((await house.observed.logs(kept.id))[0]?.text, 'said');
});

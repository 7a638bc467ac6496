// The command line as a user types it, on plain processes: runs from the file to their end and what can be done with them.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CliHouse } from '../support/cli-house.ts';
import { waitFor } from '../support/wait-for.ts';

const SMALL = 'resources: { cpu: 0.1, memory: 16MiB }';
const sh = (script: string): string => `command: [sh, -c, ${JSON.stringify(script)}]`;

test('a run of ten tasks ends with a table, the place of its results and exit 0', async (t) => {
  const house = await CliHouse.build(t);
  const outputs = 'outputs: [{ url: "./out/${index}.txt", path: result.txt }]';
  const file = await house.job(
    'ten',
    sh('echo line ${index}; echo ${index} > result.txt'),
    'array: { count: 10 }',
    outputs,
    SMALL,
  );
  const done = await house.run('run', file);
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /TASK\s+STATUS\s+ATTEMPTS/);
  assert.equal(done.out.match(/succeeded/g)?.length, 11);
  assert.match(done.out, /10 succeeded in .*Results: \.\/out \(10 files, 20 B\)/);
  assert.match(done.err, /ten-1: 10 tasks on this machine \(process runtime, .*10 at a time/);
  assert.ok(![...done.out, ...done.err].includes('\u001b'), 'no escape codes without a terminal');
  assert.equal(readFileSync(house.path('out/7.txt'), 'utf8'), '7\n');

  const logs = await house.run('logs', 'ten-1/3');
  assert.match(logs.out, /^ {2}line 3$/m);
  const many = await house.run('logs', 'ten-1', '--match', 'line [12]$');
  assert.equal(many.out.trim().split('\n').length, 2);
  const json = await house.run('logs', 'ten-1/3', '-o', 'ndjson');
  assert.deepEqual(Object.keys(JSON.parse(json.out) as object), ['task', 'attempt', 'atMs', 'stream', 'text']);

  const listed = await house.run('results', 'ten-1', '-o', 'name');
  assert.equal(listed.out.trim().split('\n').length, 10);
  const fetched = await house.run('results', 'ten-1', 'copy');
  assert.equal(fetched.code, 0, fetched.err);
  assert.ok(existsSync(house.path('copy/7.txt')));

  const status = await house.run('status', 'ten-1');
  assert.match(status.out, /^ten-1 {2}succeeded at /);
  const tasks = await house.run('status', 'ten-1', '--tasks', '-o', 'ndjson');
  assert.equal(tasks.out.trim().split('\n').length, 10);
  const events = await house.run('events', 'ten-1');
  assert.match(events.out, /ten-1 submitted/);
});

test('failed tasks: exit 100, what to do next, why, and a retry of only those', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job(
    'odd',
    sh('[ -e fixed-${index} ] || [ $((${index} % 2)) = 0 ] || { echo "task ${index} is odd" >&2; exit 3; }'),
    'array: { count: 4 }',
    'mounts: []',
    SMALL,
  );
  const done = await house.run('run', file);
  assert.equal(done.code, 100);
  assert.match(done.out, /2 succeeded, 2 failed/);
  assert.match(done.out, /exit 3: "task 1 is odd"/);
  assert.match(
    done.err,
    /distributo logs odd-1\/odd\/1 .*\n.*distributo explain odd-1\/odd\/1 .*\n.*distributo retry odd-1 /,
  );
  const explained = await house.run('explain', 'odd-1/1');
  assert.match(explained.out, /odd-1\/odd\/1 failed on attempt 1: exit 3: "task 1 is odd"/);
  assert.match(explained.out, /What would change it\n.*distributo logs odd-1\/odd\/1/s);
  const failed = await house.run('logs', 'odd-1', '--failed');
  assert.match(failed.out, /odd\/1 +! .*task 1 is odd/);
  const retried = await house.run('retry', 'odd-1');
  assert.match(retried.out, /odd-1: 2 tasks again/);
  const waited = await house.run('wait', 'odd-1', '-o', 'json');
  assert.equal(waited.code, 100);
  assert.equal(
    (await house.run('status', 'odd-1', '--tasks', '--repeated', '-o', 'name')).out,
    'odd-1/odd/1\nodd-1/odd/3\n',
  );
  assert.equal((await house.run('retry', 'odd-1/0')).code, 1, 'a succeeded task is not tried again');
});

test('detach, wait, pause, resume, cancel and remove', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('slow', 'command: [sleep, "60"]', 'array: { count: 3 }', 'stop_grace_period: 1s', SMALL);
  const detached = await house.run('run', file, '-d');
  assert.deepEqual([detached.code, detached.out], [0, 'slow-1\n']);
  assert.equal((await house.run('wait', 'slow-1', '--timeout', '1s')).code, 101);
  assert.equal((await house.run('ps', '-o', 'name')).out, 'slow-1\n');
  assert.match((await house.run('pause', 'slow-1')).out, /paused/);
  assert.match((await house.run('status', 'slow-1')).out, /stopped since .*\n {2}paused by you/);
  assert.equal((await house.run('resume', 'slow-1')).code, 0);
  assert.match((await house.run('rm', 'slow-1', '-y')).err, /only ended runs can be removed/);
  assert.match((await house.run('cancel', 'slow-1')).out, /slow-1: 3 tasks cancelled/);
  assert.equal((await house.run('wait', 'slow-1')).code, 103);
  assert.match((await house.run('rm', 'slow-1')).err, /nobody can be asked here\nnext: distributo rm slow-1 -y/);
  assert.equal((await house.run('rm', 'slow-1', '-y')).code, 0);
  assert.deepEqual(
    readdirSync(house.path('state/attempts'), { recursive: true }).filter((name) => String(name).includes('log')),
    [],
  );
  assert.equal((await house.run('status', 'slow-1')).code, 102);
});

test('ctrl-c only stops watching, and says how to come back', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('long', 'command: [sleep, "30"]', 'stop_grace_period: 1s', SMALL);
  const run = house.start(['run', file]);
  await waitFor('the task to run', async () => /running/.test((await house.run('ps')).out));
  await waitFor('the first lines', async () => run.err().includes('submitted'));
  run.child.kill('SIGINT');
  const { code, err } = await run.ended;
  assert.equal(code, 130);
  assert.match(err, /Detached; long-1 goes on without this window\. Back: distributo run --attach long-1/);
  assert.match((await house.run('ps')).out, /long-1 +running/);
  assert.equal((await house.run('cancel', 'long-1')).code, 0);
});

test('a trial runs the first tasks and offers the rest', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('trial', sh('exit 0'), 'array: { count: 6 }', SMALL);
  const trial = await house.run('run', file, '--first', '2');
  assert.equal(trial.code, 0, trial.err);
  assert.match(trial.out, /2 succeeded, 4 waiting/);
  assert.match(trial.err, /distributo resume trial-1 +run the other 4 tasks/);
  assert.match((await house.run('explain', 'trial-1/5')).out, /only the first 2 are tried/);
  await house.run('resume', 'trial-1');
  assert.equal((await house.run('wait', 'trial-1')).code, 0);
});

test('the same --run-id submits once; standard input is a job file too; --foreground needs no other process', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('once', sh('exit 0'), SMALL);
  for (let time = 0; time < 2; time += 1)
    assert.equal((await house.run('run', file, '-d', '--run-id', 'tonight')).out, 'once-1\n');
  const piped = await house.start(['run', '-', '-o', 'json'], { input: readFileSync(house.path(file), 'utf8') }).ended;
  const { schema, run, outcome, exitCode } = JSON.parse(piped.out) as Record<string, unknown>;
  assert.deepEqual([schema, run, outcome, exitCode], ['distributo/run-result/1', 'once-2', 'succeeded', 0]);
  const alone = await house.start(['run', file, '--foreground'], { env: { DISTRIBUTO_STATE: house.path('alone') } })
    .ended;
  assert.equal(alone.code, 0, alone.err);
  assert.match(
    (await house.start(['controller'], { env: { DISTRIBUTO_STATE: house.path('alone') } }).ended).out,
    /no controller lives/,
  );
});

test('a deadline that passes is told by exit 105', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('late', 'command: [sleep, "2"]', 'deadline: 1s', SMALL);
  const done = await house.run('run', file);
  assert.equal(done.code, 105, done.err);
  assert.match(done.out, /the deadline was missed/);
});

test('jobs depend on one another and matrix values are filled in', async (t) => {
  const house = await CliHouse.build(t);
  await house.write(
    'two.yaml',
    [
      'name: two',
      'jobs:',
      '  make:',
      '    image: none',
      `    ${sh('echo made')}`,
      `    ${SMALL}`,
      '  use:',
      '    image: none',
      `    ${sh('echo ${item.size}-${item.rate}')}`,
      '    array: { matrix: { size: [s, m], rate: [1, 2] } }',
      '    depends_on: [make]',
      `    ${SMALL}`,
      '',
    ].join('\n'),
  );
  const done = await house.run('run', 'two.yaml');
  assert.equal(done.code, 0, done.err + done.out);
  assert.match((await house.run('logs', 'two-1/use/3')).out, /m-2/);
});

// What programs read: every `-o json` is one object in its documented form, `-o ndjson` one item a line, `-o name` names
// alone; nothing else is on stdout. And what many subjects, short tasks and failed dependencies are told.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { z } from 'zod';
import * as answers from '../../src/shells/api/answer-schemas.ts';
import { CliHouse, type Finished } from '../support/cli-house.ts';
import { waitFor } from '../support/wait-for.ts';

const SMALL = 'resources: { cpu: 0.1, memory: 16MiB }';
const sh = (script: string): string => `command: [sh, -c, ${JSON.stringify(script)}]`;
const DOCUMENT = readFileSync(new URL('../../../docs/json.md', import.meta.url), 'utf8');

/** One object on one line, in a form that docs/json.md has; checked against the schema where the API has one. */
function readForm(done: Finished, name: string): Record<string, unknown> {
  assert.equal(done.out.trimEnd().split('\n').length, 1, `one line: ${done.out}`);
  const view = JSON.parse(done.out) as Record<string, unknown>;
  assert.equal(view.schema, `distributo/${name}/1`);
  assert.ok(DOCUMENT.includes(`## distributo/${name}/1`), `docs/json.md has ${name}`);
  const schema = (answers as unknown as Record<string, z.ZodType | undefined>)[name];
  if (schema !== undefined) {
    const parsed = schema.safeParse(view);
    assert.ok(parsed.success, JSON.stringify(parsed.error?.issues));
    return view;
  }
  const section = DOCUMENT.split(`## distributo/${name}/1`)[1]?.split('\n## ')[0] ?? '';
  for (const field of Object.keys(view).filter((key) => key !== 'schema'))
    assert.ok(section.includes(field), `docs/json.md names ${name}.${field}`);
  return view;
}

test('every listing has its documented JSON form, its lines and its names', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job(
    'forms',
    sh('echo ${index} > out.txt; [ ${index} != 1 ] || { echo broken >&2; exit 4; }'),
    'array: { count: 2 }',
    'outputs: [{ path: out.txt, url: "out/${index}.txt" }]',
    SMALL,
  );
  readForm(await house.run('run', file, '-o', 'json'), 'run-result');
  readForm(await house.run('run', file, '-d', '-o', 'json'), 'submitted');
  const wait = readForm(await house.run('wait', 'forms-1', 'forms-2', '-o', 'json'), 'wait');
  assert.deepEqual([wait.exitCode, (wait.runs as unknown[]).length], [100, 2]);
  readForm(await house.run('ps', '-a', '-o', 'json'), 'runs');
  readForm(await house.run('status', 'forms-1', '-o', 'json'), 'run');
  readForm(await house.run('status', 'forms-1', '--tasks', '-o', 'json'), 'tasks');
  readForm(await house.run('explain', 'forms-1', '-o', 'json'), 'explain');
  readForm(await house.run('explain', 'forms-1/1', '-o', 'json'), 'explain');
  readForm(await house.run('events', 'forms-1', '-o', 'json'), 'events');
  const logs = readForm(await house.run('logs', 'forms-1', '-o', 'json'), 'logs');
  assert.deepEqual(
    (logs.lines as { task: string; text: string }[]).map(({ task, text }) => [task, text]),
    [['forms-1/forms/1', 'broken']],
  );
  readForm(await house.run('results', 'forms-1', '-o', 'json'), 'results');
  readForm(await house.run('du', '-o', 'json'), 'disk');
  readForm(await house.run('prune', '-o', 'json'), 'pruned');
  readForm(await house.run('check', '-o', 'json'), 'check');
  readForm(await house.run('config', '-o', 'json'), 'config');
  readForm(await house.run('version', '-o', 'json'), 'version');
  readForm(await house.run('controller', '-o', 'json'), 'controller');
  readForm(await house.run('retry', 'forms-1', '-o', 'json'), 'order');
  await house.run('wait', 'forms-1');
  readForm(await house.run('rm', 'forms-1', 'forms-2', '-y', '-o', 'json'), 'orders');
  readForm(await house.run('status', 'forms-1', '-o', 'json'), 'error');
  readForm(await house.run('logs', '-f', 'forms-1', '-o', 'json'), 'error');
  readForm(await house.run('ps', '--wrong', '-o', 'json'), 'error');
  assert.equal((await house.run('ps', '-a', '-o', 'name')).out, '');
  readForm(await house.run('controller', 'stop', '-o', 'json'), 'stopping');
});

test('logs -f shows every line of tasks that last a moment, and ends with the run', async (t) => {
  const house = await CliHouse.build(t);
  // The first tasks wait until somebody looks; those after them last a moment.
  const go = house.path('go');
  const wait = `while [ ! -e ${go} ]; do sleep 0.05; done; echo said by`;
  const file = await house.job('short', sh(`${wait} \${index}`), 'array: { count: 60 }', SMALL);
  assert.equal((await house.run('run', file, '-d')).code, 0);
  const following = house.start(['logs', '-f', 'short-1', '-o', 'ndjson']);
  await waitFor('the follower to look', async () => following.err().includes('following'));
  await house.write('go', '');
  const followed = await following.ended;
  assert.equal(followed.code, 0, followed.err);
  const said = followed.out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);
  assert.deepEqual(said.sort(), Array.from({ length: 60 }, (_, index) => `said by ${index}`).sort());
  assert.match(followed.err, /following \d+ tasks? of short-1 and each that starts/);
});

test('an order for several subjects is carried out for all that take it, and the refused ones are told', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('many', 'command: [sleep, "60"]', 'stop_grace_period: 1s', SMALL);
  for (let time = 0; time < 2; time += 1) await house.run('run', file, '-d');
  const done = await house.run('cancel', 'many-1', 'nobody-7', 'many-2');
  assert.equal(done.code, 102);
  assert.match(done.out, /many-1: 1 task cancelled.*\nmany-2: 1 task cancelled/);
  assert.match(done.err, /error: there is no run nobody-7/);
  assert.equal((await house.run('wait', 'many-1', 'many-2')).code, 103);
});

test('a job that can never begin says whose failure that was', async (t) => {
  const house = await CliHouse.build(t);
  const jobs = [
    'name: chain',
    'jobs:',
    '  first:',
    '    image: none',
    `    ${sh('echo no >&2; exit 9')}`,
    '    array: { count: 2 }',
    `    ${SMALL}`,
    '  second:',
    '    image: none',
    '    depends_on: [first]',
    `    ${sh('exit 0')}`,
    `    ${SMALL}`,
    '',
  ];
  await house.write('chain.yaml', jobs.join('\n'));
  const done = await house.run('run', 'chain.yaml');
  assert.equal(done.code, 100);
  assert.match(done.out, /second\/0 +cancelled .*job first failed/);
  const run = await house.run('explain', 'chain-1');
  assert.match(run.out, /^chain-1 failed: 2 of 3 tasks failed/);
  assert.match(run.out, /2 failed with exit 9: "no"; the first is chain-1\/first\/0/);
  const task = await house.run('explain', 'chain-1/second/0');
  assert.match(task.out, /was cancelled and never started: job first failed/);
  assert.match(task.out, /distributo retry chain-1$/m);
  const status = await house.run('status', 'chain-1');
  assert.match(status.out, /JOB +DONE +RUNNING +WAITING +FAILED +CANCELLED/);
  assert.match(status.out, /total +0 of 3 +0 +0 +2 +1/);
});

test('a secret from the environment is passed again by the next command after a restart', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job(
    'secret',
    sh('[ "$TOKEN" = s3cret ] && [ -e go ] || sleep 1; [ "$TOKEN" = s3cret ]'),
    'secrets: { TOKEN: "env:MY_TOKEN" }',
    'array: { count: 12 }',
    'resources: { cpu: 1, memory: 16MiB }',
  );
  const env = { MY_TOKEN: 's3cret' };
  assert.equal((await house.start(['run', file, '-d'], { env }).ended).code, 0);
  await house.run('controller', 'stop');
  await waitFor('the next controller to ask for the secret', async () =>
    /waits for MY_TOKEN/.test((await house.run('status', 'secret-1')).err),
  );
  const given = await house.start(['status', 'secret-1'], { env }).ended;
  assert.match(given.err, /passed MY_TOKEN to the controller; the values stay in its memory/);
  assert.doesNotMatch(given.err + given.out, /s3cret/);
  assert.equal((await house.run('wait', 'secret-1')).code, 0);
});

test('completion scripts know the options of each command', async (t) => {
  const house = await CliHouse.build(t);
  const script = (await house.run('completion', 'bash')).out;
  const ask = `${script}
COMP_WORDS=(distributo run --fi); COMP_CWORD=2; _distributo; echo "\${COMPREPLY[@]}"
COMP_WORDS=(distributo sta); COMP_CWORD=1; _distributo; echo "\${COMPREPLY[@]}"
COMP_WORDS=(distributo ps -o n); COMP_CWORD=3; _distributo; echo "\${COMPREPLY[@]}"`;
  const { spawnSync } = await import('node:child_process');
  const completed = spawnSync('bash', ['-c', ask], { encoding: 'utf8' });
  assert.equal(completed.stdout, '--first\nstatus\nndjson name\n', completed.stderr);
});

// Smaller uses of the command line: parameters, pieces of logs, lists for programs, wrong settings, readers that go away.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CliHouse, type Finished } from '../support/cli-house.ts';
import { waitFor } from '../support/wait-for.ts';

const MAIN = fileURLToPath(new URL('../../src/shells/cli/main.js', import.meta.url));
const SMALL = 'resources: { cpu: 0.1, memory: 16MiB }';
const sh = (script: string): string => `command: [sh, -c, ${JSON.stringify(script)}]`;
const linesOf = (done: Finished): string[] => done.out.trimEnd().split('\n');

test('parameters are given on the command line, and an unknown one is refused', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('greet', sh('echo ${greeting}'), 'parameters: { greeting: hello }', SMALL);
  assert.equal((await house.run('run', file, '--set', 'greeting=good day')).code, 0);
  assert.equal((await house.run('logs', 'greet-1/0')).out, '  good day\n');
  const wrong = await house.run('run', file, '--set', 'greting=x');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /--set greting +unknown parameter; nearest: greeting/);
});

test('pieces of logs: the last lines, one attempt, what matches, raw bytes', async (t) => {
  const house = await CliHouse.build(t);
  const script =
    'for i in 1 2 3; do echo line $i; done; printf "\\\\033[1mbold\\\\n"; [ -e again ] || { touch again; exit 1; }';
  await house.write(
    'parts.yaml',
    [
      'name: parts',
      'image: none',
      `command: [sh, -c, '${script.replace('again', `${house.path('again')}`).replace('touch again', `touch ${house.path('again')}`)}']`,
      'retry: { attempts: 2, backoff: 1s }',
      SMALL,
      '',
    ].join('\n'),
  );
  assert.equal((await house.run('run', 'parts.yaml')).code, 0);
  assert.deepEqual(linesOf(await house.run('logs', 'parts-1/0', '--tail', '2')), ['  line 3', '  \\x1b[1mbold']);
  assert.equal(linesOf(await house.run('logs', 'parts-1/0', '--tail', 'all')).length, 4);
  assert.equal(linesOf(await house.run('logs', 'parts-1/0#1', '--match', 'line')).length, 3);
  assert.equal(linesOf(await house.run('logs', 'parts-1/0', '--attempt', '2')).length, 4);
  assert.ok((await house.run('logs', 'parts-1/0', '--raw')).out.includes('\u001b[1mbold'));
  assert.equal((await house.run('logs', 'parts-1/0', '--since', '2020-01-01T00:00Z')).out.length > 0, true);
  const later = await house.run('logs', 'parts-1/0#3');
  assert.equal(later.code, 102, later.err);
});

test('what follows ends when asked to; lists have forms for programs', async (t) => {
  const house = await CliHouse.build(t);
  const go = house.path('go');
  const wait = sh(`echo begun; while [ ! -e ${go} ]; do sleep 0.05; done; echo ended`);
  const file = await house.job('held', wait, 'array: { count: 2 }', SMALL);
  assert.equal((await house.run('run', file, '-d', '-q')).err, '');
  const logs = house.start(['logs', '-f', 'held-1/0']);
  const events = house.start(['events', 'held-1', '-f', '-o', 'ndjson']);
  await waitFor('the first line', async () => logs.out().includes('begun') && events.out().includes('run-submitted'));

  const running = JSON.parse((await house.run('ps', '-o', 'json')).out) as { runs: { run: string; state: string }[] };
  assert.deepEqual(
    running.runs.map(({ run, state }) => [run, state]),
    [['held-1', 'running']],
  );
  assert.equal((JSON.parse((await house.run('ps', '-o', 'ndjson')).out) as { run: string }).run, 'held-1');
  assert.match((await house.run('explain', 'held-1/0')).out, /^held-1\/held\/0 is running: attempt 1 on local/);
  assert.match(
    (await house.run('status', 'held-1', '--tasks', '--only', 'running', '-o', 'name')).out,
    /\/0\n.*\/1\n$/,
  );
  assert.equal((await house.run('status', 'held-1', '--tasks', '--only', 'succeeded')).out, '');

  await house.write('go', '');
  const followed = await logs.ended;
  assert.deepEqual([followed.code, followed.out], [0, '  begun\n  ended\n']);
  await waitFor('the end of the run', async () => /"kind":"run-state".*"succeeded"/.test(events.out()));
  events.child.kill('SIGINT');
  await events.ended;
  for (const line of linesOf({ code: 0, out: events.out(), err: '' })) assert.doesNotThrow(() => JSON.parse(line));
});

test('a reader that has seen enough ends the program without a word', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('many', sh('seq 20000'), SMALL);
  assert.equal((await house.run('run', file)).code, 0);
  const command = `"${process.execPath}" "${MAIN}" logs many-1/0 | head -1`;
  const first = spawnSync('sh', ['-c', command], { cwd: house.folder, env: house.env, encoding: 'utf8' });
  assert.deepEqual([first.stdout, first.stderr], ['  1\n', '']);
});

test('wrong values of options and settings name the choice, and every wrong setting is told', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job('any', 'command: ["true"]', SMALL);
  const told = async (...words: string[]): Promise<string> => {
    const done = await house.run(...words);
    assert.equal(done.code, 2, `${words.join(' ')}: ${done.err}`);
    return done.err;
  };
  assert.match(
    await told('ps', '-o', 'jsno'),
    /error: --output wants table, wide, json, ndjson, name; got "jsno"; nearest: json\n/,
  );
  assert.match(
    await told('run', file, '--runtime', 'dockr'),
    /error: --runtime: expected auto, docker or process, got "dockr"/,
  );
  assert.match(await told('status'), /status wants RUN\nnext: distributo status RUN\n +distributo status --help/);
  assert.match(await told('logs', 'a-1', '--tail', 'many'), /--tail wants a whole number/);
  await house.write('distributo.config.yaml', 'runtme: docker\nidle_end: 60\n');
  const both = await told('config');
  assert.match(
    both,
    /the configuration has 2 problems\n\n.*config\.yaml:1 runtme: unknown setting; nearest: runtime\n.*config\.yaml:2 idle_end: .*unit/,
  );
});

test('refusals at submission have their codes and numbers for programs', async (t) => {
  const house = await CliHouse.build(t);
  const refusal = async (file: string) =>
    JSON.parse((await house.run('run', file, '-o', 'json')).out) as Record<string, unknown> & { details: object };
  const large = await refusal(await house.job('large', 'command: ["true"]', 'resources: { cpu: 1, memory: 900TiB }'));
  assert.deepEqual([large.code, large.exitCode], ['JOB_UNPLACEABLE', 104]);
  const found = await house.run('check', 'large.yaml');
  assert.equal(found.code, 1);
  assert.match(
    found.out,
    /size +a task of large asks [\d,]+ MiB of memory[\s\S]*fix: write at most resources\.memory: \d+MiB for large/,
  );
  assert.match(
    String(large.message),
    /^a task of large asks [\d,]+ MiB of memory; the largest machine gives [\d,]+ MiB of memory$/,
  );
  const secret = await refusal(
    await house.job('secret', 'command: ["true"]', 'secrets: { TOKEN: "env:NOT_SET_HERE" }', SMALL),
  );
  assert.deepEqual([secret.code, /NOT_SET_HERE/.test(String(secret.hint))], ['SECRET_UNAVAILABLE', true]);
  assert.match(
    (await house.run('check', 'secret.yaml')).out,
    /secrets +the variable NOT_SET_HERE is not set\n +fix: export NOT_SET_HERE=/,
  );
  const input = await house.start(['run', '-'], { input: 'name: [' }).ended;
  assert.equal(input.code, 2);
  assert.match(input.err, /standard input|^error: -/m);
  assert.equal((await house.run('ps', '-a', '-o', 'name')).out, '');
});

test('completion for zsh and fish names every command', async (t) => {
  const house = await CliHouse.build(t);
  for (const shell of ['zsh', 'fish']) {
    const script = (await house.run('completion', shell)).out;
    for (const name of ['run', 'status', 'explain', 'completion'])
      assert.ok(script.includes(name), `${shell}: ${name}`);
    assert.ok(script.includes('distributo ps -a -q -o name'), `${shell} completes names of runs`);
  }
});

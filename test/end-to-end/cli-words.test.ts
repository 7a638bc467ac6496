// What the command line says: help, settings, findings, and every kind of wrong use and wrong file.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { DistributoError } from '../../src/domain/errors.ts';
import { checkPlatform } from '../../src/shells/cli/check-platform.ts';
import { COMMAND_NAMES } from '../../src/shells/cli/command-names.ts';
import { CliHouse } from '../support/cli-house.ts';

test('help names every command, and every command has examples', async (t) => {
  const house = await CliHouse.build(t);
  const help = await house.run('--help');
  assert.equal(help.code, 0);
  for (const { name } of COMMAND_NAMES) assert.match(help.out, new RegExp(`^ {2}${name}\\b`, 'm'));
  const helps = await Promise.all(COMMAND_NAMES.map(({ name }) => house.run('help', name)));
  for (const one of helps) assert.match(one.out, /Usage: distributo [\s\S]*Examples:\n {2}/);
});

test('wrong words name the nearest right one and end with 2', async (t) => {
  const house = await CliHouse.build(t);
  const cases: [string[], RegExp][] = [
    [['pss'], /error: there is no command pss; nearest: ps\nnext: distributo --help/],
    [['run', '--frist', '3', 'job.yaml'], /run has no option --frist; nearest: --first/],
    [['run'], /run wants a job file\nnext: distributo run job\.yaml/],
    [['run', 'job.yaml', '--first', 'none'], /--first wants a whole number of at least 1, got "none"/],
    [['status', 'a b'], /"a b" is not the name of a run or task/],
    [['run', 'missing.yaml'], /missing\.yaml: there is no such file\nnext: distributo init/],
    [['run', 'job.yaml', '--set', 'output'], /there is no such file|--set wants NAME=VALUE/],
    [['logs', 'a-1', '--match', '('], /--match: Invalid regular expression/],
    [['completion', 'tcsh'], /there is no completion for tcsh/],
  ];
  for (const [words, expected] of cases) {
    const done = await house.run(...words);
    assert.equal(done.code, 2, `${words.join(' ')}: ${done.err}`);
    assert.match(done.err, expected);
  }
  assert.equal((await house.run('status', 'none-1')).code, 102);
  const json = await house.run('status', 'none-1', '-o', 'json');
  const { schema, code, exitCode } = JSON.parse(json.out) as Record<string, unknown>;
  assert.deepEqual([schema, code, exitCode], ['distributo/error/1', 'NOT_FOUND', 102]);
});

test('a wrong file gets every problem at once, each with its place, and nothing is submitted', async (t) => {
  const house = await CliHouse.build(t);
  await house.write(
    'wrong.yaml',
    [
      'name: Wrong Name',
      'image: busybox',
      'comand: [true]',
      'array: { count: 0 }',
      'resources: { cpu: 1, memory: 512 }',
      'timeout: 10',
      '',
    ].join('\n'),
  );
  const done = await house.run('run', 'wrong.yaml');
  assert.equal(done.code, 2);
  assert.match(done.err, /wrong\.yaml has \d+ problems/);
  for (const expected of [/1:7/, /3:1.*comand/s, /nearest: command/, /4:/, /5:.*memory/s, /6:.*timeout/s])
    assert.match(done.err, expected);
  assert.equal((await house.run('ps', '-a', '-o', 'name')).out, '');
});

test('what cannot be placed, started or given is refused with numbers before it is submitted', async (t) => {
  const house = await CliHouse.build(t);
  const large = await house.job('large', 'command: ["true"]', 'resources: { cpu: 1000, memory: 1MiB }');
  const refused = await house.run('run', large);
  assert.equal(refused.code, 104);
  assert.match(refused.err, /a task of large asks 1000 vCPU; the largest machine gives \d/);
  const secret = await house.job('secret', 'command: ["true"]', 'secrets: { TOKEN: "env:NO_SUCH_TOKEN" }');
  assert.match((await house.run('run', secret)).err, /NO_SUCH_TOKEN/);
  const key = await house.job(
    'key',
    'command: ["true"]',
    'secrets: { KEY: "file:/no/such/key" }',
    'resources: { cpu: 0.1, memory: 16MiB }',
  );
  assert.match((await house.run('run', key)).out, /the secret file:\/no\/such\/key cannot be read \(ENOENT\)/);
  const container = await house.job('container', 'command: ["true"]', 'network: none');
  const plain = await house.run('run', container);
  assert.equal(plain.code, 2, plain.err);
  assert.match(plain.err, /plain processes cannot run this job as it is written\n\n {2}network/);
  const missing = await house.job('missing', 'command: [no-such-program]', 'resources: { cpu: 0.1, memory: 16MiB }');
  const started = await house.run('run', missing);
  assert.equal(started.code, 100);
  assert.match(started.out, /command no-such-program was not found; PATH is/);
});

test('init writes a file that runs, and never overwrites', async (t) => {
  const house = await CliHouse.build(t);
  assert.equal((await house.run('init')).code, 0);
  const again = await house.run('init');
  assert.match(again.err, /job\.yaml is there already and is not overwritten\nnext: distributo init job-2\.yaml/);
  const checked = await house.run('check', 'job.yaml');
  assert.equal(checked.code, 0, checked.out);
  assert.match(checked.out, /nothing stands in the way/);
  const ran = await house.run('run', 'job.yaml', '--set', 'greeting=Good day');
  assert.equal(ran.code, 0, ran.err);
  assert.match((await house.run('logs', 'hello-1/0')).out, /Good day from task 0/);
});

test('settings are shown with their origin; a wrong one is told with its place', async (t) => {
  const house = await CliHouse.build(t);
  await house.write('distributo.config.yaml', 'idle_end: 30s\n');
  const shown = await house.run('config');
  assert.match(shown.out, /idle_end +30s +\S*distributo\.config\.yaml/);
  assert.match(shown.out, /runtime +process +DISTRIBUTO_RUNTIME/);
  const schema = JSON.parse((await house.run('config', 'schema')).out) as { properties?: object };
  assert.ok(JSON.stringify(schema).includes('depends_on'));
  await house.write('distributo.config.yaml', 'idle_ende: 30s\n');
  const wrong = await house.run('config');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /idle_end/);
});

test('du, prune, controller, version and completion do what they say', async (t) => {
  const house = await CliHouse.build(t);
  const file = await house.job(
    'noise',
    'command: [sh, -c, "echo noise; exit 1"]',
    'resources: { cpu: 0.1, memory: 16MiB }',
  );
  await house.run('run', file);
  assert.match((await house.run('du')).out, /logs +\d/);
  assert.match((await house.run('prune', '--all')).out, /freed \d/);
  assert.match((await house.run('logs', 'noise-1/0')).out, /^$|noise/);
  assert.match((await house.run('controller')).out, /controller +\d+, version/);
  assert.match((await house.run('controller', 'stop')).out, /controller \d+ has ended/);
  assert.match((await house.run('version')).out, /^distributo \d+\.\d+\.\d+ \(Node /);
  const script = (await house.run('completion', 'bash')).out;
  assert.equal(spawnSync('bash', ['-n'], { input: script }).status, 0);
});

test('an unknown system is refused with what is supported', () => {
  const isRefusal = (error: unknown): boolean =>
    error instanceof DistributoError && error.code === 'PLATFORM_UNSUPPORTED' && error.hint !== undefined;
  assert.throws(() => checkPlatform('win32', '20.20.0'), isRefusal);
  assert.throws(() => checkPlatform('linux', '18.0.0'), isRefusal);
  checkPlatform('linux', '20.20.0');
  checkPlatform('darwin', '24.0.0');
});

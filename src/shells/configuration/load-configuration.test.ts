import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DistributoError } from '../../domain/errors.ts';
import { type ConfigurationProblem, loadConfiguration } from './load-configuration.ts';

function aHome(t: TestContext): {
  home: string;
  env: Record<string, string>;
  write(path: string, text: string): string;
} {
  const home = mkdtempSync(join(tmpdir(), 'distributo-config-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return {
    home,
    env: { HOME: home },
    write(path, text) {
      const full = join(home, path);
      mkdirSync(join(full, '..'), { recursive: true });
      writeFileSync(full, text);
      return full;
    },
  };
}

const originOf = (configuration: Awaited<ReturnType<typeof loadConfiguration>>, name: string) =>
  configuration.origins.find((one) => one.name === name)?.origin;

async function problemsOf(loading: Promise<unknown>): Promise<ConfigurationProblem[]> {
  let problems: unknown;
  await assert.rejects(loading, (error: DistributoError) => {
    assert.ok(error instanceof DistributoError);
    assert.equal(error.code, 'CONFIG_INVALID');
    problems = error.details.problems;
    return true;
  });
  return problems as ConfigurationProblem[];
}

test('without files every setting has its documented default', async (t) => {
  const { home, env } = aHome(t);
  const { settings } = await loadConfiguration({ env, directory: home });
  assert.deepEqual(settings, {
    stateDirectory: join(home, '.local/state/distributo'),
    backend: 'local',
    runtime: 'auto',
    confirmAboveMicros: 10_000_000,
    keepWorkspacesMs: 86_400_000,
    keepLogsMs: 30 * 86_400_000,
    idleEndMs: 60_000,
    logLimitMib: 64,
    freeDiskMinMib: 1024,
    s3Endpoint: null,
  });
});

test('user file, project file, variable and flag win in this order, and each value knows its origin', async (t) => {
  const { home, env, write } = aHome(t);
  const user = write(
    '.config/distributo/config.yaml',
    'runtime: docker\nidle_end: 1m\nkeep_logs: 1d\nfree_disk: 2GiB\n',
  );
  const project = write('work/distributo.config.yaml', 'x-note: mine\nidle_end: 2m\nkeep_logs: 2d\nfree_disk: 3GiB\n');
  const directory = join(home, 'work/deep/er');
  mkdirSync(directory, { recursive: true });
  const configuration = await loadConfiguration({
    env: { ...env, DISTRIBUTO_KEEP_LOGS: '3d', DISTRIBUTO_FREE_DISK: '4GiB' },
    directory,
    flags: { free_disk: '5GiB', runtime: undefined },
  });
  const { runtime, idleEndMs, keepLogsMs, freeDiskMinMib } = configuration.settings;
  assert.deepEqual([runtime, idleEndMs, keepLogsMs / 86_400_000, freeDiskMinMib], ['docker', 120_000, 3, 5120]);
  assert.deepEqual(
    ['runtime', 'idle_end', 'keep_logs', 'free_disk', 'log_limit'].map((name) => originOf(configuration, name)),
    [`${user}:1`, `${project}:2`, 'DISTRIBUTO_KEEP_LOGS', '--free-disk', 'default'],
  );
});

test('every problem is told at once, with its line and the nearest name', async (t) => {
  const { home, env, write } = aHome(t);
  const file = write('distributo.config.yaml', 'runtme: docker\nidle_end: "60"\nkeep_logs: [1d]\n');
  const problems = await problemsOf(
    loadConfiguration({ env: { ...env, DISTRIBUTO_RUNTIM: 'docker' }, directory: home, flags: { runtime: 'podman' } }),
  );
  assert.deepEqual(
    problems.map(({ place, field, nearest }) => [place, field, nearest]),
    [
      [`${file}:1`, 'runtme', 'runtime'],
      [`${file}:3`, 'keep_logs', null],
      ['environment', 'DISTRIBUTO_RUNTIM', 'DISTRIBUTO_RUNTIME'],
      ['--runtime', 'runtime', null],
      [`${file}:2`, 'idle_end', null],
    ],
  );
  assert.match(problems[3]?.message ?? '', /expected auto, docker or process, got "podman"/);
});

test('a file that is not YAML is refused with its line', async (t) => {
  const { home, env, write } = aHome(t);
  const file = write('distributo.config.yaml', 'runtime: docker\nkeep_logs: "1d\n');
  const problems = await problemsOf(loadConfiguration({ env, directory: home }));
  assert.match(problems[0]?.place ?? '', new RegExp(`^${file}:\\d`));
});

test('the state directory is absolute, from wherever it was named', async (t) => {
  const { home, env, write } = aHome(t);
  const at = async (more: Record<string, string>, flags = {}) =>
    (await loadConfiguration({ env: { ...env, ...more }, directory: join(home, 'here'), flags })).settings
      .stateDirectory;
  assert.equal(await at({ XDG_STATE_HOME: '/x' }), '/x/distributo');
  assert.equal(await at({ DISTRIBUTO_STATE: 's/../t' }), join(home, 'here/t'));
  assert.equal(await at({ DISTRIBUTO_STATE: '~/s' }), join(home, 's'));
  assert.equal(await at({ DISTRIBUTO_STATE: '/v' }, { state: '/f' }), '/f');
  write('distributo.config.yaml', 'state: below\n');
  assert.equal(await at({}), join(home, 'below'));
});

test('an address with a password is refused without showing it', async (t) => {
  const { home, env } = aHome(t);
  const problems = await problemsOf(
    loadConfiguration({ env: { ...env, DISTRIBUTO_S3_ENDPOINT: 'http://me:canary@host' }, directory: home }),
  );
  assert.doesNotMatch(JSON.stringify(problems), /canary/);
});

// `npm start`: everything that the main job needs, then the main job itself through the same code as `distributo run`.
// Options: --setup installs missing system packages (else the one command is told); all others go to `distributo run`.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { canInstall, installCommand, installPackages, missingPackages } from './debian.mjs';
import { fail, ROOT, say, setUp } from './set-up.mjs';

const EXAMPLE = join(ROOT, 'examples', 'image-inference');
const PYTHON = ['python3', 'python3-venv'];

const words = process.argv.slice(2);
const wantsSetup = words.includes('--setup') || process.env.CI === 'true';
const passed = words.filter((word) => word !== '--setup');

setUp();
preparePython();
const cache = prepareExample();
const runtime = await chooseRuntime();
runJob(runtime, cache);

function preparePython() {
  const missing = wantsSetup ? installPackages(PYTHON) : missingPackages(PYTHON);
  if (missing.length === 0) return;
  const command = `${canInstall() || process.getuid?.() === 0 ? '' : 'sudo '}${installCommand(missing)}`;
  fail(
    `the main job needs ${missing.join(' and ')}`,
    `${command}    then npm start again (npm start -- --setup does both, as root)`,
    2,
  );
}

/** Model, pictures and Python packages, once; the answer is where they lie. */
function prepareExample() {
  if (!existsSync(join(EXAMPLE, '.cache'))) say('preparing the model and pictures (once)');
  const done = spawnSync('python3', [join(EXAMPLE, 'prepare.py')], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (done.status !== 0)
    fail(
      'the model and pictures could not be prepared',
      'see the lines above; python3 examples/image-inference/prepare.py tries again',
    );
  return done.stdout.trim();
}

/** As `--runtime KIND` or `--runtime=KIND`; undefined where the choice is ours. */
function readRuntime() {
  const at = passed.findIndex((word) => word === '--runtime' || word.startsWith('--runtime='));
  return at === -1 ? undefined : (passed[at].split('=')[1] ?? passed[at + 1]);
}

async function chooseRuntime() {
  const { chooseTarget } = await import('../dist/src/shells/compose.js');
  const asked = readRuntime() ?? process.env.DISTRIBUTO_RUNTIME ?? 'auto';
  if (asked === 'process') {
    say('as asked: tasks run as plain processes of this machine');
    return 'process';
  }
  const { target, docker } = await chooseTarget({
    env: process.env,
    runtime: asked === 'docker' ? 'docker' : 'auto',
    s3Endpoint: null,
  });
  if (target.runtime !== 'docker') {
    say('no Docker engine answers: tasks run as plain processes of this machine');
    return 'process';
  }
  if (docker?.trouble) fail(docker.trouble.message, docker.trouble.hint);
  const made = spawnSync('python3', [join(EXAMPLE, 'make-image.py')], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (made.status === 0) {
    say('a Docker engine answers: tasks run in containers');
    return 'docker';
  }
  if (asked === 'docker') fail('the image distributo/image-inference could not be made', 'see the lines above');
  say('the image could not be made; tasks run as plain processes instead');
  return 'process';
}

function runJob(runtime, cache) {
  const env = { ...process.env };
  if (runtime === 'process') env.PATH = [join(cache, 'venv', 'bin'), env.PATH].join(delimiter);
  const own = readRuntime() !== undefined ? [] : ['--runtime', runtime];
  const args = [
    join(ROOT, 'dist/src/shells/cli/main.js'),
    'run',
    'examples/image-inference/job.yaml',
    '--set',
    'output=./out',
    ...own,
    ...passed,
  ];
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  // Ctrl-C reaches the child too, which says what goes on; we end with it.
  process.on('SIGINT', () => undefined);
  child.on('exit', (code) => process.exit(code ?? 1));
}

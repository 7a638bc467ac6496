// `npm test`: installs, builds, prepares what the suites need, runs everything. What cannot be prepared is said aloud and its
// suites are skipped; with CI=true that is a failure, by the suites themselves.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installCommand, installPackages } from './debian.mjs';
import { provideDocker } from './docker-engine.mjs';
import { checkStyle, report, runTests, sum, testFiles } from './run-tests.mjs';
import { ROOT, say, setUp } from './set-up.mjs';

const PACKAGES = ['python3', 'python3-venv', 'docker.io', 'busybox-static', 'gcc', 'libc6-dev'];

setUp();
const missing = installPackages(PACKAGES);
if (missing.length > 0)
  say(`! not on this machine: ${missing.join(', ')}; their suites are skipped. As root: ${installCommand(missing)}`);
installNewerNode();
const docker = await provideDocker();
if (docker.trouble !== null) say(`! ${docker.trouble}; suites that need containers are skipped`);

// Groups one after the other: what kills processes and starts engines does not run beside what measures limits.
const GROUPS = [
  ['unit, property, engine, architecture', ['src', 'test/property', 'test/engine', 'test/architecture'], 2],
  ['contract', ['test/contract'], 2],
  ['end to end', ['test/end-to-end'], 2],
  ['reliability', ['test/reliability'], 1],
];

/** For tests that open one store with the SQLite drivers of two Nodes; apart, so that the floor stays what is tested. */
function installNewerNode() {
  if (existsSync(join(ROOT, 'ci/node24/node_modules/node/bin/node'))) return;
  say('installing Node 24 beside this one (npm ci --prefix ci/node24)');
  const done = spawnSync('npm', ['ci', '--prefix', 'ci/node24', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (done.status !== 0)
    say(`! Node 24 could not be installed; its tests are skipped: ${done.stderr.trim().split('\n')[0]}`);
}

const counts = [];
let wasAsked = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    wasAsked = true;
  });
try {
  counts.push(checkStyle());
  for (const [name, folders, concurrency] of GROUPS)
    if (!wasAsked) counts.push(await runTests(name, folders.flatMap(testFiles), concurrency));
} finally {
  await docker.stop();
}
process.exit(report(sum(counts)) || (wasAsked ? 130 : 0));

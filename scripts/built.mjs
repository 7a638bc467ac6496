// Sets up, then runs a compiled program with the words that follow: `node scripts/built.mjs bench/run.js docker --json`.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, setUp } from './set-up.mjs';

setUp();
const [program, ...words] = process.argv.slice(2);
const done = spawnSync(process.execPath, [join(ROOT, 'dist', program), ...words], { cwd: ROOT, stdio: 'inherit' });
process.exit(done.status ?? 1);

// Plants every kind of forbidden line in a copy of the sources and expects the compiler or the linter to catch each: a gate
// that passes silently is no gate.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

type Planted = { readonly file: string; readonly text: string; readonly what: string };

const LINTED: readonly Planted[] = [
  {
    what: 'a core that imports a value upward',
    file: 'src/scheduler/planted-value.ts',
    text: "export { World } from '../engine/world.ts';",
  },
  {
    what: 'a core that imports a type upward',
    file: 'src/lifecycle/planted-type.ts',
    text: "import type { World } from '../engine/world.ts';\nexport type Planted = World;",
  },
  {
    what: 'a core that imports dynamically',
    file: 'src/scheduler/planted-dynamic.ts',
    text: "export const load = () => import('../engine/world.ts');",
  },
  {
    what: 'a core that imports a package',
    file: 'src/domain/planted-package.ts',
    text: "import { z } from 'zod';\nexport const planted = z;",
  },
  {
    what: 'a core that imports Node',
    file: 'src/lifecycle/planted-node.ts',
    text: "import { readFileSync } from 'node:fs';\nexport const planted = readFileSync;",
  },
  {
    what: 'the domain importing another room',
    file: 'src/domain/planted-room.ts',
    text: "export { backoffMs } from '../lifecycle/backoff.ts';",
  },
  {
    what: 'the scheduler importing the lifecycle',
    file: 'src/scheduler/planted-sibling.ts',
    text: "export { backoffMs } from '../lifecycle/backoff.ts';",
  },
  {
    what: 'a clock in a core',
    file: 'src/scheduler/planted-clock.ts',
    text: 'export const planted = (): number => Date.now();',
  },
  {
    what: 'a clock in the engine',
    file: 'src/engine/planted-clock.ts',
    text: 'export const planted = (): number => performance.now();',
  },
  {
    what: 'the engine importing Node',
    file: 'src/engine/planted-node.ts',
    text: "import { readFileSync } from 'node:fs';\nexport const planted = readFileSync;",
  },
  {
    what: 'the engine importing an adapter',
    file: 'src/engine/planted-adapter.ts',
    text: "export { openStore } from '../adapters/sqlite/open-store.ts';",
  },
  {
    what: 'an adapter importing another',
    file: 'src/adapters/process/planted-sibling.ts',
    text: "export { LABEL } from '../docker/labels.ts';",
  },
  {
    what: 'an adapter importing the engine',
    file: 'src/adapters/process/planted-engine.ts',
    text: "export { World } from '../../engine/world.ts';",
  },
  {
    what: 'a shell importing an adapter',
    file: 'src/shells/cli/planted-adapter.ts',
    text: "export { LABEL } from '../../adapters/docker/labels.ts';",
  },
  {
    what: 'a shell importing a core',
    file: 'src/shells/http/planted-core.ts',
    text: "export { placeTasks } from '../../scheduler/place-tasks.ts';",
  },
  {
    what: 'the workspace importing an adapter',
    file: 'src/workspace/planted-adapter.ts',
    text: "export { LABEL } from '../adapters/docker/labels.ts';",
  },
  {
    what: 'a cycle of imports',
    file: 'src/engine/planted-cycle-a.ts',
    text: "import { b } from './planted-cycle-b.ts';\nexport const a = (): number => b();",
  },
  {
    what: 'the other half of the cycle',
    file: 'src/engine/planted-cycle-b.ts',
    text: "import { a } from './planted-cycle-a.ts';\nexport const b = (): number => a();",
  },
  {
    what: 'an error that is swallowed',
    file: 'src/shells/planted-catch.ts',
    text: 'export function planted(): void {\n  try {\n    JSON.parse("x");\n  } catch {}\n}',
  },
];

/** What the compiler alone sees: in the pure rooms the world does not exist. */
const COMPILED: readonly Planted[] = [
  { what: 'process in a core', file: 'src/domain/planted-process.ts', text: 'export const planted = process.pid;' },
  {
    what: 'console in a core',
    file: 'src/scheduler/planted-console.ts',
    text: 'console.log(1);\nexport const planted = 1;',
  },
  {
    what: 'a timer in a core',
    file: 'src/lifecycle/planted-timer.ts',
    text: 'export const planted = setTimeout(() => undefined, 1);',
  },
  {
    what: 'the network in a core',
    file: 'src/ports/planted-fetch.ts',
    text: "export const planted = fetch('http://localhost');",
  },
];

describe('the walls between the rooms', () => {
  const copy = mkdtempSync(join(tmpdir(), 'distributo-walls-'));
  let lint = '';
  let compile = '';

  before(() => {
    for (const name of [
      'src',

      'biome.json',
      'tsconfig.base.json',
      'tsconfig.core.json',
      'package.json',
    ]) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    for (const { file, text } of [...LINTED, ...COMPILED]) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      writeFileSync(join(copy, file), `${text}\n`);
    }
    const run = (program: string, ...args: string[]): string => {
      const done = spawnSync(process.execPath, [join(ROOT, 'node_modules', program), ...args], {
        cwd: copy,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      return done.stdout + done.stderr;
    };
    lint = run('@biomejs/biome/bin/biome', 'lint', '--max-diagnostics=none', '--colors=off', 'src');
    compile = run(
      'typescript/bin/tsc',
      '-p',
      'tsconfig.core.json',
      '--noEmit',
      '--composite',
      'false',
      '--tsBuildInfoFile',
      'null',
      '--pretty',
      'false',
    );
  });
  after(() => rmSync(copy, { recursive: true, force: true }));

  for (const { what, file } of LINTED) {
    it(`the linter catches ${what}`, () => assert.match(lint, new RegExp(`${file}:\\d+:\\d+ lint`)));
  }
  for (const { what, file } of COMPILED) {
    it(`the compiler catches ${what}`, () => assert.match(compile, new RegExp(`${file}\\(\\d+,\\d+\\): error`)));
  }
  it('nothing but what was planted is caught', () => {
    const caught = [...lint.matchAll(/^(\S+?):\d+:\d+ lint/gm)].map((match) => match[1] as string);
    assert.deepEqual(
      caught.filter((file) => !file.includes('planted-')),
      [],
    );
  });
});

// `npm run bench -- NAME [--json] [--record] [--option value]`: runs one benchmark and prints its figures; with --record they are
// kept as data in bench/results/, with a picture of the ratios and bars.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { draw } from './draw.ts';
import type { Figure } from './figure.ts';

type Bench = (options: Record<string, unknown>) => Promise<readonly Figure[]>;

const BENCHES: Readonly<Record<string, () => Promise<{ readonly run: unknown }>>> = {
  'cli-start': () => import('./cli-start.ts'),
  docker: () => import('./docker.ts'),
  engine: () => import('./engine.ts'),
  store: () => import('./store.ts'),
};

const RESULTS = new URL('../../bench/results/', import.meta.url);

/** `--containers 50` → { containers: 50 }; a list of numbers stays one. */
function readOptions(words: readonly string[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (let at = 0; at < words.length; at += 2) {
    const name = (words[at] ?? '').replace(/^--/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const value = words[at + 1] ?? '';
    options[name] = value.includes(',')
      ? value.split(',').map(Number)
      : Number.isNaN(Number(value))
        ? value
        : Number(value);
  }
  return options;
}

function describe(one: Figure): string {
  const ratio = one.ratio === null ? '' : `, ${one.ratio.toFixed(3)} × baseline`;
  const verdict = one.ok === null ? '' : one.ok ? `, within the bar of ${one.bar}` : `, MISSES the bar of ${one.bar}`;
  return `${one.case}: ${one.metric} ${Number(one.value.toPrecision(5)).toLocaleString('en-US')} ${one.unit}${ratio}${verdict}`;
}

function record(name: string, figures: readonly Figure[]): void {
  mkdirSync(RESULTS, { recursive: true });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const about = { commit, machine, measuredAt: new Date().toISOString() };
  writeFileSync(
    new URL(`${name}.jsonl`, RESULTS),
    `${figures.map((one) => JSON.stringify({ ...one, ...about })).join('\n')}\n`,
  );
  writeFileSync(new URL(`${name}.svg`, RESULTS), draw(name, figures, `${commit}, ${machine}`));
}

const words = process.argv.slice(2);
const flags = new Set(['--json', '--record'].filter((flag) => words.includes(flag)));
const [name = '', ...rest] = words.filter((word) => !flags.has(word));
const load = BENCHES[name];
if (load === undefined) {
  process.stderr.write(`there is no benchmark "${name}"; there are ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}
const { run } = (await load()) as { run: Bench };
const figures = await run({ ...readOptions(rest), say: (line: string) => process.stderr.write(`  ${line}\n`) });
for (const one of figures) process.stdout.write(`${flags.has('--json') ? JSON.stringify(one) : describe(one)}\n`);
if (flags.has('--record')) record(name, figures);
process.exit(figures.some((one) => one.ok === false) ? 1 : 0);

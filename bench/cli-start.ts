// How much longer than Node itself `distributo --help` takes: nothing heavy may be loaded for it.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Figure, figure, median } from './figure.ts';

export type CliStartOptions = { readonly rounds: number; readonly say: (line: string) => void };

const MAIN = fileURLToPath(new URL('../src/shells/cli/main.js', import.meta.url));
const EXTRA_MS_BAR = 150;

export async function run(options: Partial<CliStartOptions> = {}): Promise<readonly Figure[]> {
  const { rounds = 15, say = () => undefined } = options;
  const bare: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(timeOf('-e', '0'));
    ours.push(timeOf(MAIN, '--help'));
    say(`round ${round + 1}: node ${bare.at(-1)?.toFixed(0)} ms, distributo --help ${ours.at(-1)?.toFixed(0)} ms`);
  }
  const extra = median(ours.map((value, round) => value - (bare[round] as number)));
  return [
    figure({
      bench: 'cli-start',
      case: 'distributo --help',
      metric: 'time',
      value: median(ours),
      unit: 'ms',
      baseline: median(bare),
    }),
    figure({
      bench: 'cli-start',
      case: 'distributo --help',
      metric: 'more than node -e 0',
      value: extra,
      unit: 'ms',
      bar: EXTRA_MS_BAR,
      bound: 'value at most',
    }),
  ];
}

function timeOf(...args: readonly string[]): number {
  const begin = performance.now();
  const done = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (done.status !== 0) throw new Error(`node ${args.join(' ')} ended with ${done.status}`);
  return performance.now() - begin;
}

// `npm run reliability [-- --only R8,R13 --long --seconds N --seed N]`: runs the scorecard, prints a JSON line a row, writes
// docs/reliability.md. A zero is printed with its bound (0 of n means less than 3/n at 95 %); a row that fired no fault fails.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { RowReport } from './row.ts';
import { NOT_YET, ROWS, type ScorecardRow } from './scorecard.ts';

type Line = RowReport & {
  readonly row: string;
  readonly title: string;
  readonly ok: boolean;
  /** Upper bound of the failure rate at 95 %, where nothing failed. */
  readonly bound: number | null;
  readonly seed: number;
  readonly seconds: number;
  readonly commit: string;
  readonly machine: string;
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    long: { type: 'boolean' },
    seed: { type: 'string' },
    seconds: { type: 'string' },
    'no-docs': { type: 'boolean' },
  },
});
const size = values.long ? 'long' : process.env.CI === 'true' ? 'ci' : 'usual';
const limit = Number(values.seconds ?? { ci: 20, usual: 60, long: 86_400 }[size]);
const seed = Number(values.seed ?? 1);
const wanted = values.only?.split(',');
const commit = git('rev-parse', '--short', 'HEAD');
const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

async function measure({ id, title, row, trials }: ScorecardRow): Promise<Line> {
  const begin = performance.now();
  const report = await row({ trials: trials[size], seed, seconds: limit }).catch(
    (error: unknown): RowReport => ({
      trials: 0,
      faults: 0,
      violations: [`the row itself failed: ${error instanceof Error ? error.message : String(error)}`],
      figures: {},
    }),
  );
  const ok = report.violations.length === 0 && report.faults > 0;
  const bound = report.violations.length === 0 && report.trials > 0 ? 3 / report.trials : null;
  return {
    row: id,
    title,
    ok,
    ...report,
    bound,
    seed,
    seconds: Math.round((performance.now() - begin) / 100) / 10,
    commit,
    machine,
  };
}

function writeDocs(lines: readonly Line[]): void {
  const rows = lines.map((line) => {
    const violations =
      line.violations.length === 0
        ? `0 (below ${((line.bound ?? 1) * 100).toPrecision(2)} % at 95 %)`
        : String(line.violations.length);
    const figures = Object.entries(line.figures)
      .map(([name, value]) => `${name} ${Number(value.toFixed(1))}`)
      .join(', ');
    return `| ${line.row} | ${line.title} | ${line.trials.toLocaleString('en-US')} | ${line.faults.toLocaleString('en-US')} | ${violations} | ${figures}${line.skipped?.length ? ` (not tried: ${line.skipped.join('; ')})` : ''} |`;
  });
  const text = `# Reliability scorecard

Written by \`npm run reliability\` at commit ${commit}, seed ${seed}, on ${machine}. A zero is given with its bound: 0 of n trials means
less than 3/n at 95 %. A row that fired no fault counts as failed.

| row | what | trials | faults fired | violations | figures |
| --- | --- | ---: | ---: | --- | --- |
${rows.join('\n')}

Not yet: ${NOT_YET.map(([id, what]) => `${id} (${what})`).join('; ')}.

Not measurable on one machine without an Amazon account: real spot interruptions, real throttling, clock drift over days, disks
that lie about what they have written.
`;
  writeFileSync(new URL('../../../docs/reliability.md', import.meta.url), text);
}

const lines: Line[] = [];
for (const row of ROWS.filter(({ id }) => wanted === undefined || wanted.includes(id))) {
  const line = await measure(row);
  lines.push(line);
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
for (const [row, waitsFor] of wanted === undefined ? NOT_YET : [])
  process.stdout.write(`${JSON.stringify({ row, ok: null, waitsFor })}\n`);
if (wanted === undefined && values['no-docs'] !== true) writeDocs(lines);
process.exit(lines.every((line) => line.ok) ? 0 : 1);

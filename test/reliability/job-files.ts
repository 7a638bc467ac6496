// R24: job files with one thing wrong. Never a throw; the mutated line is named. Each mutant is an example file with one line
// changed: a value that its field cannot have, a name one letter off, or a sign of YAML's grammar added or lost. Mutants that
// are still valid are counted apart. Alias bombs and files of 10 MiB are refused in no time.

import { parseJobFile } from '../../src/shells/job-file/parse-job-file.ts';
import { aJobFileContext } from '../support/a-job-file-context.ts';
import { jobFileExamples } from '../support/job-file-examples.ts';
import { quantile, type Row, type RowReport, randomFrom } from './row.ts';

const KINDS = ['value', 'name', 'syntax'] as const;
type Kind = (typeof KINDS)[number];

/** Share of the invalid mutants of a kind that must point at the mutated line. */
const POINTED_MIN: Readonly<Record<Kind, number>> = { value: 0.99, name: 0.99, syntax: 0.9 };

const REFUSED_MS_MAX = 100;

type Random = () => number;
type Mutant = { readonly text: string; readonly line: number; readonly what: string };

type Tally = { invalid: number; pointed: number; valid: number; readonly missed: string[] };

export const jobFileMutations: Row = async ({ trials, seed, seconds }) => {
  const untilMs = performance.now() + seconds * 1000;
  const random = randomFrom(seed);
  const examples = jobFileExamples();
  const context = aJobFileContext();
  const violations: string[] = [];
  const tallies: Record<Kind, Tally> = { value: newTally(), name: newTally(), syntax: newTally() };
  for (const example of examples) {
    const parsed = await parseJobFile(example.text, context);
    if ('problems' in parsed)
      violations.push(`${example.name} itself has problems: ${JSON.stringify(parsed.problems)}`);
  }
  let tried = 0;
  for (; tried < trials; tried += 1) {
    // The loop yields to the clock only now and then: reading it is dearer than some mutants.
    if (tried % 64 === 0 && performance.now() > untilMs) break;
    const kind = pick(KINDS, random);
    const example = pick(examples, random);
    const mutant = mutate(kind, example.text, random);
    if (mutant === undefined) continue;
    const where = `seed ${seed} trial ${tried}, ${example.name}:${mutant.line} ${mutant.what}`;
    try {
      const parsed = await parseJobFile(mutant.text, context);
      const tally = tallies[kind];
      if ('draft' in parsed) tally.valid += 1;
      else {
        tally.invalid += 1;
        if (parsed.problems.some((problem) => problem.line === mutant.line)) tally.pointed += 1;
        else tally.missed.push(`${where}: ${parsed.problems[0]?.line}: ${parsed.problems[0]?.message}`);
      }
    } catch (error) {
      violations.push(`${where}: threw ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const kind of KINDS) violations.push(...judge(kind, tallies[kind]));
  const bombsMs = await timeBombs(violations);
  return report(tried, tallies, violations, bombsMs);
};

export const runJobFileMutations = (options: { readonly trials: number; readonly seed: number }): Promise<RowReport> =>
  jobFileMutations({ ...options, seconds: Number.POSITIVE_INFINITY });

const newTally = (): Tally => ({ invalid: 0, pointed: 0, valid: 0, missed: [] });

function judge(kind: Kind, tally: Tally): readonly string[] {
  if (tally.invalid === 0 || tally.pointed / tally.invalid >= POINTED_MIN[kind]) return [];
  const said = `${kind}: ${tally.pointed} of ${tally.invalid} invalid mutants point at their line, not ${POINTED_MIN[kind]}`;
  return [said, ...tally.missed.slice(0, 20)];
}

function report(
  trials: number,
  tallies: Record<Kind, Tally>,
  violations: readonly string[],
  bombsMs: number,
): RowReport {
  const figures: Record<string, number> = { slowestRefusalMs: bombsMs };
  let faults = 0;
  for (const kind of KINDS) {
    const { invalid, pointed, valid } = tallies[kind];
    faults += invalid;
    figures[`${kind}Invalid`] = invalid;
    figures[`${kind}StillValid`] = valid;
    figures[`${kind}Pointed`] = invalid === 0 ? 0 : pointed / invalid;
  }
  return { trials, faults, violations, figures };
}

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)] as T;

function mutate(kind: Kind, text: string, random: Random): Mutant | undefined {
  const lines = text.split('\n');
  for (let tries = 0; tries < 50; tries += 1) {
    const at = Math.floor(random() * lines.length);
    const line = lines[at] as string;
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const changed =
      kind === 'value'
        ? mutateValue(line, random)
        : kind === 'name'
          ? mutateName(line, random)
          : mutateSyntax(line, random);
    if (changed === undefined || changed === line) continue;
    const mutated = [...lines.slice(0, at), changed, ...lines.slice(at + 1)];
    return { text: mutated.join('\n'), line: at + 1, what: `${line.trim()} -> ${JSON.stringify(changed)}` };
  }
  return undefined;
}

/** What no field can be, or hardly one. */
const WRONG_VALUES = [
  '-1',
  '0',
  '"lots"',
  '10 parsecs',
  '[]',
  '{}',
  '[[1]]',
  '{no: way}',
  '"${nobody}"',
  '1e99',
  'true',
  '"2 GiBi"',
  '',
  '~',
  '!!!',
  '5 EUR',
  '../../../etc',
  '"\\0"',
];

function mutateValue(line: string, random: Random): string | undefined {
  // The last scalar behind a name on this line, in block or flow style.
  const values = [
    ...line.matchAll(
      /((?:^|[\s{,])"?[A-Za-z_-]+"?: +)("(?:[^"\\]|\\.)*"|[^\s,[\]{}&*#"'|>][^,[\]{}#]*?)(?= *(?:[,}\]]|$|#))/g,
    ),
  ];
  if (values.length === 0) return undefined;
  const match = pick(values, random);
  const start = match.index + (match[1] as string).length;
  return line.slice(0, start) + pick(WRONG_VALUES, random) + line.slice(start + (match[2] as string).length);
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz_';

function mutateName(line: string, random: Random): string | undefined {
  const names = [
    ...line.matchAll(/([A-Za-z_][A-Za-z_-]{2,})(?="?:(?: |$)|\})/g),
    ...line.matchAll(/(?<=[*]|\$\{)([a-z][a-z_.]{2,})/g),
  ];
  if (names.length === 0) return undefined;
  const match = pick(names, random);
  const name = match[1] as string;
  const at = Math.floor(random() * name.length);
  const letter = LETTERS[Math.floor(random() * LETTERS.length)] as string;
  const changes = [
    name.slice(0, at) + name.slice(at + 1),
    name.slice(0, at) + letter + name.slice(at),
    name.slice(0, at) + letter + name.slice(at + 1),
    name.slice(0, at) + (name[at + 1] ?? '') + (name[at] ?? '') + name.slice(at + 2),
  ];
  return line.slice(0, match.index) + pick(changes, random) + line.slice(match.index + name.length);
}

const SIGNS = [':', '"', "'", '[', ']', '{', '}', ',', '- ', '\t', '#', '&', '*', '@', '%', '`', '|', '>', '!', '\\'];

function mutateSyntax(line: string, random: Random): string | undefined {
  const places = [...line.matchAll(/[:"'[\]{},#&*|>-]/g)];
  const at = Math.floor(random() * (line.length + 1));
  const way = random();
  if (way < 0.4 && places.length > 0) {
    const place = pick(places, random).index;
    return line.slice(0, place) + line.slice(place + 1);
  }
  if (way < 0.7) return line.slice(0, at) + pick(SIGNS, random) + line.slice(at);
  if (way < 0.8) return `${pick([' ', '  ', '   ', '\t'], random)}${line}`;
  if (way < 0.9) return line.startsWith(' ') ? line.slice(1 + Math.floor(random() * 2)) : undefined;
  return line.slice(0, at);
}

/** The slowest refusal of a bomb: each is tried three times, its median counts. */
async function timeBombs(violations: string[]): Promise<number> {
  const nested = (open: string, first: string) =>
    Array.from({ length: 30 }, (_, n) =>
      n === 0
        ? `  l0: &l0 ${first}`
        : `  l${n}: &l${n} ${open.replace(
            'X',
            Array(10)
              .fill(`*l${n - 1}`)
              .join(', '),
          )}`,
    ).join('\n');
  const head = 'name: bomb\nimage: busybox\n';
  const bombs: readonly (readonly [string, string])[] = [
    ['alias bomb of lists', `${head}x-bomb:\n${nested('[X]', '[a, b, c]')}\n`],
    ['alias bomb of mappings', `${head}x-bomb:\n${nested('{<<: [X]}', '{a: b}')}\n`],
    ['alias bomb in env', `${head}env: &a {A: *a}\n`],
    ['10 MiB of text', 'a: b\n'.repeat((10 * 2 ** 20) / 5)],
    ['10 MiB of brackets', '['.repeat(10 * 2 ** 20)],
    ['10 MiB of JSON', `{"name": "a", "x-a": "${'b'.repeat(10 * 2 ** 20)}"}`],
    ['a million brackets', `${head}x-a: ${'['.repeat(1_000_000)}`],
  ];
  let slowest = 0;
  for (const [name, text] of bombs) {
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const startedMs = performance.now();
      const parsed = await parseJobFile(text, aJobFileContext());
      times.push(performance.now() - startedMs);
      if ('draft' in parsed) violations.push(`${name} was accepted`);
    }
    const median = quantile(times, 0.5);
    slowest = Math.max(slowest, median);
    if (median > REFUSED_MS_MAX) violations.push(`${name} was refused after ${median.toFixed(0)} ms`);
  }
  return Math.round(slowest * 10) / 10;
}

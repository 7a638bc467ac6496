// What is wrong in a job file, and where: the one shape that the terminal prints and `-o json` gives out.

export type Problem = {
  /** From 1; null where the problem is not in the file (`--set`). */
  readonly line: number | null;
  readonly column: number | null;
  /** How many characters of the line are meant. */
  readonly width: number;
  /** Path of the field: `resources.memroy`, `jobs.dock.array.range.step`, `inputs[0].url`; empty for the whole file. */
  readonly field: string;
  /** A sentence without its subject: `expected a duration such as 90s, got "18 mins"`. */
  readonly message: string;
  /** What was expected, where the message says so. */
  readonly expected: string | null;
  /** The valid name that was probably meant. */
  readonly nearest: string | null;
};

/** Where in the text: an offset and how many characters are meant. */
export type Place = { readonly line: number; readonly column: number; readonly width: number };

export type FieldPath = readonly (string | number)[];

export function printPath(path: FieldPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

export function makeProblem(place: Place | null, path: FieldPath, message: string, nearest?: string): Problem {
  return {
    line: place?.line ?? null,
    column: place?.column ?? null,
    width: place?.width ?? 0,
    field: printPath(path),
    message,
    expected: /^expected (.+?)(?:, got .*|; it is missing)?$/s.exec(message)?.[1] ?? null,
    nearest: nearest ?? null,
  };
}

/** More than this many are counted, not listed. */
const PROBLEMS_MAX = 100;

/** In the order of the file, each once, a bounded number. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  const unique = problems.filter((problem) => {
    const key = `${problem.line}:${problem.column}:${problem.field}:${problem.message}`;
    return !seen.has(key) && seen.add(key);
  });
  unique.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  if (unique.length <= PROBLEMS_MAX) return unique;
  const more = makeProblem(
    null,
    [],
    `at least ${(unique.length - PROBLEMS_MAX).toLocaleString('en-US')} more problems`,
  );
  return [...unique.slice(0, PROBLEMS_MAX), more];
}

/** The lines that people read, not indented: place, field, message, and the line of the file with the place marked. */
export function printProblems(problems: readonly Problem[], text: string): readonly string[] {
  const lines = text.split(/\r\n|\r|\n/);
  const placeOf = (problem: Problem) => (problem.line === null ? '' : `${problem.line}:${problem.column}`);
  const placeWidth = Math.max(...problems.map((problem) => placeOf(problem).length), 0) + 2;
  const fieldWidth = Math.min(Math.max(...problems.map((problem) => problem.field.length), 0), 32) + 2;
  return problems.flatMap((problem) => {
    const said =
      `${placeOf(problem).padEnd(placeWidth)}${problem.field.padEnd(fieldWidth)}${problem.message}`.trimEnd();
    if (problem.line === null || problem.column === null) return [said];
    return [said, ...excerpt(lines[problem.line - 1] ?? '', problem.line, problem.column, problem.width)];
  });
}

const EXCERPT_WIDTH = 90;

/** At most 90 characters of the line around the place, tabs as single spaces, so that the mark stands below it. */
function excerpt(line: string, number: number, column: number, width: number): readonly string[] {
  const from = column > EXCERPT_WIDTH - 20 ? column - 40 : 0;
  const shown = [...line.slice(from, from + EXCERPT_WIDTH)]
    .map((sign) => (sign < ' ' || sign === '\x7f' ? ' ' : sign))
    .join('');
  const gutter = `${String(number).padStart(4)} | `;
  const mark = '^'.repeat(Math.max(1, Math.min(width, shown.length - (column - 1 - from))));
  return [gutter + shown, `${' '.repeat(gutter.length - 2)}| ${' '.repeat(column - 1 - from)}${mark}`];
}

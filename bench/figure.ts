// The form of a measured figure: one line of JSON each. `ratio` is value ÷ baseline of the same run; `ok` is null where
// there is no bar.

export type Figure = {
  readonly bench: string;
  readonly case: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline: number | null;
  readonly ratio: number | null;
  readonly bar: number | null;
  readonly ok: boolean | null;
};

type Parts = Pick<Figure, 'bench' | 'case' | 'metric' | 'value' | 'unit'> & {
  readonly baseline?: number;
  readonly bar?: number;
  /** What the bar bounds and from which side. */
  readonly bound?: 'value at most' | 'value at least' | 'ratio at most' | 'ratio at least';
};

export function figure({ baseline, bar, bound, ...rest }: Parts): Figure {
  const ratio = baseline === undefined ? null : rest.value / baseline;
  return { ...rest, baseline: baseline ?? null, ratio, bar: bar ?? null, ok: holds(rest.value, ratio, bar, bound) };
}

function holds(value: number, ratio: number | null, bar: number | undefined, bound: Parts['bound']): boolean | null {
  if (bar === undefined || bound === undefined) return null;
  const measured = bound.startsWith('ratio') ? ratio : value;
  if (measured === null) return null;
  return bound.endsWith('at most') ? measured <= bar : measured >= bar;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

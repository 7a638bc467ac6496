// What every row of the scorecard takes and gives. A row that fired no fault proves nothing; the runner fails it.

export type RowOptions = {
  /** How many rounds, cycles or cases. */
  readonly trials: number;
  readonly seed: number;
  /** It ends in order after this long, whatever was done. */
  readonly seconds: number;
};

export type RowReport = {
  readonly trials: number;
  /** How many faults were really done to it. */
  readonly faults: number;
  /** Each in words that say how to see it again. */
  readonly violations: readonly string[];
  /** Beside the verdict: times in ms, counts. */
  readonly figures: Readonly<Record<string, number>>;
  /** What could not be tried here, in words. */
  readonly skipped?: readonly string[];
};

export type Row = (options: RowOptions) => Promise<RowReport>;

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The value below which this share of the sorted values lies; 0 where there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

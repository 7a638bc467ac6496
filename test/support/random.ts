// Random numbers from a seed, for tests and measurements that must be able to run again.

import { randomFrom } from '../reliability/row.ts';

export type Random = {
  /** From 0, below 1. */
  fraction(): number;
  /** A whole number from 0, below `below`. */
  below(below: number): number;
  pick<T>(from: readonly T[]): T;
};

export function seededRandom(seed: number): Random {
  const fraction = randomFrom(seed);
  const below = (limit: number): number => Math.floor(fraction() * limit);
  return {
    fraction,
    below,
    pick: (from) => {
      if (from.length === 0) throw new Error('nothing to pick from');
      return from[below(from.length)] as (typeof from)[number];
    },
  };
}

// Time as the engine sees it: real, or virtual in the simulated world.

export interface Clock {
  /** Wall clock, for instants that are stored or shown. May step. */
  nowMs(): number;
  /** Never steps back; for spans and time-outs. */
  monotonicMs(): number;
  /** Calls `wake` once, `delayMs` from now; the answer cancels it. */
  wakeAfter(delayMs: number, wake: () => void): () => void;
}

// Events as they come: those asked for first, then each new one, in order, none twice, until the client goes.

import type { Engine, EventAnswer } from '../../engine/engine-api.ts';
import { createGate } from './gate.ts';

const PAGE = 1000;
const LOOK_MS = 10_000;

export async function* followEvents(
  engine: Engine,
  query: { readonly run?: string; readonly afterSequence?: number; readonly last?: number },
  signal: AbortSignal,
): AsyncGenerator<EventAnswer, void, undefined> {
  const gate = createGate(signal);
  const unsubscribe = engine.onChange(() => gate.open());
  const { run, last } = query;
  const ofRun = run === undefined ? {} : { run };
  try {
    let after = query.afterSequence;
    if (after === undefined) {
      // Without a place to begin, from now on: only what comes after the newest.
      const before = await engine.listEvents({ ...ofRun, last: last ?? 1, limit: PAGE });
      if (last !== undefined && last > 0) yield* before;
      after = before.at(-1)?.sequence ?? -1;
    }
    while (!signal.aborted) {
      const page = await engine.listEvents({ ...ofRun, afterSequence: after, limit: PAGE });
      for (const event of page) {
        yield event;
        after = event.sequence;
      }
      if (page.length === 0) await gate.pass(LOOK_MS);
    }
  } finally {
    unsubscribe();
  }
}

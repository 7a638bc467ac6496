// The picture of a run as it changes: at once, then after each change, at most ten a second, until the run has ended.
// Between changes it looks once a second, since what an attempt does (pulling an image) is shown but not recorded.

import { isRunEnded } from '../../domain/states.ts';
import type { Engine, RunDetailAnswer } from '../../engine/engine-api.ts';
import { createGate } from './gate.ts';

const FRAME_MS = 100;
const LOOK_MS = 1000;

export async function* watchRun(
  engine: Engine,
  run: string,
  signal: AbortSignal,
): AsyncGenerator<RunDetailAnswer, void, undefined> {
  const gate = createGate(signal);
  const unsubscribe = engine.onChange(({ runs }) => {
    if (runs.has(run)) gate.open();
  });
  try {
    let shown = '';
    while (!signal.aborted) {
      const frame = await engine.getRun(run);
      const text = JSON.stringify(frame);
      if (text !== shown) yield frame;
      if (isRunEnded(frame.state)) return;
      shown = text;
      await gate.pause(FRAME_MS);
      await gate.pass(LOOK_MS);
    }
  } finally {
    unsubscribe();
  }
}

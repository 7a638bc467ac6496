// Ends the controller when for a while nothing was waiting or live and nobody asked anything.

import type { Engine } from '../../engine/engine-api.ts';
import type { HttpServer } from '../http/create-server.ts';

export type IdleWatch = {
  /** null while there is something to do. */
  endsAtMs(): number | null;
  stop(): void;
};

export function watchIdle(
  engine: Pick<Engine, 'isIdle' | 'onChange'>,
  server: Pick<HttpServer, 'activity'>,
  idleEndMs: number,
  end: () => void,
): IdleWatch {
  // Spans come from the clock that never steps: a machine that sleeps or sets its clock does not end the work.
  let busyAtMs = performance.now();
  const unsubscribe = engine.onChange(() => {
    busyAtMs = performance.now();
  });

  function leftMs(): number | null {
    const { open, lastAtMs } = server.activity();
    if (open > 0 || !engine.isIdle()) {
      busyAtMs = performance.now();
      return null;
    }
    return Math.max(busyAtMs, lastAtMs) + idleEndMs - performance.now();
  }

  const timer = setInterval(
    () => {
      const left = leftMs();
      if (left !== null && left <= 0) end();
    },
    Math.min(1000, Math.max(10, idleEndMs / 4)),
  );

  return {
    endsAtMs() {
      // Asking is itself a request: without it the countdown would run from the last one.
      if (!engine.isIdle()) return null;
      return Date.now() + idleEndMs;
    },
    stop() {
      clearInterval(timer);
      unsubscribe();
    },
  };
}

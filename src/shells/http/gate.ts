// Lets a stream wait for the next change: opened by any number of changes, passed once. Ends every wait when the client goes.

export type Gate = {
  open(): void;
  /** Waits until it is opened, at most `limitMs`. */
  pass(limitMs: number): Promise<void>;
  /** Waits the whole time; a change meanwhile stays for `pass`. */
  pause(spanMs: number): Promise<void>;
};

export function createGate(signal: AbortSignal): Gate {
  let isOpen = false;
  let wake: (() => void) | undefined;

  const wait = (spanMs: number, wakesOnOpen: boolean): Promise<void> =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, spanMs);
      signal.addEventListener('abort', end, { once: true });
      if (wakesOnOpen) wake = end;
      if (signal.aborted) end();
    });

  return {
    open() {
      isOpen = true;
      wake?.();
    },
    async pass(limitMs) {
      if (!isOpen) await wait(limitMs, true);
      isOpen = false;
    },
    pause: (spanMs) => wait(spanMs, false),
  };
}

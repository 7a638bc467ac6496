// What the engine is made of from outside: ports, settings, and the few facts of the machine that no port covers.

import type { DiskUse, OpenRuntime } from '../ports/attempt-runtime.ts';
import type { Clock } from '../ports/clock.ts';
import type { History, Store } from '../ports/store.ts';
import type { ReadSecretFile } from './build-order.ts';

export type EngineParts = {
  readonly store: Store & History;
  readonly clock: Clock;
  readonly openRuntime: OpenRuntime;
  readonly readSecretFile: ReadSecretFile;
  /** Bytes free where the store lies. */
  readonly freeDiskBytes: () => Promise<number>;
  /** Attempt directories of this machine: what they take, and what may go. */
  readonly disk: {
    remove(attemptId: string): Promise<void>;
    measure(isLive: (attemptId: string) => boolean): Promise<readonly DiskUse[]>;
    prune(options: {
      readonly all: boolean;
      readonly isLive: (attemptId: string) => boolean;
    }): Promise<{ readonly freedBytes: number }>;
  };
  readonly settings: {
    /** No work starts while less than this is free. */
    readonly freeDiskBytesMin: number;
  };
  readonly log: (message: string) => void;
  /** The store failed, or we did: the process must end; a restart goes on from what was recorded. */
  readonly onFatal: (error: unknown) => void;
};

// How a program under the shim speaks to it: by asking for files that do not exist.

import { accessSync } from 'node:fs';

/** False where the shim says no, or is not there. */
export function tellShim(word: string): boolean {
  try {
    accessSync(`/store-shim/${word}`);
    return true;
  } catch {
    // No such file: that is the answer.
    return false;
  }
}

// The one line by which a starting controller tells how it went.

import type { ErrorView } from '../api/answers.ts';

export type StartReport =
  | { readonly kind: 'ready'; readonly pid: number; readonly socket: string }
  /** Another one holds the directory. */
  | { readonly kind: 'held'; readonly error: ErrorView }
  | { readonly kind: 'failed'; readonly error: ErrorView };

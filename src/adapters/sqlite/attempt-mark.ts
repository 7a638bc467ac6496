// The state of an attempt as one number of four bytes, so that its row never grows. Positive: live, with the state's code in
// the lowest four bits and a check of the row above. Negative: it ended, and how stands in that row of `attempt_ends`.

import { SALTS, sealOf } from './seal.ts';

/** Keeps small row numbers at four bytes. */
export const END_BASE = 0x1000000;

/** Stands for "not seen running yet", in the six bytes that an instant takes. */
export const NOT_SEEN_AT_MS = 2 ** 46;

export function liveMark(sequence: number, code: number, seenAtMs: number): number {
  return 0x40000000 | (sealOf(SALTS.liveStates, [sequence, code, seenAtMs]) & 0x3ffffff0) | code;
}

export const codeOfMark = (mark: number): number => mark & 15;

export const endMark = (endId: number): number => -(END_BASE + endId);

/** In SQL: the row of `attempt_ends`, for the states aliased `s`; NULL where the attempt lives. */
export const END_ID_SQL = `CASE WHEN s.mark < 0 THEN -s.mark - ${END_BASE} END`;

// The scorecard's rows: what each is called, how much of it a short and a long run do. Rows of parts that do not exist yet are
// named with what they wait for, so that nobody takes their absence for a pass.

import { controllerStorm } from './controller-storm.ts';
import { damagedStore } from './damaged-store.ts';
import { diskFaults } from './disk-faults.ts';
import { jobFileMutations } from './job-files.ts';
import { powerLoss } from './power-loss.ts';
import { realDocker } from './real-docker.ts';
import type { Row } from './row.ts';
import { secretsScan } from './secrets-scan.ts';
import { twoStarts } from './two-starts.ts';

export type ScorecardRow = {
  readonly id: string;
  readonly title: string;
  readonly goal: string;
  readonly row: Row;
  /** Trials of a run of at most 20 s, of one of at most 60 s, and of a long one. */
  readonly trials: { readonly ci: number; readonly usual: number; readonly long: number };
};

export const ROWS: readonly ScorecardRow[] = [
  {
    id: 'R8',
    title: 'kill -9 storm of the controller',
    goal: 'nothing lost, repeated or left behind',
    row: controllerStorm,
    trials: { ci: 10, usual: 30, long: 10_000 },
  },
  {
    id: 'R10',
    title: 'power loss',
    goal: 'every acknowledged batch is there',
    row: powerLoss,
    trials: { ci: 600, usual: 2000, long: 20_000 },
  },
  {
    id: 'R11',
    title: 'disk full and I/O errors',
    goal: 'goes on after a full disk, ends at a broken one',
    row: diskFaults,
    trials: { ci: 200, usual: 600, long: 15_000 },
  },
  {
    id: 'R12',
    title: 'damaged store',
    goal: 'a valid state or a refusal, never silent',
    row: damagedStore,
    trials: { ci: 300, usual: 500, long: 20_000 },
  },
  {
    id: 'R13',
    title: 'two controllers, one directory',
    goal: 'one acts, the other says who within 1 s',
    row: twoStarts,
    trials: { ci: 12, usual: 100, long: 1000 },
  },
  {
    id: 'R18',
    title: 'real Docker',
    goal: 'all adopted, none repeated, none left',
    row: realDocker,
    trials: { ci: 10, usual: 10, long: 1000 },
  },
  {
    id: 'R24',
    title: 'job files',
    goal: 'no throw; the changed line is named',
    row: jobFileMutations,
    trials: { ci: 8000, usual: 50_000, long: 10_000_000 },
  },
  {
    id: 'R25',
    title: 'secrets',
    goal: 'none in any output; planted leaks found',
    row: secretsScan,
    trials: { ci: 1, usual: 3, long: 100 },
  },
];

/** Rows of the plan that wait for a part of the product. */
export const NOT_YET: readonly (readonly [id: string, waitsFor: string])[] = [
  ['R1–R7, R9, R17, R19, R22, R27', 'the simulated world'],
  ['R14–R16', 'the PostgreSQL store'],
  ['R20, R21', 'the planner'],
  ['R23, R26', 'the HTTP service for teams'],
  ['R28', 'a second released schema'],
];

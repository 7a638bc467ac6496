// What the controller answers: the engine's answers, each with the name of its documented form. Types only, so that a
// client loads nothing for them; `answer-schemas.ts` says the same to the world outside and is checked against this.

import type {
  EventAnswer,
  ExplainAnswer,
  InstanceAnswer,
  RunAnswer,
  RunDetailAnswer,
  TaskAnswer,
  TaskDetailAnswer,
} from '../../engine/engine-api.ts';
import type { DiskUse, LogLine } from '../../ports/attempt-runtime.ts';

type View<Name extends string> = { readonly schema: `distributo/${Name}/1` };

export type ControllerView = View<'controller'> & {
  readonly version: string;
  readonly apiNumber: number;
  readonly pid: number;
  readonly sinceMs: number;
  readonly stateDirectory: string;
  readonly socket: string;
  readonly log: string;
  readonly ownerId: string;
  readonly isIdle: boolean;
  /** When it ends by itself if nothing comes; null while there is work, a client watching, or no limit. */
  readonly endsAtMs: number | null;
  readonly runs: number;
  readonly liveAttempts: number;
};

export type SubmittedView = View<'submitted'> & RunAnswer;
export type RunView = View<'run'> & RunDetailAnswer;
export type RunsView = View<'runs'> & { readonly runs: readonly RunAnswer[] };
export type TasksView = View<'tasks'> & { readonly tasks: readonly TaskAnswer[]; readonly next: string | null };
export type TaskView = View<'task'> & TaskDetailAnswer;
export type ExplainView = View<'explain'> & ExplainAnswer;
export type EventsView = View<'events'> & { readonly events: readonly EventAnswer[] };
export type MachineView = View<'machine'> & InstanceAnswer;
export type DiskView = View<'disk'> & { readonly uses: readonly DiskUse[] };
export type PrunedView = View<'pruned'> & { readonly freedBytes: number };
export type ItemSetView = View<'item-set'> & {
  readonly itemSetId: string;
  readonly chunks: number;
  readonly items: number;
};
/** How many tasks an order touched. */
export type OrderView = View<'order'> & {
  readonly subject: string;
  readonly order: string;
  readonly tasks: number | null;
};
export type StoppingView = View<'stopping'> & { readonly pid: number; readonly liveAttempts: number };

export type ErrorView = View<'error'> & {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly exitCode: number;
};

/** One line of each stream; a line of ErrorView is always the last. */
export type LogStreamLine = LogLine;
export type EventStreamLine = EventAnswer;
export type WatchStreamLine = RunView;

// A fact kept for good: what happened to which run, task, attempt or instance, when and why.

/** Kinds of events; the words are shown to people and used in filters. */
export const EVENT_KINDS = [
  'run-submitted',
  'run-state',
  'job-state',
  'attempt-state',
  'task-ended',
  'task-requeued',
  'instance-state',
  'controller-started',
  'controller-stopped',
  'warning',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type Event = {
  /** Ascends by one in one store. */
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: EventKind;
  readonly runId: number | null;
  readonly jobId: number | null;
  readonly taskIndex: number | null;
  readonly attemptSequence: number | null;
  /** The new state where the kind is about one, else the kind's own word. */
  readonly state: string | null;
  /** Why, in words for people; null where the state says all. */
  readonly reason: string | null;
};

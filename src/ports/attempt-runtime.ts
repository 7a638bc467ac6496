// What runs attempts: a Docker engine, plain processes, later an ECS cluster or the simulated world.
// Nothing here is awaited by the engine's cycle: orders go out, and what became of them comes back as observations.

import type { AttemptEnd } from '../domain/attempt.ts';
import type { AwsCredentials, ContainerOptions, Executor, Target, Transfer } from '../domain/job.ts';
import type { Resources } from '../domain/resources.ts';

/** All that is needed to run one attempt; templates are filled in, nothing is looked up later but secrets. */
export type AttemptOrder = {
  readonly attemptId: string;
  /** For labels, environment and messages: `screening-7/dock/1436#2`. */
  readonly name: string;
  readonly instanceId: string;
  readonly executors: readonly Executor[];
  readonly resources: Resources;
  readonly container: ContainerOptions;
  readonly inputs: readonly Transfer[];
  readonly outputs: readonly Transfer[];
  readonly timeoutMs: number | null;
  readonly stopGracePeriodMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: Target;
  /** Results and leftovers belong to this user; null: to whoever runs the controller. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** TARGET (variable or absolute path) → value. Lives in memory only; never logged, stored or labelled. */
  readonly secrets: Readonly<Record<string, string>>;
  /** For s3:// inputs and outputs; null: the target's profile, or what the machine itself has. */
  readonly awsCredentials: AwsCredentials | null;
};

/** What a runtime says of the machine it serves. */
export type RuntimeDescription = {
  readonly runtimeKey: string;
  /** Two runtimes that share one machine give the same instance id, and its capacity is counted once. */
  readonly instanceId: string;
  /** `Docker 27.5`, `process runtime`. */
  readonly label: string;
  /** What may be given out: the machine less a reserve that keeps it usable. */
  readonly capacity: Resources;
  /** The machine's own size, for messages. */
  readonly total: Resources;
  /** Architecture as in OCI platforms: `linux/amd64`. */
  readonly platform: string;
  /** Limits it cannot keep, each in words: `memory is watched, not limited`. */
  readonly caveats: readonly string[];
};

/** An attempt that the runtime still has something of: running, or ended and not yet forgotten. */
export type AttemptSighting = {
  readonly attemptId: string;
  readonly isRunning: boolean;
};

export type RuntimeObservation =
  | { readonly kind: 'ready'; readonly description: RuntimeDescription }
  | { readonly kind: 'unreachable'; readonly runtimeKey: string; readonly reason: string }
  /** Of what is under way before it runs: `pulling image`, `bringing inputs`. Shown, not stored. */
  | { readonly kind: 'progress'; readonly attemptId: string; readonly activity: string }
  | { readonly kind: 'running'; readonly attemptId: string; readonly atMs: number }
  /** Its log is on this machine's disk and its outputs are published; what is left may be forgotten. */
  | { readonly kind: 'ended'; readonly attemptId: string; readonly end: AttemptEnd };

export type LogLine = {
  readonly atMs: number;
  readonly stream: 'stdout' | 'stderr' | 'distributo';
  /** Without line end; bytes that are not UTF-8 are written `\xNN`. */
  readonly text: string;
};

export type LogQuery = {
  readonly follow: boolean;
  readonly sinceMs?: number;
  /** Only the last n lines. */
  readonly tail?: number;
};

export type DiskUse = {
  readonly what: 'logs' | 'workspaces' | 'volumes' | 'images' | 'store';
  readonly bytes: number;
  readonly freeable: number;
};

export interface AttemptRuntime {
  readonly runtimeKey: string;
  /** Begins to watch; `ready` or `unreachable` follows, again after each loss of contact. */
  open(listener: (observation: RuntimeObservation) => void): void;
  /** Starts an attempt, or finds it again: the same id is never started twice. Ends in exactly one `ended`, now or after a restart. */
  start(order: AttemptOrder): void;
  /** Takes up an attempt that an earlier controller started: follows it, brings its outputs out, ends in `ended`. */
  adopt(order: AttemptOrder): void;
  /** SIGTERM, and SIGKILL after the grace period. `ended` follows with the cause given. */
  stop(
    attemptId: string,
    stop: { readonly gracePeriodMs: number; readonly end: Pick<AttemptEnd, 'state' | 'cause' | 'reason'> },
  ): void;
  /** Everything that carries our owner id. Rejects with CONTAINERS_UNREACHABLE where nobody answers. */
  list(): Promise<readonly AttemptSighting[]>;
  /** Removes what is left of an ended attempt: container, volume, and the workspace unless it is to be kept. Safe to repeat. */
  forget(attemptId: string, keepWorkspace: boolean): Promise<void>;
  readLogs(attemptId: string, query: LogQuery): AsyncIterable<LogLine>;
  close(): Promise<void>;
}

/** Finds the runtime of a target; the same key gives the same runtime. */
export type OpenRuntime = (target: Target) => Promise<AttemptRuntime>;

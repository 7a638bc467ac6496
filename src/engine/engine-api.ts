// What a shell may ask of the engine and order from it. Answers are plain data in the domain's words; the HTTP shell turns
// them into JSON as they are, and the terminal into tables.

import type { Attempt } from '../domain/attempt.ts';
import type { Event } from '../domain/event.ts';
import type { Job, RunSpec, Target } from '../domain/job.ts';
import type { Resources } from '../domain/resources.ts';
import type { TaskCounts } from '../domain/run.ts';
import type { InstanceState, RunState, TaskState } from '../domain/states.ts';
import type { DiskUse, LogLine, LogQuery } from '../ports/attempt-runtime.ts';
import type { Rejection } from '../scheduler/rejection.ts';

export type Submission = {
  readonly spec: RunSpec;
  readonly submissionKey: string | null;
  /** Only the first n tasks of each job start; the rest wait until `release`. */
  readonly trialTasks: number | null;
  /** Values of `env:` secrets by variable name: memory only. */
  readonly secretValues: Readonly<Record<string, string>>;
};

/** What tasks of a job wait for, in one line, with the machine-readable kind. */
export type WaitReason = {
  readonly kind:
    | 'room'
    | 'dependency'
    | 'paused'
    | 'backoff'
    | 'secret'
    | 'runtime'
    | 'disk'
    | 'trial'
    | 'never-fits'
    | 'deciding';
  readonly text: string;
  /** The smallest change that would help; null where time alone helps. */
  readonly help: string | null;
};

export type JobAnswer = {
  readonly name: string;
  readonly state: RunState;
  readonly tasks: TaskCounts;
  /** null exactly where nothing waits. */
  readonly waitsFor: WaitReason | null;
  readonly repeats: { readonly interruptions: number; readonly retries: number };
  readonly meanDurationMs: number | null;
  readonly peakMemoryMib: number | null;
  readonly resources: Resources;
};

/** An event with the name of what it is about: `screening-7`, `screening-7/dock`, `screening-7/dock/1436#2`; null: the controller itself. */
export type EventAnswer = Event & { readonly subject: string | null };

export type RunAnswer = {
  /** For paging through the list; people use `run`. */
  readonly id: number;
  readonly run: string;
  readonly state: RunState;
  readonly stateReason: string | null;
  readonly backend: string;
  /** `Docker 27.5`, `process runtime`; null until the runtime has answered. */
  readonly runtimeLabel: string | null;
  readonly runtimeCaveats: readonly string[];
  readonly submittedAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly deadlineAtMs: number | null;
  readonly deadlineMissed: boolean;
  /** From the rate so far; null before anything ended. */
  readonly finishForecastAtMs: number | null;
  readonly tasks: TaskCounts;
  readonly jobs: readonly JobAnswer[];
  /** At most this many tasks fit at once on the machine; null while it is not known. */
  readonly concurrencyMax: number | null;
  readonly trialTasks: number | null;
  /** Variables of `env:` secrets whose values are not here (any more): a command that has them passes them by `supplySecrets`. */
  readonly secretsMissing: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly directory: string;
};

/** RunAnswer with the parts that the live view and `status` show beside it. */
export type RunDetailAnswer = RunAnswer & {
  readonly instances: readonly InstanceAnswer[];
  readonly recentEvents: readonly EventAnswer[];
  /** Live attempts with what they do now: at most 50. */
  readonly active: readonly { readonly task: string; readonly activity: string; readonly sinceMs: number }[];
  readonly warnings: readonly string[];
};

export type InstanceAnswer = {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly stateReason: string | null;
  readonly capacity: Resources;
  readonly free: Resources;
  readonly total: Resources;
  readonly attempts: number;
  readonly runtimes: readonly {
    readonly runtimeKey: string;
    readonly label: string;
    readonly isReachable: boolean;
    readonly caveats: readonly string[];
  }[];
};

export type TaskAnswer = {
  readonly task: string;
  readonly job: string;
  readonly index: number;
  readonly state: TaskState;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly exitCode: number | null;
  readonly peakMemoryMib: number | null;
  /** Of the last end, or what it waits for. */
  readonly reason: string | null;
};

export type AttemptAnswer = Attempt & {
  readonly attemptId: string;
  readonly name: string;
  readonly activity: string | null;
};

export type TaskDetailAnswer = TaskAnswer & {
  readonly attemptList: readonly AttemptAnswer[];
  /** Templates filled in; secrets are references. */
  readonly filled: Pick<Job, 'executors' | 'inputs' | 'outputs' | 'resources'>;
};

export type ExplainAnswer = {
  readonly subject: { readonly kind: 'run' | 'task'; readonly id: string };
  readonly state: string;
  /** What is, in one sentence. */
  readonly headline: string;
  /** Why, with numbers: one line each. */
  readonly because: readonly string[];
  readonly asks: Resources | null;
  readonly looked: number;
  readonly rejections: readonly Rejection[];
  readonly queue: { readonly position: number; readonly of: number } | null;
  readonly attempts: readonly AttemptAnswer[];
  /** What would change it. */
  readonly wouldHelp: readonly string[];
};

export type TasksQuery = {
  readonly job?: string;
  readonly states?: readonly TaskState[];
  readonly repeated?: boolean;
  /** Page cursor as given by the last answer. */
  readonly after?: string;
  readonly limit: number;
};

export type TasksAnswer = { readonly tasks: readonly TaskAnswer[]; readonly next: string | null };

/** Every order is recorded before it is answered. Unknown names throw NOT_FOUND, orders that do not fit CONFLICT. */
export interface Engine {
  submit(submission: Submission): Promise<RunAnswer>;
  putItems(itemSetId: string, chunk: number, itemsJson: string): Promise<void>;
  /** A run or one task; `by` is shown: `you`. Answers when recorded; live attempts end after their grace. */
  cancel(subject: string, by: string): Promise<{ readonly tasks: number }>;
  /** Failed and cancelled tasks get a fresh budget and new attempt numbers. */
  retry(subject: string): Promise<{ readonly tasks: number }>;
  /** Nothing new starts; what runs goes on. */
  pause(run: string, by: string): Promise<void>;
  resume(run: string): Promise<void>;
  /** Lets the tasks that `trialTasks` held back start. */
  release(run: string): Promise<void>;
  remove(run: string): Promise<void>;
  supplySecrets(run: string, values: Readonly<Record<string, string>>): Promise<void>;

  listRuns(query: {
    readonly all: boolean;
    readonly limit: number;
    readonly beforeId?: number;
  }): Promise<readonly RunAnswer[]>;
  getRun(run: string): Promise<RunDetailAnswer>;
  listTasks(run: string, query: TasksQuery): Promise<TasksAnswer>;
  getTask(subject: string): Promise<TaskDetailAnswer>;
  explain(subject: string): Promise<ExplainAnswer>;
  listEvents(query: {
    readonly run?: string;
    readonly afterSequence?: number;
    readonly last?: number;
    readonly limit: number;
  }): Promise<readonly EventAnswer[]>;
  /** Of one attempt: `run/job/index` (the last attempt) or `…#n`. */
  readLogs(subject: string, query: LogQuery): AsyncIterable<LogLine>;
  /** Describes the runtime of a target without a run: capacity, label, caveats. */
  inspectTarget(target: Target): Promise<InstanceAnswer>;
  measureDisk(): Promise<readonly DiskUse[]>;
  /** Frees workspaces and logs older than the settings, or everything of ended attempts with `all`. */
  prune(options: { readonly all: boolean }): Promise<{ readonly freedBytes: number }>;

  /** Called after every recorded cycle that changed something; `runs` are the names touched. The answer unsubscribes. */
  onChange(
    listener: (change: { readonly runs: ReadonlySet<string>; readonly lastEventSequence: number }) => void,
  ): () => void;
  /** Nothing is waiting or live and no command is under way: the controller may end itself. */
  isIdle(): boolean;
  counts(): { readonly runs: number; readonly liveAttempts: number };
  /** Stops deciding, finishes the cycle, leaves attempts as they are. */
  close(): Promise<void>;
}

// The client of the controller's API: one method a route, over node:http alone, so that a command starts fast. Answers are
// trusted to have the form of `answers.ts`; errors come back as the DistributoError that was thrown on the other side.

import type { RunSpec, Target } from '../../domain/job.ts';
import type { TaskState } from '../../domain/states.ts';
import type { Submission } from '../../engine/engine-api.ts';
import type * as answers from './answers.ts';
import { type Address, createTransport, type Query } from './transport.ts';

export type { Address } from './transport.ts';

export type ApiClientOptions = Address & {
  /** Sent as the client's release; the package's own where not given. */
  readonly version?: string;
};

export type RunsQuery = { readonly all?: boolean; readonly limit?: number; readonly beforeId?: number };
export type TasksQuery = {
  readonly job?: string;
  readonly states?: readonly TaskState[];
  readonly repeated?: boolean;
  /** `next` of the page before. */
  readonly after?: string;
  readonly limit?: number;
};
export type LogsQuery = { readonly follow?: boolean; readonly sinceMs?: number; readonly tail?: number };
export type EventsQuery = {
  readonly run?: string;
  readonly afterSequence?: number;
  readonly last?: number;
  readonly limit?: number;
};

/** Ends a stream from the caller's side; the iteration then ends without an error. */
export type StreamOptions = { readonly signal?: AbortSignal };

export interface ApiClient {
  readController(options?: { readonly limitMs?: number }): Promise<answers.ControllerView>;
  stopController(): Promise<answers.StoppingView>;

  submitRun(
    submission: Pick<Submission, 'spec'> & Partial<Omit<Submission, 'spec'>> & { readonly spec: RunSpec },
  ): Promise<answers.SubmittedView>;
  /** Each chunk is the JSON of an array of at most ITEMS_PER_CHUNK arrays of strings, without line breaks. */
  putItems(itemSetId: string, chunks: AsyncIterable<string> | Iterable<string>): Promise<answers.ItemSetView>;

  listRuns(query?: RunsQuery): Promise<answers.RunsView>;
  readRun(run: string): Promise<answers.RunView>;
  removeRun(run: string): Promise<answers.OrderView>;
  /** The run now and after each change; ends when the run has ended. */
  watchRun(run: string, options?: StreamOptions): AsyncIterable<answers.RunView>;

  /** `subject`: a run or one task of it. */
  cancel(subject: string, by?: string): Promise<answers.OrderView>;
  retry(subject: string): Promise<answers.OrderView>;
  pause(run: string, by?: string): Promise<answers.OrderView>;
  resume(run: string): Promise<answers.OrderView>;
  release(run: string): Promise<answers.OrderView>;
  supplySecrets(run: string, values: Readonly<Record<string, string>>): Promise<answers.OrderView>;

  listTasks(run: string, query?: TasksQuery): Promise<answers.TasksView>;
  readTask(subject: string): Promise<answers.TaskView>;
  explain(subject: string): Promise<answers.ExplainView>;
  readLogs(subject: string, query?: LogsQuery, options?: StreamOptions): AsyncIterable<answers.LogStreamLine>;
  listEvents(query?: EventsQuery): Promise<answers.EventsView>;
  followEvents(query?: Omit<EventsQuery, 'limit'>, options?: StreamOptions): AsyncIterable<answers.EventStreamLine>;

  inspectTarget(target: Target): Promise<answers.MachineView>;
  measureDisk(): Promise<answers.DiskView>;
  prune(options: { readonly all: boolean }): Promise<answers.PrunedView>;
  readOpenApi(): Promise<Readonly<Record<string, unknown>>>;
  /** Lets go of the connections. */
  close(): void;
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  const { ask, stream, upload, close } = createTransport(options, options.version);
  const order = (
    name: 'cancel' | 'retry' | 'pause' | 'resume' | 'release' | 'supplySecrets',
    run: string,
    body: object,
  ) => ask<answers.OrderView>(name, { path: { run }, body });

  return {
    readController: ({ limitMs } = {}) => ask('readController', { limitMs }),
    stopController: () => ask('stopController', { body: {} }),

    submitRun: ({ spec, submissionKey = null, trialTasks = null, secretValues = {} }) =>
      ask('submitRun', { body: { spec, submissionKey, trialTasks, secretValues } }),
    putItems: (itemSetId, chunks) => upload('putItems', { path: { itemSetId }, lines: chunks }),

    listRuns: (query = {}) => ask('listRuns', { query }),
    readRun: (run) => ask('readRun', { path: { run } }),
    removeRun: (run) => ask('removeRun', { path: { run } }),
    watchRun: (run, { signal } = {}) => stream('watchRun', { path: { run }, signal }),

    cancel: (subject, by = 'you') => {
      const { run, task } = splitSubject(subject);
      return order('cancel', run, { task, by });
    },
    retry: (subject) => {
      const { run, task } = splitSubject(subject);
      return order('retry', run, { task });
    },
    pause: (run, by = 'you') => order('pause', run, { by }),
    resume: (run) => order('resume', run, {}),
    release: (run) => order('release', run, {}),
    supplySecrets: (run, values) => order('supplySecrets', run, { values }),

    listTasks: (run, { states, ...rest } = {}) =>
      ask('listTasks', { path: { run }, query: { ...rest, ...(states ? { states: states.join(',') } : {}) } }),
    readTask: (subject) => ask('readTask', { query: { subject } }),
    explain: (subject) => ask('explain', { query: { subject } }),
    readLogs: (subject, query: Query = {}, { signal } = {}) =>
      stream('readLogs', { query: { ...query, subject }, signal }),
    listEvents: (query = {}) => ask('listEvents', { query }),
    followEvents: (query = {}, { signal } = {}) => stream('followEvents', { query, signal }),

    inspectTarget: (target) => ask('inspectTarget', { body: { target } }),
    measureDisk: () => ask('measureDisk'),
    prune: ({ all }) => ask('prune', { body: { all } }),
    readOpenApi: () => ask('readOpenApi'),
    close,
  };
}

/** `run/job/3` → run and `job/3`. */
function splitSubject(subject: string): { readonly run: string; readonly task: string | null } {
  const at = subject.indexOf('/');
  return at === -1 ? { run: subject, task: null } : { run: subject.slice(0, at), task: subject.slice(at + 1) };
}

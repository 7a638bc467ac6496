// The table of the API: one row a route. Server, client and OpenAPI document are made from it. Names of forms are those of
// `schemas.ts`; this file loads nothing.

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `{run}` and `{itemSetId}` are filled in, percent-encoded. */
  readonly path: string;
  readonly summary: string;
  readonly query?: string;
  readonly body?: string;
  readonly answer: string;
  /** `answer`: newline-delimited JSON, each line of the answer's form, an error's form last where it breaks off. `body`: lines come in. */
  readonly lines?: 'answer' | 'body';
  readonly bodyBytesMax?: number;
  /** May be sent again when the connection broke: the second time changes nothing. */
  readonly isRepeatable: boolean;
  /** Answered to every release, so that an old controller can be seen and stopped. */
  readonly isForEveryVersion?: boolean;
};

/** A job file with a 10 MB environment, as JSON with escapes, for several jobs. */
const SUBMISSION_BYTES_MAX = 256 * 1024 * 1024;
export const BODY_BYTES_MAX = 1024 * 1024;
/** One line of an item set: 1,000 items. */
export const ITEM_CHUNK_BYTES_MAX = 64 * 1024 * 1024;

const row = <const R extends Route>(route: R): R => route;

export const ROUTES = {
  readController: row({
    method: 'GET',
    path: '/v1/controller',
    summary: 'Who answers: version, process, what it does',
    answer: 'controller',
    isForEveryVersion: true,
    isRepeatable: true,
  }),
  stopController: row({
    method: 'POST',
    path: '/v1/controller/stop',
    summary: 'Finishes the cycle and ends the controller; attempts go on',
    body: 'nothing',
    answer: 'stopping',
    isForEveryVersion: true,
    isRepeatable: true,
  }),
  submitRun: row({
    method: 'POST',
    path: '/v1/runs',
    summary: 'Submits a run; durable when answered. The same submissionKey gives the same run',
    body: 'submission',
    answer: 'submitted',
    bodyBytesMax: SUBMISSION_BYTES_MAX,
    isRepeatable: false,
  }),
  listRuns: row({
    method: 'GET',
    path: '/v1/runs',
    summary: 'Runs, newest first; live ones only without `all`',
    query: 'runsQuery',
    answer: 'runs',
    isRepeatable: true,
  }),
  putItems: row({
    method: 'PUT',
    path: '/v1/item-sets/{itemSetId}',
    summary: 'Items of an array, one chunk of 1,000 a line, before the run that names the set',
    body: 'itemChunk',
    answer: 'itemSet',
    lines: 'body',
    isRepeatable: false,
  }),
  readRun: row({
    method: 'GET',
    path: '/v1/runs/{run}',
    summary: 'One run with its jobs, machines and last events',
    answer: 'run',
    isRepeatable: true,
  }),
  removeRun: row({
    method: 'DELETE',
    path: '/v1/runs/{run}',
    summary: 'Removes an ended run with its history and logs',
    answer: 'order',
    isRepeatable: false,
  }),
  watchRun: row({
    method: 'GET',
    path: '/v1/runs/{run}/watch',
    summary: 'The run at once and after each change, at most 10 a second, until it ended',
    answer: 'run',
    lines: 'answer',
    isRepeatable: true,
  }),
  cancel: row({
    method: 'POST',
    path: '/v1/runs/{run}/cancel',
    summary: 'Cancels a run or one task of it',
    body: 'cancelOrder',
    answer: 'order',
    isRepeatable: true,
  }),
  retry: row({
    method: 'POST',
    path: '/v1/runs/{run}/retry',
    summary: 'Gives failed and cancelled tasks a fresh budget',
    body: 'retryOrder',
    answer: 'order',
    isRepeatable: false,
  }),
  pause: row({
    method: 'POST',
    path: '/v1/runs/{run}/pause',
    summary: 'Starts nothing new; what runs goes on',
    body: 'pauseOrder',
    answer: 'order',
    isRepeatable: true,
  }),
  resume: row({
    method: 'POST',
    path: '/v1/runs/{run}/resume',
    summary: 'Goes on after a pause',
    body: 'nothing',
    answer: 'order',
    isRepeatable: true,
  }),
  release: row({
    method: 'POST',
    path: '/v1/runs/{run}/release',
    summary: 'Starts the tasks that a trial held back',
    body: 'nothing',
    answer: 'order',
    isRepeatable: true,
  }),
  supplySecrets: row({
    method: 'POST',
    path: '/v1/runs/{run}/secrets',
    summary: 'Passes values of env: secrets again; they live in memory only',
    body: 'secretValues',
    answer: 'order',
    isRepeatable: true,
  }),
  listTasks: row({
    method: 'GET',
    path: '/v1/runs/{run}/tasks',
    summary: 'Tasks of a run, by pages',
    query: 'tasksQuery',
    answer: 'tasks',
    isRepeatable: true,
  }),
  readTask: row({
    method: 'GET',
    path: '/v1/task',
    summary: 'One task with its attempts',
    query: 'subjectQuery',
    answer: 'task',
    isRepeatable: true,
  }),
  explain: row({
    method: 'GET',
    path: '/v1/explain',
    summary: 'What is, why, and what would change it',
    query: 'subjectQuery',
    answer: 'explain',
    isRepeatable: true,
  }),
  readLogs: row({
    method: 'GET',
    path: '/v1/logs',
    summary: 'Log lines of one attempt; with `follow` until it ended',
    query: 'logsQuery',
    answer: 'logLine',
    lines: 'answer',
    isRepeatable: true,
  }),
  listEvents: row({
    method: 'GET',
    path: '/v1/events',
    summary: 'What happened, oldest first',
    query: 'eventsQuery',
    answer: 'events',
    isRepeatable: true,
  }),
  followEvents: row({
    method: 'GET',
    path: '/v1/events/follow',
    summary: 'What happened and what happens, until the client goes',
    query: 'followQuery',
    answer: 'event',
    lines: 'answer',
    isRepeatable: true,
  }),
  inspectTarget: row({
    method: 'POST',
    path: '/v1/targets/inspect',
    summary: 'The machine behind a target, without a run',
    body: 'targetBody',
    answer: 'machine',
    isRepeatable: true,
  }),
  measureDisk: row({
    method: 'GET',
    path: '/v1/disk',
    summary: 'What lies on the disk and how much of it can go',
    answer: 'disk',
    isRepeatable: true,
  }),
  prune: row({
    method: 'POST',
    path: '/v1/prune',
    summary: 'Frees old workspaces and logs, or with `all` those of every ended attempt',
    body: 'pruneOrder',
    answer: 'pruned',
    isRepeatable: true,
  }),
  readOpenApi: row({
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document',
    answer: 'openApi',
    isRepeatable: true,
  }),
} as const;

export type RouteName = keyof typeof ROUTES;

// Forms of what goes out: the documented views `distributo/<view>/1`. Loose: a field is added freely, a change of meaning
// raises the number. They say the same as `answers.ts`; a type check at the end compares the two.

import { z } from 'zod';
import { END_CAUSES } from '../../domain/attempt.ts';
import { EVENT_KINDS } from '../../domain/event.ts';
import {
  ATTEMPT_STATES,
  type AttemptEndState,
  INSTANCE_STATES,
  LIVE_ATTEMPT_STATES,
  RUN_STATES,
  TASK_STATES,
} from '../../domain/states.ts';
import type * as answers from './answers.ts';
import type { Same } from './same-type.ts';
import { executor, resources, transfer } from './spec-schemas.ts';

const whole = z.number().int();
const atMs = whole;
const text = z.string();
const runState = z.enum(RUN_STATES);
const taskState = z.enum(TASK_STATES);
const endStates = ATTEMPT_STATES.filter(
  (state): state is AttemptEndState => !(LIVE_ATTEMPT_STATES as readonly string[]).includes(state),
);

/** A view: its fields and the name of its form. */
const view = <Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) =>
  z
    .object({ schema: z.literal(`distributo/${name}/1`), ...shape })
    .meta({ id: name.replace(/(^|-)(.)/g, (_match, _dash, letter: string) => letter.toUpperCase()) });

const taskCounts = z
  .object({ total: whole, waiting: whole, running: whole, succeeded: whole, failed: whole, cancelled: whole })
  .meta({ id: 'TaskCounts' });

const waitReason = z
  .object({
    kind: z.enum([
      'room',
      'dependency',
      'paused',
      'backoff',
      'secret',
      'runtime',
      'disk',
      'trial',
      'never-fits',
      'deciding',
    ]),
    text,
    help: text.nullable(),
  })
  .meta({ id: 'WaitReason' });

const jobAnswer = z
  .object({
    name: text,
    state: runState,
    tasks: taskCounts,
    waitsFor: waitReason.nullable(),
    repeats: z.object({ interruptions: whole, retries: whole }),
    meanDurationMs: z.number().nullable(),
    peakMemoryMib: z.number().nullable(),
    resources,
  })
  .meta({ id: 'JobAnswer' });

const runShape = {
  id: whole,
  run: text,
  state: runState,
  stateReason: text.nullable(),
  backend: text,
  runtimeLabel: text.nullable(),
  runtimeCaveats: z.array(text),
  submittedAtMs: atMs,
  startedAtMs: atMs.nullable(),
  endedAtMs: atMs.nullable(),
  deadlineAtMs: atMs.nullable(),
  deadlineMissed: z.boolean(),
  finishForecastAtMs: z.number().nullable(),
  tasks: taskCounts,
  jobs: z.array(jobAnswer),
  concurrencyMax: whole.nullable(),
  trialTasks: whole.nullable(),
  secretsMissing: z.array(text),
  labels: z.record(z.string(), z.string()),
  directory: text,
};

const instanceShape = {
  instanceId: text,
  state: z.enum(INSTANCE_STATES),
  stateReason: text.nullable(),
  capacity: resources,
  free: resources,
  total: resources,
  attempts: whole,
  runtimes: z.array(z.object({ runtimeKey: text, label: text, isReachable: z.boolean(), caveats: z.array(text) })),
};

export const event = z
  .object({
    sequence: whole,
    atMs,
    kind: z.enum(EVENT_KINDS),
    runId: whole.nullable(),
    jobId: whole.nullable(),
    taskIndex: whole.nullable(),
    attemptSequence: whole.nullable(),
    state: text.nullable(),
    reason: text.nullable(),
    subject: text.nullable(),
  })
  .meta({ id: 'Event' });

const taskShape = {
  task: text,
  job: text,
  index: whole,
  state: taskState,
  attempts: whole,
  startedAtMs: atMs.nullable(),
  endedAtMs: atMs.nullable(),
  exitCode: whole.nullable(),
  peakMemoryMib: z.number().nullable(),
  reason: text.nullable(),
};

const attemptAnswer = z
  .object({
    sequence: whole,
    runId: whole,
    jobId: whole,
    taskIndex: whole,
    number: whole,
    instanceId: text,
    runtimeKey: text,
    state: z.enum(ATTEMPT_STATES),
    createdAtMs: atMs,
    startedAtMs: atMs.nullable(),
    end: z
      .object({
        state: z.enum(endStates as [AttemptEndState, ...AttemptEndState[]]),
        cause: z.enum(END_CAUSES),
        exitCode: whole.nullable(),
        reason: text,
        startedAtMs: atMs.nullable(),
        endedAtMs: atMs,
        peakMemoryMib: z.number().nullable(),
      })
      .nullable(),
    attemptId: text,
    name: text,
    activity: text.nullable(),
  })
  .meta({ id: 'Attempt' });

const rejection = z
  .object({
    rule: text,
    instances: whole,
    asked: z.number().nullable(),
    nearest: z.object({ instanceId: text, had: z.number().nullable(), capacity: z.number().nullable() }).nullable(),
    isNever: z.boolean(),
  })
  .meta({ id: 'Rejection' });

export const submitted = view('submitted', runShape);
export const run = view('run', {
  ...runShape,
  instances: z.array(z.object(instanceShape)),
  recentEvents: z.array(event),
  active: z.array(z.object({ task: text, activity: text, sinceMs: z.number() })),
  warnings: z.array(text),
});
export const runs = view('runs', { runs: z.array(z.object(runShape)) });
export const tasks = view('tasks', { tasks: z.array(z.object(taskShape)), next: text.nullable() });
export const task = view('task', {
  ...taskShape,
  attemptList: z.array(attemptAnswer),
  filled: z.object({
    executors: z.array(executor),
    inputs: z.array(transfer),
    outputs: z.array(transfer),
    resources,
  }),
});
export const explain = view('explain', {
  subject: z.object({ kind: z.enum(['run', 'task']), id: text }),
  state: text,
  headline: text,
  because: z.array(text),
  asks: resources.nullable(),
  looked: whole,
  rejections: z.array(rejection),
  queue: z.object({ position: whole, of: whole }).nullable(),
  attempts: z.array(attemptAnswer),
  wouldHelp: z.array(text),
});
export const events = view('events', { events: z.array(event) });
export const machine = view('machine', instanceShape);
export const disk = view('disk', {
  uses: z.array(
    z.object({
      what: z.enum(['logs', 'workspaces', 'volumes', 'images', 'store']),
      bytes: z.number(),
      freeable: z.number(),
    }),
  ),
});
export const pruned = view('pruned', { freedBytes: z.number() });
export const itemSet = view('item-set', { itemSetId: text, chunks: whole, items: whole });
export const order = view('order', { subject: text, order: text, tasks: whole.nullable() });
export const stopping = view('stopping', { pid: whole, liveAttempts: whole });
export const controller = view('controller', {
  version: text,
  apiNumber: whole,
  pid: whole,
  sinceMs: atMs,
  stateDirectory: text,
  socket: text,
  log: text,
  ownerId: text,
  isIdle: z.boolean(),
  endsAtMs: z.number().nullable(),
  runs: whole,
  liveAttempts: whole,
});
export const error = view('error', {
  code: text,
  message: text,
  hint: text.nullable(),
  retryable: z.boolean(),
  details: z.record(z.string(), z.unknown()),
  exitCode: whole,
});
export const logLine = z
  .object({ atMs: z.number(), stream: z.enum(['stdout', 'stderr', 'distributo']), text })
  .meta({ id: 'LogLine' });
export const openApi = z.record(z.string(), z.unknown());

type Infer<S extends z.ZodType> = z.infer<S>;
const _same: readonly [
  Same<answers.SubmittedView, Infer<typeof submitted>>,
  Same<answers.RunView, Infer<typeof run>>,
  Same<answers.RunsView, Infer<typeof runs>>,
  Same<answers.TasksView, Infer<typeof tasks>>,
  Same<answers.TaskView, Infer<typeof task>>,
  Same<answers.ExplainView, Infer<typeof explain>>,
  Same<answers.EventsView, Infer<typeof events>>,
  Same<answers.MachineView, Infer<typeof machine>>,
  Same<answers.DiskView, Infer<typeof disk>>,
  Same<answers.PrunedView, Infer<typeof pruned>>,
  Same<answers.ItemSetView, Infer<typeof itemSet>>,
  Same<answers.OrderView, Infer<typeof order>>,
  Same<answers.StoppingView, Infer<typeof stopping>>,
  Same<answers.ControllerView, Infer<typeof controller>>,
  Same<answers.LogStreamLine, Infer<typeof logLine>>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true, true];
void _same;

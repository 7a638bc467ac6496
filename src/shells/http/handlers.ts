// One handler a route: takes the checked request, calls the engine, names the form of the answer. No rules here.

import type { z } from 'zod';
import type { Engine } from '../../engine/engine-api.ts';
import type { ControllerView } from '../api/answers.ts';
import type { ROUTES, RouteName } from '../api/routes.ts';
import type { DeepReadonly } from '../api/same-type.ts';
import type { SCHEMAS } from '../api/schemas.ts';
import { followEvents } from './follow-events.ts';
import { createOpenApi } from './open-api.ts';
import { takeItems } from './take-items.ts';
import { watchRun } from './watch-run.ts';

/** What the process itself answers for. */
export type ControllerSelf = {
  describe(): ControllerView;
  /** Begins to end; the answer is sent first. */
  stop(reason: string): void;
};

type Form<Route, Part extends string> =
  Route extends Readonly<Record<Part, infer Name extends keyof typeof SCHEMAS>>
    ? DeepReadonly<z.output<(typeof SCHEMAS)[Name]>>
    : undefined;

type Call<Name extends RouteName> = {
  readonly run: string;
  readonly itemSetId: string;
  readonly query: Form<(typeof ROUTES)[Name], 'query'>;
  readonly body: (typeof ROUTES)[Name] extends { readonly lines: 'body' }
    ? AsyncIterable<Uint8Array>
    : Form<(typeof ROUTES)[Name], 'body'>;
  readonly signal: AbortSignal;
};

type Answer<Name extends RouteName> = (typeof ROUTES)[Name] extends { readonly lines: 'answer' }
  ? AsyncIterable<Form<(typeof ROUTES)[Name], 'answer'>>
  : Promise<Form<(typeof ROUTES)[Name], 'answer'>>;

export type Handlers = { readonly [Name in RouteName]: (call: Call<Name>) => Answer<Name> };

export function createHandlers(engine: Engine, self: ControllerSelf): Handlers {
  return {
    readController: async () => self.describe(),
    stopController: async () => {
      const { pid, liveAttempts } = self.describe();
      setImmediate(() => self.stop('a client asked for it'));
      return { schema: 'distributo/stopping/1', pid, liveAttempts };
    },

    submitRun: async ({ body }) => ({ schema: 'distributo/submitted/1', ...(await engine.submit(body)) }),
    putItems: async ({ itemSetId, body }) => {
      const counts = await takeItems(body, (chunk, json) => engine.putItems(itemSetId, chunk, json));
      return { schema: 'distributo/item-set/1', itemSetId, ...counts };
    },

    listRuns: async ({ query }) => ({ schema: 'distributo/runs/1', runs: await engine.listRuns(query) }),
    readRun: async ({ run }) => ({ schema: 'distributo/run/1', ...(await engine.getRun(run)) }),
    removeRun: async ({ run }) => {
      await engine.remove(run);
      return order(run, 'remove');
    },
    watchRun: async function* ({ run, signal }) {
      for await (const frame of watchRun(engine, run, signal)) yield { schema: 'distributo/run/1' as const, ...frame };
    },

    cancel: async ({ run, body }) => {
      const subject = subjectOf(run, body.task);
      return order(subject, 'cancel', (await engine.cancel(subject, body.by)).tasks);
    },
    retry: async ({ run, body }) => {
      const subject = subjectOf(run, body.task);
      return order(subject, 'retry', (await engine.retry(subject)).tasks);
    },
    pause: async ({ run, body }) => {
      await engine.pause(run, body.by);
      return order(run, 'pause');
    },
    resume: async ({ run }) => {
      await engine.resume(run);
      return order(run, 'resume');
    },
    release: async ({ run }) => {
      await engine.release(run);
      return order(run, 'release');
    },
    supplySecrets: async ({ run, body }) => {
      await engine.supplySecrets(run, body.values);
      return order(run, 'secrets');
    },

    listTasks: async ({ run, query }) => ({ schema: 'distributo/tasks/1', ...(await engine.listTasks(run, query)) }),
    readTask: async ({ query }) => ({ schema: 'distributo/task/1', ...(await engine.getTask(query.subject)) }),
    explain: async ({ query }) => ({ schema: 'distributo/explain/1', ...(await engine.explain(query.subject)) }),
    readLogs: ({ query: { subject, ...query } }) => engine.readLogs(subject, query),
    listEvents: async ({ query }) => ({ schema: 'distributo/events/1', events: await engine.listEvents(query) }),
    followEvents: ({ query, signal }) => followEvents(engine, query, signal),

    inspectTarget: async ({ body }) => ({
      schema: 'distributo/machine/1',
      ...(await engine.inspectTarget(body.target)),
    }),
    measureDisk: async () => ({ schema: 'distributo/disk/1', uses: await engine.measureDisk() }),
    prune: async ({ body }) => ({ schema: 'distributo/pruned/1', ...(await engine.prune(body)) }),
    readOpenApi: async () => createOpenApi(),
  };
}

const subjectOf = (run: string, task: string | null): string => (task === null ? run : `${run}/${task}`);

const order = (subject: string, word: string, tasks: number | null = null) =>
  ({ schema: 'distributo/order/1', subject, order: word, tasks }) as const;

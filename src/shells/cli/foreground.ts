// Runs the controller inside this process for the length of one command: containers and CI have no place for a second one.
// Where one lives already, that one is used.

import { type ApiClient, createApiClient } from '../api/client.ts';
import { composeController } from '../compose.ts';
import { runController } from '../controller/run-controller.ts';
import { findController } from '../controller/start-controller.ts';
import type { Context } from './context.ts';

export async function runForeground<T>(context: Context, work: (client: ApiClient) => Promise<T>): Promise<T> {
  const { settings } = await context.configure();
  const found = await findController(settings.stateDirectory);
  if (found !== undefined) {
    context.warn(`controller ${found.controller.pid} lives already and is used`);
    return work(found.client).finally(() => found.client.close());
  }
  const controller = await runController(composeController(), {
    stateDirectory: settings.stateDirectory,
    settings,
    endsWhenIdle: false,
  });
  const client = createApiClient({ socketPath: controller.socketPath });
  try {
    return await Promise.race([work(client), failureOf(controller.ended)]);
  } finally {
    client.close();
    await controller.stop('the command ended');
  }
}

/** Rejects when the controller has to end before the work does. */
async function failureOf(ended: Promise<{ readonly error: unknown }>): Promise<never> {
  const { error } = await ended;
  if (error !== undefined) throw error;
  return new Promise<never>(() => undefined);
}

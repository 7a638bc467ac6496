// A command's way to the controller: the one that lives, or one started now. Says what went wrong with the one before.

import type { ApiClient } from '../api/client.ts';
import { startController } from '../controller/start-controller.ts';
import { formatRoughDuration } from '../terminal/format.ts';
import type { Context } from './context.ts';

export async function connectToController(context: Context): Promise<ApiClient> {
  const { settings } = await context.configure();
  const { client, lastFailure } = await startController({
    stateDirectory: settings.stateDirectory,
    settings,
    env: context.env,
  });
  if (lastFailure !== undefined) {
    const ago = formatRoughDuration(context.nowMs() - lastFailure.atMs);
    context.warn(
      `the controller before had to end ${ago} ago: ${lastFailure.error.message}; a new one goes on from there`,
    );
  }
  return client;
}

// A machine whose clock is set while tasks run and wait.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeClock } from '../../src/adapters/node-clock/node-clock.ts';
import { createApiClient } from '../../src/shells/api/client.ts';
import { composeController } from '../../src/shells/compose.ts';
import { runController } from '../../src/shells/controller/run-controller.ts';
import { aRunSpec } from '../support/run-spec.ts';
import { scratchFolder } from '../support/scratch.ts';
import { waitFor } from '../support/wait-for.ts';

for (const [what, stepMs] of [
  ['set back by a day', -86_400_000],
  ['set on by an hour', 3_600_000],
] as const) {
  test(`a clock ${what} kills nothing early and keeps nothing waiting`, async (t) => {
    const folder = await scratchFolder(t);
    let aheadMs = 0;
    const clock = createNodeClock({ wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() });
    const controller = await runController(composeController({ clock }), {
      stateDirectory: `${folder}/state`,
      endsWhenIdle: false,
    });
    const client = createApiClient({ socketPath: controller.socketPath });
    try {
      // Its second try is waited for across the step; its time limit is longer than the test and shorter than the step.
      const spec = aRunSpec({
        command: ['sh', '-c', `[ -e ${folder}/tried ] && sleep 2 && exit 0; touch ${folder}/tried; exit 1`],
        job: {
          retry: { attempts: 2, on: ['error'], backoffMs: 1_500, maxInterruptions: null, oomMemoryFactor: 1 },
          timeoutMs: 900_000,
          startTimeoutMs: 900_000,
        },
      });
      const { run } = await client.submitRun({ spec });
      const firstTry = async () => (await client.readTask(`${run}/0`)).attemptList[0]?.state === 'failed';
      await waitFor('the first try to fail', firstTry);
      aheadMs += stepMs;
      await waitFor('the second try', async () => (await client.readRun(run)).tasks.running === 1);
      aheadMs -= stepMs;
      await waitFor('the end', async () => (await client.readRun(run)).endedAtMs !== null);
      const task = await client.readTask(`${run}/0`);
      assert.deepEqual([task.state, task.attempts, task.reason], ['succeeded', 2, 'exit 0']);
      const { events } = await client.listEvents({ run });
      const times = events.map(({ atMs }) => atMs);
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
    } finally {
      client.close();
      await controller.stop('the test ends');
    }
  });
}

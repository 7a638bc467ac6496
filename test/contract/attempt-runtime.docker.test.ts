// The Docker adapter under the contract of attempt runtimes.

import { createDockerRuntime } from '../../src/adapters/docker/docker-runtime.ts';
import { LABEL, labelFilter } from '../../src/adapters/docker/labels.ts';
import { createNodeClock } from '../../src/adapters/node-clock/node-clock.ts';
import { createFileObjects } from '../../src/adapters/objects/file.ts';
import type { Target } from '../../src/domain/job.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../support/docker-image.ts';
import { testAttemptRuntime } from './attempt-runtime.ts';

const engine = await findTestEngine();
const nowhere: Target = { backend: 'local', runtime: 'docker', endpoint: '' };
const target = engine.unavailable === null ? engine.target : nowhere;

testAttemptRuntime({
  name: 'docker',
  unavailable: engine.unavailable,
  target,
  image: BUSYBOX_IMAGE,
  open: ({ stateDirectory, ownerId }) =>
    createDockerRuntime({
      target,
      stateDirectory,
      ownerId,
      clusterName: 'contract',
      objectsOf: createFileObjects,
      clock: createNodeClock(),
    }),
  async visible(attemptId) {
    if (engine.unavailable !== null) return '';
    const query = { all: true, filters: labelFilter({ [LABEL.attempt]: attemptId }) };
    return JSON.stringify(await engine.client.json('GET', '/containers/json', { query }));
  },
});

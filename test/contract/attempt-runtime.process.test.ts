// The process runtime under the contract of every attempt runtime.

import { createNodeClock } from '../../src/adapters/node-clock/node-clock.ts';
import { createFileObjects } from '../../src/adapters/objects/file.ts';
import { createProcessRuntime } from '../../src/adapters/process/process-runtime.ts';
import { PROCESS_TARGET } from '../support/run-spec.ts';
import { testAttemptRuntime } from './attempt-runtime.ts';

testAttemptRuntime({
  name: 'process',
  unavailable: process.platform === 'linux' ? null : 'plain processes are watched through /proc, which only Linux has',
  target: PROCESS_TARGET,
  image: '',
  open: ({ stateDirectory, ownerId }) =>
    createProcessRuntime({
      target: PROCESS_TARGET,
      stateDirectory,
      ownerId,
      clock: createNodeClock(),
      objectsOf: () => createFileObjects(),
    }),
});

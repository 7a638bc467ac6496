// Run as a program: a controller with nothing but the process runtime, that starts orders and is killed by its test.
// Reads orders from the file named first, says `started` once they are ordered, and lives until it is killed.

import { readFileSync } from 'node:fs';
import type { AttemptOrder } from '../../src/ports/attempt-runtime.ts';
import { openProcesses } from './process-house.ts';

const [ordersFile = '', stateDirectory = '', ownerId = ''] = process.argv.slice(2);
const { runtime } = await openProcesses(stateDirectory, ownerId);
process.stdout.write('ready\n');
for (const order of JSON.parse(readFileSync(ordersFile, 'utf8')) as AttemptOrder[]) {
  runtime.start(order);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
process.stdout.write('started\n');
setInterval(() => undefined, 60_000);

// A process that uses a store, for tests that kill it, starve it or run it on another Node.
//   hold FILE                      opens it, prints `open`, waits to be killed
//   write FILE SEED FROM TO ROWS   commits batches FROM..TO of the workload; prints `acknowledged N` after each
//   read FILE                      prints all it holds as JSON
// With `--until-killed` write goes on for ever.
// A refusal is printed as `refused CODE message hint`.

import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openStore } from '../../src/adapters/sqlite/open-store.ts';
import { DistributoError } from '../../src/domain/errors.ts';
import type { History, Store } from '../../src/ports/store.ts';
import { contentOf } from './model-store.ts';
import { StoreWorkload } from './store-workload.ts';

const say = (line: string): number => writeSync(1, `${line}\n`);

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'until-killed': { type: 'boolean', default: false } },
});
const [verb = '', file = '', ...numbers] = positionals;
try {
  const store = await openStore(file);
  say('open');
  if (verb === 'hold') setInterval(() => undefined, 1000);
  if (verb === 'write') await write(store, numbers.map(Number));
  if (verb === 'read') say(JSON.stringify(await contentOf(store)));
  if (verb !== 'hold') await store.close();
} catch (error) {
  if (!(error instanceof DistributoError)) throw error;
  say(`refused ${error.code} ${error.message} ${error.hint ?? ''}`);
  process.exitCode = 1;
}

async function write(store: Store & History, [seed = 1, from = 0, to = 0, rows = 8]: number[]): Promise<void> {
  const workload = new StoreWorkload(seed, rows);
  for (let number = 1; values['until-killed'] || number <= to; number += 1) {
    const batch = workload.next();
    if (number <= from) continue;
    await store.commit(batch);
    say(`acknowledged ${number}`);
  }
}

// Writes a workload under the shim: opens, commits, closes, several times, with a short log so that it is moved into the file
// and started over often.   recorded-writer FILE SEED ROWS ROUNDS BATCHES

import { openStore } from '../../../src/adapters/sqlite/open-store.ts';
import { StoreWorkload } from '../../support/store-workload.ts';
import { tellShim } from './tell-shim.ts';

const [file = '', ...numbers] = process.argv.slice(2);
const [seed = 1, rows = 8, rounds = 1, batches = 1] = numbers.map(Number);
const workload = new StoreWorkload(seed, rows);
let acknowledged = 0;
for (let round = 0; round < rounds; round += 1) {
  const store = await openStore(file, { logFramesMax: 80 });
  for (let i = 0; i < batches; i += 1) {
    await store.commit(workload.next());
    acknowledged += 1;
    if (!tellShim(`acknowledged/${acknowledged}`)) throw new Error('the shim is not there');
  }
  await store.close();
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { scratchFolder } from '../../../test/support/scratch.ts';
import { openStore } from './open-store.ts';

it('a process cannot open a store twice', async (context) => {
  const file = join(await scratchFolder(context), 'store.db');
  const store = await openStore(file);
  await assert.rejects(openStore(file), { code: 'STORE_LOCKED' });
  await store.close();
  await (await openStore(file)).close();
});

import { join } from 'node:path';
import { defaultDriver } from '../../src/adapters/sqlite/driver.ts';
import { openStore } from '../../src/adapters/sqlite/open-store.ts';
import { testStore } from './store.ts';

testStore({
  name: `SQLite (${defaultDriver()})`,
  unavailable: null,
  open: (directory, options) => openStore(join(directory, 'store.db'), options),
});

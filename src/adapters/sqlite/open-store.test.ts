import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { contentOf } from '../../../test/support/model-store.ts';
import { findNode24, skipWithoutNode24 } from '../../../test/support/node24.ts';
import { scratchFolder } from '../../../test/support/scratch.ts';
import { aJobRecord, aRun } from '../../../test/support/store-records.ts';
import { WorkloadHistory } from '../../../test/support/store-workload.ts';
import { DistributoError } from '../../domain/errors.ts';
import { type DriverName, defaultDriver, openDriver } from './driver.ts';
import { MIGRATIONS } from './migrate.ts';
import { openStore, type StoreOptions } from './open-store.ts';

const CHILD = fileURLToPath(new URL('../../../test/support/store-child.js', import.meta.url));
const run = promisify(execFile);

/** A store of one open run, in the log only (as after a kill) or tidily closed. */
async function aStoreFile(folder: string, closing: 'tidy' | 'killed' = 'tidy'): Promise<string> {
  const file = join(folder, 'store.db');
  const arguments_ = [CHILD, 'write', file, '1', '0', '20', '8'];
  if (closing === 'tidy') await run(process.execPath, arguments_);
  else {
    const child = spawn(process.execPath, [...arguments_, '--until-killed'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await lineOf(child, 'acknowledged 20');
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  return file;
}

async function lineOf(child: ChildProcess, wanted: string): Promise<void> {
  if (child.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith(wanted)) return;
  throw new Error(`the process ended without saying ${wanted}`);
}

/** Name → bytes of every file of a folder. */
async function filesOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder)).sort();
  return new Map(
    await Promise.all(
      names.map(async (name): Promise<[string, string]> => [name, await readFile(join(folder, name), 'base64')]),
    ),
  );
}

/** Opening refuses with the code, in words that name the file and the next step, and leaves every byte as it was. */
async function refusesUntouched(file: string, code: string, options: StoreOptions = {}): Promise<DistributoError> {
  const folder = join(file, '..');
  const before = await filesOf(folder);
  const error: unknown = await openStore(file, options).then(
    () => assert.fail(`${file} opened`),
    (refusal) => refusal,
  );
  assert.ok(error instanceof DistributoError, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.includes(file), error.message);
  assert.ok((error.hint ?? '').length > 20, error.hint);
  assert.deepEqual([...(await filesOf(folder))], [...before]);
  return error;
}

it('a process cannot open a store twice', async (context) => {
  const file = join(await scratchFolder(context), 'store.db');
  const store = await openStore(file);
  await assert.rejects(openStore(file), { code: 'STORE_LOCKED' });
  await store.close();
  await (await openStore(file)).close();
});

it('a store that another process holds is refused at once, and given as soon as that process is killed', async (context) => {
  const file = join(await scratchFolder(context), 'store.db');
  const child = spawn(process.execPath, [CHILD, 'hold', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  await lineOf(child, 'open');
  await refusesUntouched(file, 'STORE_LOCKED');
  child.kill('SIGKILL');
  await once(child, 'close');
  await (await openStore(file)).close();
});

it('of many processes that make a store at once, one has it', async (context) => {
  const file = join(await scratchFolder(context), 'store.db');
  const children = Array.from({ length: 8 }, () =>
    spawn(process.execPath, [CHILD, 'hold', file], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  context.after(() => children.forEach((child) => void child.kill('SIGKILL')));
  const said = await Promise.all(
    children.map(async (child) => {
      for await (const line of createInterface({ input: child.stdout })) return line.split(' ').slice(0, 2).join(' ');
      return 'nothing';
    }),
  );
  assert.deepEqual(said.sort(), ['open', ...Array(7).fill('refused STORE_LOCKED')]);
});

it('an older store is copied, then brought to the newer schema with all it holds', async (context) => {
  const folder = await scratchFolder(context);
  const file = await aStoreFile(folder, 'killed');
  const migrations = [...MIGRATIONS, 'CREATE TABLE colours (id INTEGER PRIMARY KEY)'];
  const newer = await openStore(file, { migrations });
  const content = await contentOf(newer);
  assert.ok(content.world.runs.length > 0);
  await newer.close();
  await refusesUntouched(file, 'STORE_NEWER');
  const copy = await openStore(`${file}.before-2`);
  assert.deepEqual(await contentOf(copy), content);
  assert.equal(copy.ownerId, newer.ownerId);
  await copy.close();
});

it('an upgrade that fails halfway leaves the old schema', async (context) => {
  const file = await aStoreFile(await scratchFolder(context));
  const migrations = [...MIGRATIONS, 'CREATE TABLE colours (id INTEGER PRIMARY KEY); CREATE TABLE runs (id INTEGER)'];
  await assert.rejects(openStore(file, { migrations }), { code: 'STORE_FAILED' });
  const store = await openStore(file);
  assert.deepEqual(await contentOf(store), new WorkloadHistory(1, 8).contentAfter(20));
  await store.close();
});

it('a newer store is refused with what to do, also when its schema is in the log only', async (context) => {
  const folder = await scratchFolder(context);
  const file = await aStoreFile(folder, 'killed');
  const driver = openDriver(file);
  driver.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA user_version = 7');
  const logged = join(folder, 'logged');
  await mkdir(logged);
  for (const name of ['store.db', 'store.db-wal']) await copyFile(join(folder, name), join(logged, name));
  driver.close();
  const error = await refusesUntouched(join(logged, 'store.db'), 'STORE_NEWER');
  assert.match(error.message, /has schema 7; this version knows schemas up to 1/);
  assert.match(error.hint ?? '', /newer distributo/);
});

it('what is not a sound store is refused, whatever it is', async (context) => {
  const folder = await scratchFolder(context);
  const file = await aStoreFile(folder, 'killed');
  const size = (await stat(file)).size;
  const damages: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
    empty: (at) => truncate(at, 0),
    'cut in half': (at) => truncate(at, Math.floor(size / 2)),
    'cut within a page': (at) => truncate(at, size - 1000),
    'another file': (at) => writeFile(at, 'hello, this is a letter'.repeat(1000)),
    'its header overwritten': (at) => overwrite(at, 0, 100),
    'its pages overwritten': (at) => overwrite(at, 4096, size - 4096),
    'its log overwritten in the middle': (at) => overwrite(`${at}-wal`, 9000, 100),
    'its log without a header': (at) => overwrite(`${at}-wal`, 4, 20),
    'its file gone': (at) => rm(at),
    "another program's": async (at) => {
      await rm(at);
      await rm(`${at}-wal`);
      const driver = openDriver(at);
      driver.exec('CREATE TABLE theirs (id INTEGER)');
      driver.close();
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    const copy = join(folder, name.replaceAll(/\W/g, '-'));
    await mkdir(copy);
    for (const each of ['store.db', 'store.db-wal']) await copyFile(join(folder, each), join(copy, each));
    await damage(join(copy, 'store.db'));
    const error = await refusesUntouched(join(copy, 'store.db'), 'STORE_DAMAGED');
    // The hint works as it stands.
    await run('sh', ['-c', /with: (.*?) \(/.exec(error.hint ?? '')?.[1] ?? 'exit 1']);
    await (await openStore(join(copy, 'store.db'))).close();
  }
});

async function overwrite(file: string, at: number, bytes: number): Promise<void> {
  const content = await readFile(file);
  content.fill(0xa5, at, at + bytes);
  await writeFile(file, content);
}

it('a changed value in a row is noticed when it is read', async (context) => {
  const file = await aStoreFile(await scratchFolder(context));
  const driver = openDriver(file);
  driver.exec("UPDATE runs SET state_reason = 'not what was written' WHERE id = 1");
  driver.close();
  const store = await openStore(file);
  await assert.rejects(store.listRuns({ limit: 100 }), { code: 'STORE_DAMAGED', message: /run 1 does not match/ });
  await store.close();
});

it('a folder that cannot be written is named', async (context) => {
  const folder = await scratchFolder(context);
  const missing = join(folder, 'missing', 'store.db');
  await assert.rejects(openStore(missing), { code: 'STATE_DIRECTORY_UNUSABLE', message: new RegExp(missing) });
});

it('parts that a killed start left behind are removed', async (context) => {
  const folder = await scratchFolder(context);
  const file = await aStoreFile(folder);
  for (const name of ['new-4194305-0123abcd', 'check-4194305-0123abcd', 'check-4194305-0123abcd-wal'])
    await writeFile(`${file}.${name}`, 'left');
  // Above every pid that Linux gives; and one that lives.
  await writeFile(`${file}.new-${process.pid}-0123abcd`, 'in use');
  await writeFile(`${file}.mine`, 'kept');
  const store = await openStore(file);
  await store.close();
  assert.deepEqual((await readdir(folder)).sort(), [
    'store.db',
    'store.db.mine',
    `store.db.new-${process.pid}-0123abcd`,
  ]);
});

it('a removal cut short by a kill is completed at the next open', async (context) => {
  const file = join(await scratchFolder(context), 'store.db');
  const store = await openStore(file);
  await store.commit({ newRuns: [{ run: aRun({ state: 'failed' }), jobs: [aJobRecord()] }] });
  const removal = store.removeRun(1);
  await store.close();
  await removal;
  const marked = openDriver(file);
  assert.equal(marked.ask('SELECT count(*) FROM jobs'), '1', 'closing in between leaves the rest for later');
  marked.close();
  await (await openStore(file)).close();
  const again = await openStore(file);
  assert.deepEqual(await again.listRuns({ limit: 10 }), []);
  // The name is free once nothing of the run is left.
  const sameName = { newRuns: [{ run: aRun({ id: 2, number: 1 }), jobs: [aJobRecord({ id: 2, runId: 2 })] }] };
  await until(() =>
    again.commit(sameName).then(
      () => true,
      () => false,
    ),
  );
  assert.deepEqual(await again.countTasks([1]), new Map());
  await again.close();
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('the condition did not come true');
}

it('what one driver wrote, and was killed at, the other reads', {
  skip: skipWithoutNode24(findNode24()),
}, async (context) => {
  const newer = findNode24();
  assert.equal(newer.unavailable, null);
  const folder = await scratchFolder(context);
  const nodes = [process.execPath, newer.path, process.execPath, newer.path];
  const file = join(folder, 'store.db');
  const history = new WorkloadHistory(5, 8);
  let from = 0;
  for (const node of nodes) {
    const child = spawn(node, [CHILD, 'write', file, '5', String(from), '0', '8', '--until-killed'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await lineOf(child, `acknowledged ${from + 20}`);
    child.kill('SIGKILL');
    await once(child, 'close');
    const other = node === newer.path ? process.execPath : newer.path;
    const { stdout } = await run(other, [CHILD, 'read', file], { maxBuffer: 1 << 28 });
    const content = JSON.parse(stdout.slice(stdout.indexOf('{')));
    from = history.batchesAt(content.world.next.eventSequence, from + 500) ?? -1;
    assert.ok(from >= 20);
    assert.deepEqual(content, JSON.parse(JSON.stringify(history.contentAfter(from))));
  }
});

it('Node 22.13 and later use their own SQLite', () => {
  const expected: Readonly<Record<string, DriverName>> = {
    '20.19.0': 'libsql',
    '22.12.0': 'libsql',
    '22.13.0': 'node:sqlite',
    '24.0.0': 'node:sqlite',
  };
  for (const [version, driver] of Object.entries(expected)) assert.equal(defaultDriver(version), driver, version);
});

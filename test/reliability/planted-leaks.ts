// The control of R25: twelve leaks planted on purpose, in the places and forms where a real one would be. A scanner that
// misses one of them proves nothing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDriver } from '../../src/adapters/sqlite/driver.ts';
import { aCanary, CanaryScanner } from './canaries.ts';

export const PLANTED = 12;

/** How many of them the scanner finds. */
export async function findPlantedLeaks(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'distributo-planted-'));
  const canaries = Array.from({ length: PLANTED }, (_none, at) => aCanary(`planted ${at + 1}`));
  const value = (number: number): string => canaries[number - 1]?.value ?? '';
  const scanner = new CanaryScanner(canaries);
  const sleeper = spawn('sh', ['-c', 'sleep 30; true', value(8)], { stdio: 'ignore' });
  const driver = openDriver(join(folder, 'leak.db'));
  try {
    await once(sleeper, 'spawn');
    const b64 = (text: string): string => Buffer.from(text).toString('base64');
    await writeFile(join(folder, '1.log'), `token is ${value(1)}\n`);
    await writeFile(join(folder, '2.log'), `Authorization: Basic ${b64(value(2))}\n`);
    await writeFile(join(folder, '3.log'), `bytes ${Buffer.from(value(3)).toString('hex')}\n`);
    await writeFile(join(folder, '4.log'), `GET /x?key=${encodeURIComponent(value(4))}\n`);
    await writeFile(join(folder, '5.json'), JSON.stringify({ env: { TOKEN: value(5) } }));
    driver.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE leak (text)');
    driver.exec(`INSERT INTO leak VALUES ('${value(6)}')`);
    driver.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    driver.exec(`INSERT INTO leak VALUES ('${value(7)}')`); // stays in the write-ahead log
    scanner.scan('answer 9', JSON.stringify({ schema: 'distributo/run/1', warnings: [value(9)] }));
    scanner.scan('error 10', JSON.stringify({ details: { body: JSON.stringify({ secret: value(10) }) } }));
    scanner.scan('login 11', b64(`user:${value(11)}`));
    scanner.scan('event 12', `data: ${JSON.stringify({ text: `x=${encodeURIComponent(value(12))}` })}\n\n`);
    scanner.scanFolder(folder);
    scanner.scanCommandLines();
  } finally {
    driver.close();
    sleeper.kill();
    await rm(folder, { recursive: true, force: true });
  }
  return new Set(scanner.hits.map(({ canary }) => canary)).size;
}

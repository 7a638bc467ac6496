// A container that prints far more than anybody reads.

import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { logDirectory } from '../../src/workspace/attempt-directory.ts';
import { dockerSuite } from '../support/docker-suite.ts';

const MIB = 1024 * 1024;

await dockerSuite('docker: a flood of output', ({ house }) => {
  it('200 MB end with the first and the last lines kept, the gap said, and 64 MiB on disk', async () => {
    const script = 'echo first; yes "$LINE" | head -c 200000000; echo; echo last';
    const executor = house().sh(script, { env: { LINE: 'x'.repeat(499) } });
    const { id, end } = await house().run([executor], { resources: { cpuUnits: 2048, memoryMib: 256 } });
    assert.equal(end.state, 'succeeded', end.reason);
    let first: string | undefined;
    let last = '';
    let gaps = 0;
    let lines = 0;
    for await (const line of house().runtime.readLogs(id, { follow: false })) {
      first ??= line.text;
      last = line.text;
      lines += 1;
      if (line.stream === 'distributo') gaps += 1;
    }
    assert.equal(first, 'first');
    assert.equal(last, 'last');
    assert.ok(gaps >= 1, 'nothing was said of what is left out');
    assert.ok(lines > 50_000, `${lines} lines`);
    const directory = logDirectory(house().path('state'), id);
    let bytes = 0;
    for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size;
    assert.ok(bytes <= 64 * MIB, `${bytes} bytes`);
  });
});

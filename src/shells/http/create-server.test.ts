import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { aRunSpec } from '../../../test/support/run-spec.ts';
import { serveStub } from '../../../test/support/serve-stub.ts';
import { aRunAnswer, aRunDetail, aStubEngine } from '../../../test/support/stub-engine.ts';
import { DistributoError } from '../../domain/errors.ts';
import type { Submission } from '../../engine/engine-api.ts';
import { createApiClient } from '../api/client.ts';
import { ROUTES } from '../api/routes.ts';

const isError =
  (code: string, pattern = /./) =>
  (error: unknown): boolean =>
    error instanceof DistributoError && error.code === code && pattern.test(error.message);

test('an answer is the engine’s own with the name of its form', async (t) => {
  const { client } = await serveStub(t, aStubEngine({ getRun: async (run) => aRunDetail({ run }) }));
  assert.deepEqual(await client.readRun('screening-7'), {
    schema: 'distributo/run/1',
    ...aRunDetail({ run: 'screening-7' }),
  });
});

test('a submission arrives as it was sent', async (t) => {
  const seen: Submission[] = [];
  const { client } = await serveStub(
    t,
    aStubEngine({
      submit: async (submission) => {
        seen.push(submission);
        return aRunAnswer();
      },
    }),
  );
  const spec = aRunSpec();
  const answer = await client.submitRun({ spec, submissionKey: 'nightly', secretValues: { TOKEN: 'x' } });
  assert.equal(answer.schema, 'distributo/submitted/1');
  assert.deepEqual(seen, [{ spec, submissionKey: 'nightly', trialTasks: null, secretValues: { TOKEN: 'x' } }]);
});

test('a submission with an environment of 10 MB arrives whole', async (t) => {
  let bytes = 0;
  const { client } = await serveStub(
    t,
    aStubEngine({
      submit: async ({ spec }) => {
        bytes = spec.jobs[0]?.executors[0]?.env.BIG?.length ?? 0;
        return aRunAnswer();
      },
    }),
  );
  await client.submitRun({ spec: aRunSpec({ env: { BIG: 'x'.repeat(10_000_000) } }) });
  assert.equal(bytes, 10_000_000);
});

test('a body over the limit of its route is refused by size', async (t) => {
  const { client } = await serveStub(t, aStubEngine());
  await assert.rejects(
    client.supplySecrets('screening-7', { TOKEN: 'x'.repeat(2_000_000) }),
    isError('USAGE_INVALID', /larger/),
  );
});

test('an unknown field is refused with its name and without any value', async (t) => {
  const { client } = await serveStub(t, aStubEngine());
  const spec = { ...aRunSpec(), colour: 'secret-canary' };
  await assert.rejects(client.submitRun({ spec }), (error: DistributoError) => {
    assert.equal(error.code, 'USAGE_INVALID');
    assert.match(error.message, /colour/);
    assert.doesNotMatch(JSON.stringify(error.details) + error.message, /canary/);
    return true;
  });
});

test('a body that is not JSON is refused without repeating it', async (t) => {
  const { socketPath } = await serveStub(t, aStubEngine());
  const { status, text } = await post(socketPath, '/v1/runs', 'secret-canary{');
  assert.equal(status, 400);
  assert.match(text, /not JSON/);
  assert.doesNotMatch(text, /canary/);
});

test('an error of the engine comes back as it was thrown', async (t) => {
  const { client } = await serveStub(
    t,
    aStubEngine({
      getRun: async (run) => {
        throw new DistributoError('NOT_FOUND', `no run ${run}`, { hint: 'distributo ps -a', details: { run } });
      },
    }),
  );
  await assert.rejects(client.readRun('nosuch-1'), (error: DistributoError) => {
    assert.deepEqual(
      [error.code, error.message, error.hint, error.details],
      ['NOT_FOUND', 'no run nosuch-1', 'distributo ps -a', { run: 'nosuch-1' }],
    );
    return true;
  });
});

test('a fault of ours is answered as such and reported', async (t) => {
  const { client, faults } = await serveStub(
    t,
    aStubEngine({
      measureDisk: async () => {
        throw new TypeError('boom');
      },
    }),
  );
  await assert.rejects(client.measureDisk(), isError('INTERNAL', /boom/));
  assert.equal(faults.length, 1);
});

test('a watch gives the run at once, then changes, and ends with the run', async (t) => {
  let succeeded = 0;
  const engine = aStubEngine({
    getRun: async (run) =>
      aRunDetail({
        run,
        state: succeeded < 3 ? 'running' : 'succeeded',
        tasks: { total: 3, waiting: 0, running: 3 - succeeded, succeeded, failed: 0, cancelled: 0 },
      }),
  });
  const { client } = await serveStub(t, engine);
  const seen: number[] = [];
  for await (const frame of client.watchRun('screening-7')) {
    seen.push(frame.tasks.succeeded);
    succeeded++;
    engine.change('screening-7');
  }
  assert.deepEqual(seen, [0, 1, 2, 3]);
  assert.equal(engine.listeners, 0);
});

test('many changes in one moment make few frames', async (t) => {
  let reads = 0;
  const engine = aStubEngine({
    getRun: async (run) => aRunDetail({ run, state: ++reads < 4 ? 'running' : 'succeeded', warnings: [String(reads)] }),
  });
  const { client } = await serveStub(t, engine);
  const from = performance.now();
  const storm = setInterval(() => engine.change('screening-7'), 1);
  t.after(() => clearInterval(storm));
  for await (const _frame of client.watchRun('screening-7'));
  clearInterval(storm);
  // Four frames need three pauses of 100 ms, however many changes there were.
  assert.ok(performance.now() - from >= 290);
});

test('a watch of an unknown run is refused before the stream begins', async (t) => {
  const engine = aStubEngine({
    getRun: async () => {
      throw new DistributoError('NOT_FOUND', 'no run nosuch-1');
    },
  });
  const { client } = await serveStub(t, engine);
  await assert.rejects(client.watchRun('nosuch-1')[Symbol.asyncIterator]().next(), isError('NOT_FOUND'));
});

test('an error in mid-stream reaches the reader after the lines before it', async (t) => {
  const { client } = await serveStub(
    t,
    aStubEngine({
      readLogs: async function* () {
        yield { atMs: 1, stream: 'stdout', text: 'first' };
        throw new DistributoError('CONTAINERS_UNREACHABLE', 'the engine went away');
      },
    }),
  );
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const line of client.readLogs('screening-7/0')) seen.push(line.text);
  }, isError('CONTAINERS_UNREACHABLE'));
  assert.deepEqual(seen, ['first']);
});

test('a followed stream ends quietly when its reader asks so', async (t) => {
  const { client, server } = await serveStub(
    t,
    aStubEngine({
      readLogs: async function* () {
        yield { atMs: 1, stream: 'stdout', text: 'first' };
        await new Promise(() => undefined);
      },
    }),
  );
  const ends = new AbortController();
  const seen: string[] = [];
  for await (const line of client.readLogs('screening-7/0', { follow: true }, { signal: ends.signal })) {
    seen.push(line.text);
    ends.abort();
  }
  assert.deepEqual(seen, ['first']);
  while (server.activity().open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a controller that ends tells its followers why', async (t) => {
  const engine = aStubEngine({ getRun: async (run) => aRunDetail({ run }) });
  const { client, server } = await serveStub(t, engine);
  await assert.rejects(
    async () => {
      for await (const _frame of client.watchRun('screening-7')) void server.close('stopped by you');
    },
    isError('CONTROLLER_UNREACHABLE', /stopped by you/),
  );
});

test('followed events are those after the last seen, each once', async (t) => {
  const all = Array.from({ length: 5 }, (_none, sequence) => anEvent(sequence));
  let shown = 3;
  const engine = aStubEngine({
    listEvents: async ({ afterSequence = -1, limit }) =>
      all
        .slice(0, shown)
        .filter((event) => event.sequence > afterSequence)
        .slice(0, limit),
  });
  const { client } = await serveStub(t, engine);
  const ends = new AbortController();
  const seen: number[] = [];
  for await (const event of client.followEvents({ afterSequence: 0 }, { signal: ends.signal })) {
    seen.push(event.sequence);
    if (event.sequence === 2) {
      shown = 5;
      engine.change();
    }
    if (event.sequence === 4) ends.abort();
  }
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test('items arrive in chunks as they were sent', async (t) => {
  const seen: [string, number, string][] = [];
  const { client } = await serveStub(
    t,
    aStubEngine({
      putItems: async (set, chunk, json) => {
        seen.push([set, chunk, json]);
      },
    }),
  );
  const full = JSON.stringify(Array.from({ length: 1000 }, (_none, at) => [`a${at}`, 'b']));
  const answer = await client.putItems('set-1', [full, '[["last","ü"]]']);
  assert.deepEqual([answer.chunks, answer.items], [2, 1001]);
  assert.deepEqual(seen, [
    ['set-1', 0, full],
    ['set-1', 1, '[["last","ü"]]'],
  ]);
});

test('items that are not what a chunk must be are refused without repeating them', async (t) => {
  const { client } = await serveStub(t, aStubEngine({ putItems: async () => undefined }));
  const wrong: [string[], RegExp][] = [
    [['[["a"]]', '[["b"]]'], /chunk 0 is not the last/],
    [['canary'], /not JSON/],
    [['[[1]]'], /array of arrays of strings/],
    [['[]'], /0 items/],
    [[JSON.stringify(Array.from({ length: 1001 }, () => ['a']))], /1001 items/],
  ];
  for (const [lines, pattern] of wrong) {
    await assert.rejects(client.putItems('set-1', lines), (error: DistributoError) => {
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  }
});

test('a newer client ends the controller; an older one is told to update', async (t) => {
  const { socketPath, stops } = await serveStub(t, aStubEngine({ listRuns: async () => [] }), '0.2.0');
  const newer = createApiClient({ socketPath, version: '0.10.0' });
  const older = createApiClient({ socketPath, version: '0.1.9' });
  const same = createApiClient({ socketPath, version: '0.2.0' });
  t.after(() => [newer, older, same].map((client) => client.close()));
  assert.deepEqual((await same.listRuns()).runs, []);
  await assert.rejects(older.listRuns(), isError('CONTROLLER_VERSION', /0\.2\.0.*0\.1\.9/));
  assert.deepEqual(stops, []);
  await assert.rejects(newer.listRuns(), isError('CONTROLLER_VERSION'));
  assert.deepEqual(stops, ['version 0.10.0 takes over from 0.2.0']);
  assert.equal((await older.readController()).version, '0.2.0');
});

test('the OpenAPI document has every route and every reference in it resolves', async (t) => {
  const { client } = await serveStub(t, aStubEngine());
  const document = (await client.readOpenApi()) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string }>>;
    components: { schemas: Record<string, unknown> };
  };
  assert.equal(document.openapi, '3.1.0');
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path).map((one) => one.operationId));
  assert.deepEqual(operations.sort(), Object.keys(ROUTES).sort());
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, id]) => id);
  assert.ok(references.length > 20);
  assert.deepEqual(
    references.filter((id) => document.components.schemas[id as string] === undefined),
    [],
  );
});

function anEvent(sequence: number) {
  return {
    sequence,
    atMs: sequence,
    kind: 'warning',
    runId: null,
    jobId: null,
    taskIndex: null,
    attemptSequence: null,
    state: null,
    reason: 'test',
    subject: null,
  } as const;
}

function post(socketPath: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, path, method: 'POST', headers: { 'content-type': 'application/json' } },
      async (answer) => {
        let text = '';
        for await (const part of answer) text += String(part);
        resolve({ status: answer.statusCode ?? 0, text });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

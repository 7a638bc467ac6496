import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { DockerClient, refusedWith } from './docker-client.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A client of a server on this machine that answers as the test says. */
async function withServer(answer: Answer, work: (client: DockerClient) => Promise<void>): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  const client = await DockerClient.create({ endpoint: `tcp://127.0.0.1:${address.port}` });
  try {
    await work(client);
  } finally {
    await client.close();
    server.closeAllConnections();
    server.close();
  }
}

const ping =
  (version: string | undefined, then: Answer = (_, response) => void response.end('{}')): Answer =>
  (request, response) => {
    if (request.url !== '/_ping') return then(request, response);
    if (version !== undefined) response.setHeader('api-version', version);
    response.end('OK');
  };

test('the version agreed on is the older of the two', async () => {
  for (const [offered, agreed] of [
    ['1.41', '1.41'],
    ['1.99', '1.47'],
    [undefined, '1.25'],
  ] as const) {
    const paths: string[] = [];
    const answer = ping(offered, (request, response) => {
      paths.push(request.url ?? '');
      response.end('{}');
    });
    await withServer(answer, async (client) => {
      assert.equal(await client.negotiate(), agreed);
      await client.json('GET', '/info');
      assert.deepEqual(paths, [`/v${agreed}/info`]);
    });
  }
});

test('an engine that is too old is refused with its version', async () => {
  await withServer(ping('1.12'), async (client) => {
    await assert.rejects(client.negotiate(), { code: 'CONTAINERS_REFUSED', message: /speaks API 1\.12, too old/ });
  });
});

test('a refusal carries the engine’s words and its status', async () => {
  const answer: Answer = (_, response) => {
    response.writeHead(409, { 'content-type': 'application/json' }).end('{"message":"the name is in use"}');
  };
  await withServer(answer, async (client) => {
    await assert.rejects(client.plain('POST', '/containers/create', { json: {} }), (error: Error) => {
      assert.equal(refusedWith(error), 409);
      assert.equal(error.message, 'the name is in use');
      return true;
    });
  });
});

test('an answer that breaks off is contact lost, not an answer', async () => {
  const answer: Answer = (_, response) => {
    response.write('{"half":');
    setImmediate(() => response.destroy());
  };
  await withServer(answer, async (client) => {
    await assert.rejects(client.json('GET', '/info'), { code: 'CONTAINERS_UNREACHABLE' });
    const stream = await client.stream('GET', '/events');
    await assert.rejects(
      async () => {
        for await (const _ of stream);
      },
      { code: 'CONTAINERS_UNREACHABLE' },
    );
  });
});

test('a stream that nobody reads to its end lets its connection go', async () => {
  let isClosed = false;
  const answer: Answer = (_, response) => {
    response.write('first');
    response.once('close', () => {
      isClosed = true;
    });
  };
  await withServer(answer, async (client) => {
    for await (const chunk of await client.stream('GET', '/events')) {
      assert.equal(String(chunk), 'first');
      break;
    }
    for (let turn = 0; !isClosed && turn < 10_000; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(isClosed);
  });
});

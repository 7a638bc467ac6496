import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesFrom, collect, contentOf } from '../../../test/support/collect.ts';
import { scratchFolder } from '../../../test/support/scratch.ts';
import { serveFile, webServer } from '../../../test/support/web-server.ts';
import type { DistributoError } from '../../domain/errors.ts';
import { createDirectoryFiles } from '../../workspace/directory-files.ts';
import { stageIn, stageOut } from '../../workspace/staging.ts';
import { createHttpObjects } from './http.ts';

const content = randomBytes(300_000);
const sha256 = createHash('sha256').update(content).digest();

/** Objects that note their pauses in place of taking them. */
function objectsWith(settings: Parameters<typeof createHttpObjects>[0] = {}) {
  const pauses: number[] = [];
  const sleep = async (delayMs: number): Promise<void> => void pauses.push(delayMs);
  return { objects: createHttpObjects({ sleep, ...settings }), pauses };
}

/** Sends the first bytes of the content, then cuts the connection once they are on their way. */
function cutAfter(
  response: ServerResponse,
  from: number,
  bytes: number,
  headers: Record<string, string | number> = {},
): void {
  response.writeHead(from === 0 ? 200 : 206, {
    'content-length': content.length - from,
    etag: '"v1"',
    ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    ...headers,
  });
  response.write(content.subarray(from, from + bytes), () => setImmediate(() => response.destroy()));
}

const reason = async (promise: Promise<unknown>): Promise<DistributoError> => {
  try {
    await promise;
  } catch (error) {
    return error as DistributoError;
  }
  throw assert.fail('it should have been refused');
};

test('a file is found and read', async (context) => {
  const { origin } = await webServer(context, (request, response) => serveFile(request, response, content));
  const { objects } = objectsWith();
  const stat = await objects.stat(`${origin}/a`);
  assert.deepEqual(stat, { kind: 'file', sizeBytes: content.length, sha256: null, etag: '"v1"', mode: null });
  assert.deepEqual(await bytesFrom(objects.read(`${origin}/a`)), content);
});

test('where HEAD is refused, GET is asked for one byte and tells the size', async (context) => {
  const { origin, asked } = await webServer(context, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(403).end();
    else serveFile(request, response, content);
  });
  assert.equal((await objectsWith().objects.stat(`${origin}/signed?token=1`))?.sizeBytes, content.length);
  assert.deepEqual(asked, ['HEAD /signed?token=1', 'GET /signed?token=1 bytes=0-0']);
});

test('a connection cut in the middle is resumed where it broke', async (context) => {
  const { origin, asked } = await webServer(context, (request, response, count) => {
    if (count === 1) cutAfter(response, 0, 100_000);
    else serveFile(request, response, content);
  });
  assert.deepEqual(await bytesFrom(objectsWith().objects.read(`${origin}/a`)), content);
  assert.match(asked[1] ?? '', /^GET \/a bytes=[1-9]\d*-$/);
  assert.equal(asked.length, 2);
});

test('a server without ranges is read from the start again, each byte passed on once', async (context) => {
  const { origin } = await webServer(context, (_, response, count) => {
    if (count === 1) cutAfter(response, 0, 100_000);
    else response.writeHead(200, { 'content-length': content.length, etag: '"v1"' }).end(content);
  });
  assert.deepEqual(await bytesFrom(objectsWith().objects.read(`${origin}/a`)), content);
});

test('a file that changes between two tries is refused, not glued together', async (context) => {
  const { origin } = await webServer(context, (request, response, count) => {
    if (count === 1) cutAfter(response, 0, 100_000);
    else serveFile(request, response, content, { etag: '"v2"' });
  });
  const error = await reason(bytesFrom(objectsWith().objects.read(`${origin}/a`)));
  assert.deepEqual([error.code, error.retryable], ['INPUT_UNREADABLE', true]);
  assert.match(error.message, /changed while it was read/);
});

test('a server that is busy is asked again after the time it names', async (context) => {
  const { origin } = await webServer(context, (request, response, count) => {
    if (count === 1) response.writeHead(503, { 'retry-after': '7' }).end();
    else if (count === 2) response.writeHead(429, { 'retry-after': '9999' }).end();
    else if (count === 3) response.writeHead(500).end();
    else serveFile(request, response, content);
  });
  const { objects, pauses } = objectsWith();
  assert.deepEqual(await bytesFrom(objects.read(`${origin}/a`)), content);
  assert.deepEqual(pauses.slice(0, 2), [7_000, 60_000]);
  assert.ok((pauses[2] ?? 0) > 0 && pauses.length === 3);
});

test('a connection that is cut before an answer is tried again', async (context) => {
  const { origin } = await webServer(context, (request, response, count) => {
    if (count < 3) request.socket.destroy();
    else serveFile(request, response, content);
  });
  const { objects, pauses } = objectsWith();
  assert.deepEqual(await bytesFrom(objects.read(`${origin}/a`)), content);
  assert.equal(pauses.length, 2);
});

test('a server that always fails is given up after five tries, with its status', async (context) => {
  const { origin, asked } = await webServer(context, (_, response) => response.writeHead(503).end());
  const error = await reason(bytesFrom(objectsWith().objects.read(`${origin}/a`)));
  assert.match(error.message, /the server failed \(503\)/);
  assert.equal(asked.length, 5);
});

test('a length that is never reached is told with both numbers', async (context) => {
  const { origin } = await webServer(context, (request, response) => {
    const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
    cutAfter(response, from, from === 0 ? 1_000 : 0);
  });
  const error = await reason(bytesFrom(objectsWith().objects.read(`${origin}/a`)));
  assert.equal(error.code, 'INPUT_UNREADABLE');
  assert.match(error.message, /broke off after 1,000 of 300,000 bytes/);
});

test('content that does not match its stated SHA-256 is refused', async (context) => {
  const wrong = Buffer.from(content);
  wrong[1234] = (wrong[1234] ?? 0) ^ 1;
  const digest = { 'repr-digest': `sha-256=:${sha256.toString('base64')}:` };
  const { origin } = await webServer(context, (request, response) =>
    serveFile(request, response, request.url === '/good' ? content : wrong, digest),
  );
  const { objects } = objectsWith();
  assert.deepEqual(await bytesFrom(objects.read(`${origin}/good`)), content);
  assert.equal((await objects.stat(`${origin}/good`))?.sha256, sha256.toString('hex'));
  assert.match((await reason(bytesFrom(objects.read(`${origin}/bad`)))).message, /its source states [0-9a-f]{64}/);
});

test('redirects are followed, but not for ever, and to no other scheme', async (context) => {
  const { origin, asked } = await webServer(context, (request, response) => {
    if (request.url === '/ring') response.writeHead(302, { location: '/ring' }).end();
    else if (request.url === '/file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    else if (request.url === '/old') response.writeHead(301, { location: '/new' }).end();
    else serveFile(request, response, content);
  });
  const { objects } = objectsWith();
  assert.deepEqual(await bytesFrom(objects.read(`${origin}/old`)), content);
  assert.match((await reason(objects.stat(`${origin}/ring`))).message, /redirects more than 10 times/);
  assert.ok(asked.length <= 2 + 11, `${asked.length} requests`);
  assert.match((await reason(objects.stat(`${origin}/file`))).message, /redirects to file:.*no web address/);
});

test('a login in the URL is sent to its own server alone, and never shown', async (context) => {
  const logins: (string | undefined)[] = [];
  const other = await webServer(context, (request, response) => {
    logins.push(request.headers.authorization);
    serveFile(request, response, content);
  });
  const first = await webServer(context, (request, response) => {
    logins.push(request.headers.authorization);
    if (request.url?.startsWith('/denied')) response.writeHead(401).end();
    else response.writeHead(302, { location: `${other.origin}/x` }).end();
  });
  const url = (path: string) => `${first.origin.replace('//', '//user:hunter2@')}${path}`;
  const { objects } = objectsWith();
  assert.deepEqual(await bytesFrom(objects.read(url('/moved'))), content);
  assert.deepEqual(logins, [`Basic ${Buffer.from('user:hunter2').toString('base64')}`, undefined]);
  const error = await reason(objects.stat(url('/denied?signature=abc')));
  assert.match(error.message, /needs a login \(401\)/);
  assert.doesNotMatch(JSON.stringify([error.message, error.hint, error.details]), /hunter2|abc/);
});

test('a missing file is nothing; forbidden, gone and odd answers are told apart', async (context) => {
  const { origin } = await webServer(context, (request, response) =>
    response.writeHead(Number(request.url?.slice(1))).end(),
  );
  const { objects } = objectsWith();
  assert.equal(await objects.stat(`${origin}/404`), undefined);
  assert.equal(await objects.stat(`${origin}/410`), undefined);
  assert.match((await reason(objects.stat(`${origin}/403`))).hint ?? '', /signed links expire/);
  assert.match((await reason(objects.stat(`${origin}/418`))).message, /status 418/);
  assert.match((await reason(bytesFrom(objects.read(`${origin}/404`)))).message, /does not exist \(404\)/);
});

test('a server that stops sending is taken for broken and resumed', async (context) => {
  const { origin, asked } = await webServer(context, (request, response, count) => {
    if (count > 1) return serveFile(request, response, content);
    response.writeHead(200, { 'content-length': content.length, etag: '"v1"' });
    response.write(content.subarray(0, 5_000));
  });
  assert.deepEqual(await bytesFrom(objectsWith({ stallMs: 1_000 }).objects.read(`${origin}/a`)), content);
  assert.equal(asked.length, 2);
});

test('a host that does not exist and a port where nobody listens say so', async (context) => {
  const { origin } = await webServer(context, (_, response) => response.end());
  const { objects } = objectsWith();
  const closed = origin.replace(/\d+$/, '1');
  const refused = await reason(objects.stat(`${closed}/a`));
  assert.deepEqual([refused.code, refused.retryable], ['INPUT_UNREADABLE', true]);
  assert.match(refused.message, /nothing listens there \(5 tries\)/);
});

test('directories are not listed and outputs are not taken', async () => {
  const { objects } = objectsWith();
  assert.equal((await reason(collect(objects.list('https://example.invalid/a/')))).code, 'INPUT_UNREADABLE');
  const writing = objects.write('https://example.invalid/a', contentOf('x'), { sizeBytes: 1 });
  assert.equal((await reason(writing)).code, 'NOT_SUPPORTED');
});

test('an input of unknown length is brought in whole', async (context) => {
  const { origin } = await webServer(context, (request, response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    response.end(request.method === 'HEAD' ? undefined : content);
  });
  const root = join(await scratchFolder(context), 'workspace');
  await mkdir(root);
  const files = createDirectoryFiles(root);
  const { objects } = objectsWith();
  const { signal } = new AbortController();
  await stageIn([{ url: `${origin}/some%20file.bin?x=1`, path: 'in/' }], files, objects, signal);
  assert.deepEqual(await readFile(join(root, 'in/some file.bin')), content);
  const going = stageOut([{ url: `${origin}/up`, path: 'in/some file.bin' }], files, objects, null, signal);
  assert.equal((await reason(going)).code, 'NOT_SUPPORTED');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aRunSpec } from '../../../test/support/run-spec.ts';
import { aStubEngine } from '../../../test/support/stub-engine.ts';
import { DistributoError } from '../../domain/errors.ts';
import type { Engine } from '../../engine/engine-api.ts';
import { ROUTES, type Route } from '../api/routes.ts';
import { createHttpServer } from './create-server.ts';

/** An engine that knows no run: whatever gets through to it is a well-formed request. */
function anEmptyEngine(): Engine {
  const nothing = () => {
    throw new DistributoError('NOT_FOUND', 'no such run');
  };
  const stub = aStubEngine();
  return new Proxy(stub, {
    get: (target, name, receiver) =>
      ['onChange', 'isIdle', 'counts', 'close'].includes(String(name)) ? Reflect.get(target, name, receiver) : nothing,
  });
}

const aServer = () =>
  createHttpServer({
    engine: anEmptyEngine(),
    onFault: () => undefined,
    self: {
      stop: () => undefined,
      describe: () => {
        throw new DistributoError('NOT_FOUND', 'a test');
      },
    },
  });

/** A well-formed submission with one value anywhere in it replaced. */
const mutated = fc.tuple(fc.nat(), fc.jsonValue()).map(([at, value]) => {
  const submission = { spec: aRunSpec(), submissionKey: null, trialTasks: null, secretValues: {} };
  const paths: [Record<string, unknown>, string][] = [];
  const walk = (node: object): void => {
    for (const key of Object.keys(node)) {
      paths.push([node as Record<string, unknown>, key]);
      const child = (node as Record<string, unknown>)[key];
      if (typeof child === 'object' && child !== null) walk(child);
    }
  };
  const copy = JSON.parse(JSON.stringify(submission)) as object;
  walk(copy);
  const [node, key] = paths[at % paths.length] as [Record<string, unknown>, string];
  node[key] = value;
  return JSON.stringify(copy);
});

const body = fc.oneof(
  mutated,
  fc.json(),
  fc.string(),
  fc.constantFrom('', '{', 'null', '[]', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{}}}', '\u0000'),
);
const word = fc.oneof(fc.string(), fc.constantFrom('..', '%00', '%', 'a/b', 'x'.repeat(300), '__proto__', '-1', '1e9'));
const type = fc.constantFrom('application/json', 'application/x-ndjson', 'text/plain', 'multipart/form-data', '');

test('no request, however wrong, gets an answer of 500 or one without our form', async () => {
  const { app } = aServer();
  const routes: Route[] = Object.values(ROUTES).filter(({ path }) => path !== ROUTES.readOpenApi.path);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...routes),
      body,
      word,
      word,
      type,
      async (route, payload, name, value, contentType) => {
        const answer = await app.inject({
          method: route.method,
          url: `${route.path.replace(/\{\w+\}/g, () => encodeURIComponent(name))}?${new URLSearchParams([[name, value]])}`,
          ...(route.method === 'GET' ? {} : { payload, headers: { 'content-type': contentType } }),
        });
        assert.ok(answer.statusCode < 500, `${answer.statusCode} ${answer.body.slice(0, 500)}`);
        if (answer.statusCode >= 400) assert.equal(answer.json().schema, 'distributo/error/1', answer.body);
      },
    ),
    { numRuns: 1500 },
  );
  await app.close();
});

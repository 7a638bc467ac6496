// Puts the routes on an HTTP server: version check, form check, answer, errors. Knows nothing of what the routes do.

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { DistributoError } from '../../domain/errors.ts';
import type { Engine } from '../../engine/engine-api.ts';
import { BODY_BYTES_MAX, ROUTES, type Route, type RouteName } from '../api/routes.ts';
import { SCHEMAS, type SchemaName } from '../api/schemas.ts';
import { API_HEADER, API_NUMBER, readVersion, VERSION_HEADER } from '../api/version.ts';
import { checkVersion } from './check-version.ts';
import { toErrorAnswer } from './error-answer.ts';
import { type ControllerSelf, createHandlers } from './handlers.ts';
import { parsePart } from './parse-part.ts';
import { sendLines } from './send-lines.ts';

export type HttpServerOptions = {
  readonly engine: Engine;
  readonly self: ControllerSelf;
  /** A fault of ours, for the log. Never holds what a client sent. */
  readonly onFault: (error: unknown) => void;
  readonly version?: string;
};

export type HttpServer = {
  readonly app: FastifyInstance;
  listen(socketPath: string): Promise<void>;
  /** Requests and streams under way, and when the last one ended or began. */
  activity(): { readonly open: number; readonly lastAtMs: number };
  /** Takes nothing new, ends streams with the reason, lets answers go out. */
  close(reason: string): Promise<void>;
};

const CLOSE_MS = 5000;

export function createHttpServer({ engine, self, onFault, version = readVersion() }: HttpServerOptions): HttpServer {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    keepAliveTimeout: 10 * 60_000,
    requestTimeout: 0,
    forceCloseConnections: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    // A path that the router itself refuses.
    frameworkErrors: (error, _request, reply) => answerError(error, reply as unknown as FastifyReply),
  });
  const headers = { [VERSION_HEADER]: version, [API_HEADER]: String(API_NUMBER) };
  /** Of requests under way. Not `AbortSignal.any` over one signal of the server: that keeps each request's for good. */
  const underWay = new Set<AbortController>();
  let open = 0;
  let lastAtMs = performance.now();

  const countDown = (): void => {
    open--;
    lastAtMs = performance.now();
  };

  app.addHook('onRequest', async (request, reply) => {
    open++;
    lastAtMs = performance.now();
    reply.raw.once('close', countDown);
    reply.headers(headers);
    const route = (request.routeOptions.config as { route?: Route }).route;
    if (route !== undefined && !route.isForEveryVersion) checkVersion(request.headers, version, self);
  });
  // Lines of a body are read by the handler as they come.
  app.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload));
  app.setErrorHandler((error, _request, reply) => answerError(error, reply));
  app.setNotFoundHandler((request, reply) =>
    answerError(
      new DistributoError('NOT_FOUND', `no route ${request.method} ${request.url.split('?')[0]}`, {
        hint: 'GET /v1/openapi.json describes every route',
      }),
      reply,
    ),
  );

  function answerError(error: unknown, reply: FastifyReply): FastifyReply {
    const { status, view } = toErrorAnswer(error);
    if (view.code === 'INTERNAL') onFault(error);
    return reply.code(status).type('application/json').send(JSON.stringify(view));
  }

  const handlers = createHandlers(engine, self) as Readonly<Record<RouteName, (call: unknown) => unknown>>;
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    app.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      config: { route },
      ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
      handler: (request, reply) => handle(route, handlers[name], request, reply),
    });
  }

  async function handle(
    route: Route,
    handler: (call: unknown) => unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const ends = new AbortController();
    const { signal } = ends;
    underWay.add(ends);
    reply.raw.once('close', () => {
      underWay.delete(ends);
      ends.abort('the client went');
    });
    const answer = handler({ ...(request.params as object), ...readParts(route, request), signal });
    if (route.lines !== 'answer') {
      return reply.type('application/json').send(JSON.stringify(await answer));
    }
    const options = { headers, signal, onFault: (error: unknown) => reportFault(error) };
    await sendLines(reply.raw, answer as AsyncIterable<unknown>, () => reply.hijack(), options);
    return reply;
  }

  const reportFault = (error: unknown): void => {
    if (!(error instanceof DistributoError) || error.code === 'INTERNAL') onFault(error);
  };

  return {
    app,
    listen: async (socketPath) => void (await app.listen({ path: socketPath })),
    activity: () => ({ open, lastAtMs }),
    async close(reason) {
      const why = new DistributoError('CONTROLLER_UNREACHABLE', `the controller ends: ${reason}`, {
        retryable: true,
        hint: 'try again; a controller is started where none lives',
      });
      for (const ends of underWay) ends.abort(why);
      app.server.close();
      for (let waitedMs = 0; open > 0 && waitedMs < CLOSE_MS; waitedMs += 20) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await app.close();
    },
  };
}

function readParts(route: Route, request: FastifyRequest): { readonly query: unknown; readonly body: unknown } {
  const query = route.query === undefined ? undefined : parsePart(form(route.query), request.query, 'query');
  if (route.body === undefined) return { query, body: undefined };
  if (route.lines !== 'body') return { query, body: parsePart(form(route.body), request.body, 'body') };
  if (request.body === undefined || request.headers['content-type']?.startsWith('application/x-ndjson') !== true) {
    throw new DistributoError('USAGE_INVALID', 'the body is not lines of JSON (application/x-ndjson)');
  }
  return { query, body: request.body };
}

const form = (name: string) => SCHEMAS[name as SchemaName];

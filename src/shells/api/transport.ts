// How a route of the table is called: address, headers, JSON, lines of JSON, and errors rebuilt. No route is known here.

import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { DistributoError, ERROR_CODES, type ErrorCode } from '../../domain/errors.ts';
import type { ErrorView } from './answers.ts';
import { readLines } from './read-lines.ts';
import { ROUTES, type Route, type RouteName } from './routes.ts';
import { API_HEADER, API_NUMBER, readVersion, VERSION_HEADER } from './version.ts';
import { waitDrained } from './wait-drained.ts';

/** A Unix socket, or a server's URL. */
export type Address = { readonly socketPath: string } | { readonly url: string };

type Value = string | number | boolean | undefined;
export type Query = Readonly<Record<string, Value>>;

type Call = {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: object;
  readonly lines?: AsyncIterable<string> | Iterable<string>;
  readonly signal?: AbortSignal | undefined;
  /** How long the answer may take; no limit where not given. */
  readonly limitMs?: number | undefined;
};

export function createTransport(address: Address, version = readVersion()) {
  const agent = new Agent({ keepAlive: true });
  const place = 'socketPath' in address ? { socketPath: address.socketPath } : hostOf(address.url);
  const shown = 'socketPath' in address ? address.socketPath : address.url;

  function send(route: Route, call: Call): ClientRequest {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const sent = request({
      ...place,
      agent,
      method: route.method,
      path: fillPath(route.path, call.path ?? {}) + queryText(call.query ?? {}),
      headers: {
        [VERSION_HEADER]: version,
        [API_HEADER]: String(API_NUMBER),
        accept: route.lines === 'answer' ? 'application/x-ndjson' : 'application/json',
        ...(call.lines ? { 'content-type': 'application/x-ndjson' } : {}),
        ...(body ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
      },
    });
    if (!call.lines) sent.end(body);
    return sent;
  }

  /** The answer's head; a refusal of the other side is thrown. A connection that broke on a kept-alive socket is tried again. */
  async function open(route: Route, call: Call, isSecond = false): Promise<IncomingMessage> {
    const sent = send(route, call);
    sent.on('error', () => undefined); // heard by `once` below; later ones say that we hung up
    const abort = () => sent.destroy();
    call.signal?.addEventListener('abort', abort, { once: true });
    const timer = call.limitMs === undefined ? undefined : setTimeout(() => sent.destroy(new Late()), call.limitMs);
    try {
      const writing = call.lines ? writeLines(sent, call.lines) : undefined;
      const [answer] = (await Promise.race([once(sent, 'response'), writing ?? never()])) as [IncomingMessage];
      await checkAnswer(answer, route);
      return answer;
    } catch (error) {
      sent.destroy();
      if (error instanceof DistributoError) throw error;
      const isAgain = !isSecond && sent.reusedSocket && isBroken(error) && call.lines === undefined;
      if (isAgain && route.isRepeatable) return open(route, call, true);
      throw unreachable(error, shown, route);
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', abort);
    }
  }

  async function ask<Answer>(name: RouteName, call: Call = {}): Promise<Answer> {
    const answer = await open(ROUTES[name], call);
    try {
      return JSON.parse(await readAll(answer)) as Answer;
    } catch (error) {
      throw unreachable(error, shown, ROUTES[name]);
    }
  }

  async function* stream<Line>(name: RouteName, call: Call): AsyncGenerator<Line, void, undefined> {
    if (call.signal?.aborted) return;
    let answer: IncomingMessage | undefined;
    const abort = () => answer?.destroy();
    call.signal?.addEventListener('abort', abort, { once: true });
    try {
      answer = await open(ROUTES[name], call);
      for await (const line of readLines(answer)) {
        if (line === '') continue; // a sign of life
        const value = JSON.parse(line) as Line | ErrorView;
        if (isErrorView(value)) throw rebuildError(value);
        yield value as Line;
      }
    } catch (error) {
      if (call.signal?.aborted) return;
      if (error instanceof DistributoError) throw error;
      throw unreachable(error, shown, ROUTES[name]);
    } finally {
      call.signal?.removeEventListener('abort', abort);
      answer?.destroy();
    }
  }

  return { ask, upload: ask, stream, close: () => agent.destroy() };
}

/** Each chunk one line, no faster than the other side takes them. Never resolves: the answer ends the race. */
async function writeLines(sent: ClientRequest, lines: AsyncIterable<string> | Iterable<string>): Promise<never> {
  for await (const line of lines) {
    if (sent.destroyed) break;
    if (!sent.write(`${line}\n`)) await waitDrained(sent);
  }
  sent.end();
  return never();
}

const never = (): Promise<never> => new Promise(() => undefined);

function hostOf(url: string): { readonly host: string; readonly port: string } {
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== 'http:') {
    throw new DistributoError('NOT_SUPPORTED', `the server's address ${url} is not http://`, {
      hint: 'give an http:// address, or a Unix socket',
    });
  }
  return { host: hostname, port: port || '80' };
}

const fillPath = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replace(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(values[name] ?? ''));

function queryText(query: Query): string {
  const entries = Object.entries(query).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
  );
  return entries.length === 0
    ? ''
    : `?${new URLSearchParams(entries.map(([key, value]): [string, string] => [key, String(value)]))}`;
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

async function checkAnswer(answer: IncomingMessage, route: Route): Promise<void> {
  const number = answer.headers[API_HEADER];
  if ((answer.statusCode ?? 500) >= 400) {
    const text = await readAll(answer);
    throw rebuildError(parseErrorView(text) ?? foreignAnswer(answer.statusCode, text));
  }
  if (number !== String(API_NUMBER) && !(number !== undefined && route.isForEveryVersion)) {
    answer.destroy();
    throw new DistributoError(
      'CONTROLLER_VERSION',
      number === undefined
        ? 'what answers there is not a Distributo controller'
        : `the controller speaks API ${number}, this distributo speaks API ${API_NUMBER}`,
      { hint: 'distributo controller stop, then try again', details: { apiNumber: number ?? null } },
    );
  }
}

function parseErrorView(text: string): ErrorView | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isErrorView(value) ? value : undefined;
  } catch {
    return undefined; // not JSON: a foreign server's page
  }
}

const isErrorView = (value: unknown): value is ErrorView =>
  typeof value === 'object' && value !== null && (value as { schema?: unknown }).schema === 'distributo/error/1';

const foreignAnswer = (status: number | undefined, text: string): ErrorView => ({
  schema: 'distributo/error/1',
  code: 'CONTROLLER_UNREACHABLE',
  message: `the answer has status ${status} and is not in our form: ${text.slice(0, 200)}`,
  hint: 'distributo controller status',
  retryable: false,
  details: {},
  exitCode: 1,
});

/** The error as it was thrown on the other side. A code that this release does not know becomes INTERNAL, its words stay. */
export function rebuildError(view: ErrorView): DistributoError {
  const code = view.code in ERROR_CODES ? (view.code as ErrorCode) : 'INTERNAL';
  return new DistributoError(code, view.message, {
    retryable: view.retryable,
    details: view.details,
    ...(view.hint === null ? {} : { hint: view.hint }),
  });
}

class Late extends Error {
  override readonly message = 'it has not answered in time';
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

const isBroken = (error: unknown): boolean => ['ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '');

function unreachable(error: unknown, shown: string, route: Route): DistributoError {
  const code = codeOf(error);
  const why =
    code === 'ENOENT' || code === 'ECONNREFUSED'
      ? `no controller listens at ${shown}`
      : code === 'EACCES'
        ? `the socket ${shown} may not be opened by this user`
        : isBroken(error)
          ? `the controller at ${shown} ended before it answered`
          : `the controller at ${shown} could not be asked: ${error instanceof Error ? error.message : String(error)}`;
  return new DistributoError('CONTROLLER_UNREACHABLE', why, {
    retryable: true,
    hint: route.isRepeatable
      ? 'try again; a controller is started where none lives'
      : 'distributo ps shows whether the order was recorded',
    details: { code: code ?? null, isLate: error instanceof Late, isRepeatable: route.isRepeatable },
    cause: error,
  });
}

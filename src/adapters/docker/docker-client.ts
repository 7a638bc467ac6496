// Speaks HTTP to one Docker engine: requests as JSON or as streams, the API version negotiated once a contact. Failures of the
// connection become CONTAINERS_UNREACHABLE, answers of 400 and above CONTAINERS_REFUSED with the engine's own words.

import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { DistributoError } from '../../domain/errors.ts';
import { type DialOptions, makeDial } from './dial.ts';
import { unreachable } from './endpoint-trouble.ts';

/** The newest version whose meaning we know; an older engine is spoken to in its own. */
const API_NEWEST = [1, 47] as const;
const API_OLDEST = [1, 25] as const;
const ANSWER_TIMEOUT_MS = 300_000;
const CONNECTIONS_MAX = 512;

export type ClientOptions = DialOptions & { readonly chosenBy?: string | undefined };

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type RequestOptions = {
  readonly query?: Query;
  readonly json?: unknown;
  readonly body?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** For the beginning of an answer; 0 = without limit, for requests that wait by nature. */
  readonly timeoutMs?: number;
};

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

export class DockerClient {
  readonly #options: ClientOptions;
  readonly #agent: Agent;
  #prefix = '';

  static async create(options: ClientOptions): Promise<DockerClient> {
    const dial = await makeDial(options);
    const connect = (_: unknown, callback: (error: Error | null, socket: null) => void) =>
      // undici asks for a net.Socket and uses what every Duplex has.
      dial(callback as Parameters<typeof dial>[0]);
    const agent = new Agent({
      connect: connect as unknown as NonNullable<Agent.Options['connect']>,
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      keepAliveTimeout: 30_000,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: 0,
    });
    return new DockerClient(options, agent);
  }

  private constructor(options: ClientOptions, agent: Agent) {
    this.#options = options;
    this.#agent = agent;
  }

  /** Asks who is there; later requests use the version agreed on. */
  async negotiate(signal?: AbortSignal): Promise<string> {
    const timeoutMs = 10_000;
    const answer = await this.#send('GET', '/_ping', { timeoutMs, ...(signal ? { signal } : {}) }, '');
    await answer.body.dump();
    const header = answer.headers['api-version'];
    const version = agreeOnVersion(typeof header === 'string' ? header : undefined, this.#options.endpoint);
    this.#prefix = `/v${version}`;
    return version;
  }

  async json<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    const answer = await this.#send(method, path, options);
    return (await this.#read(answer.body.json())) as T;
  }

  /** For requests whose answer says nothing beyond that it worked. */
  async plain(method: Method, path: string, options: RequestOptions = {}): Promise<void> {
    const answer = await this.#send(method, path, options);
    await this.#read(answer.body.dump());
  }

  /** To be read once. A connection that breaks in its midst throws as a request does. */
  async stream(method: Method, path: string, options: RequestOptions = {}): Promise<AsyncIterable<Buffer>> {
    const { body } = await this.#send(method, path, options);
    // It may break before anybody reads; whoever reads then is told.
    body.on('error', () => undefined);
    return { [Symbol.asyncIterator]: () => this.#iterate(body) };
  }

  #iterate(body: Readable): AsyncIterator<Buffer> {
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    return {
      next: () => this.#read(chunks.next()),
      return: async () => {
        body.destroy();
        return { done: true, value: undefined };
      },
    };
  }

  /** A failure of the connection in the product's words; other errors as they are. */
  translate(error: unknown): unknown {
    if (error instanceof DistributoError || isAbort(error)) return error;
    return unreachable(this.#options, error);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(method: Method, path: string, options: RequestOptions, prefix = this.#prefix) {
    const answer = await this.#read(
      request(`http://docker${prefix}${path}${queryString(options.query)}`, {
        dispatcher: this.#agent,
        method,
        headers: {
          ...(options.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        body: options.json === undefined ? (options.body ?? null) : JSON.stringify(options.json),
        headersTimeout: options.timeoutMs ?? ANSWER_TIMEOUT_MS,
        ...(options.signal ? { signal: options.signal } : {}),
      }),
    );
    if (answer.statusCode < 400) return answer;
    throw refusal(method, path, answer.statusCode, await this.#read(answer.body.text()));
  }

  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      throw this.translate(error);
    }
  }
}

function agreeOnVersion(offered: string | undefined, endpoint: string): string {
  // An engine that does not say speaks the oldest.
  const [major = 1, minor = API_OLDEST[1]] = (offered ?? API_OLDEST.join('.')).split('.').map(Number);
  if (major === 1 && minor < API_OLDEST[1]) {
    throw new DistributoError('CONTAINERS_REFUSED', `the Docker engine at ${endpoint} speaks API ${offered}, too old`, {
      hint: `update it to one that speaks API ${API_OLDEST.join('.')} or newer (Docker 1.13)`,
    });
  }
  return major > API_NEWEST[0] || minor > API_NEWEST[1] ? API_NEWEST.join('.') : `${major}.${minor}`;
}

function queryString(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function refusal(method: Method, path: string, status: number, text: string): DistributoError {
  let words = text.trim();
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') words = message;
  } catch {
    // Not JSON: a proxy's page, or nothing.
  }
  return new DistributoError('CONTAINERS_REFUSED', words.slice(0, 2_000) || `the engine answered ${status}`, {
    retryable: status >= 500,
    details: { status, request: `${method} ${path}` },
  });
}

/** The HTTP status of an engine's refusal; undefined for every other error. */
export function refusedWith(error: unknown): number | undefined {
  if (!(error instanceof DistributoError) || error.code !== 'CONTAINERS_REFUSED') return undefined;
  const { status } = error.details;
  return typeof status === 'number' ? status : undefined;
}

export const isUnreachable = (error: unknown): boolean =>
  error instanceof DistributoError && error.code === 'CONTAINERS_UNREACHABLE';

export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

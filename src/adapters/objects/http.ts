// Files of web servers as inputs. Redirects are followed within a bound, broken transfers are resumed where the server can,
// refusals are told apart. A web server lists no directories, and nothing is written to one.

import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { DistributoError } from '../../domain/errors.ts';
import type { ObjectStat, Objects } from '../../ports/objects.ts';
import { type Sleep, sleep } from '../../workspace/bounded-flow.ts';
import { displayUrl } from '../../workspace/display-url.ts';
import { verified } from '../../workspace/verify-content.ts';
import { explainStatus, isRetryableStatus, retryAfterMs, sha256Of, unreachable } from './http-answers.ts';

const REDIRECTS_MAX = 10;
/** Tries that bring no new byte before giving up. */
const TRIES_MAX = 5;
const BACKOFF_FIRST_MS = 500;
const PAUSE_MAX_MS = 60_000;

export type HttpSettings = {
  readonly sleep?: Sleep;
  /** No byte for so long is a broken connection. */
  readonly stallMs?: number;
  /** The submitting client's proxy variables. */
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly except?: string };
};

type Answer = Dispatcher.ResponseData;

export function createHttpObjects(settings: HttpSettings = {}): Objects {
  const dispatcher = dispatcherOf(settings);
  const pause = settings.sleep ?? sleep;

  const ask = async (url: string, method: 'GET' | 'HEAD', headers: Record<string, string>): Promise<Answer> => {
    let { target, authorization } = splitCredentials(url);
    const origin = target.origin;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const sent = { 'user-agent': 'distributo', 'accept-encoding': 'identity', ...headers };
      const login = target.origin === origin && authorization !== undefined ? { authorization } : {};
      const answer = await request(target, { dispatcher, method, headers: { ...sent, ...login } });
      answer.body.on('error', () => undefined); // who reads it sees it; a body let go of may fail unseen
      const location = answer.headers.location;
      if (answer.statusCode < 300 || answer.statusCode >= 400 || typeof location !== 'string') return answer;
      await drop(answer);
      ({ target } = splitCredentials(new URL(location, target).href));
      if (target.protocol !== 'http:' && target.protocol !== 'https:') throw badRedirect(url, target.href);
    }
    throw tooManyRedirects(url);
  };

  /** Asks again, with growing pauses, while the failure may pass. */
  const askPatiently = async (
    url: string,
    method: 'GET' | 'HEAD',
    headers: Record<string, string>,
  ): Promise<Answer> => {
    for (let tries = 1; ; tries++) {
      let waitMs: number | undefined;
      try {
        const answer = await ask(url, method, headers);
        if (!isRetryableStatus(answer.statusCode) || tries >= TRIES_MAX) return answer;
        waitMs = retryAfterMs(answer.headers['retry-after'], Date.now());
        await drop(answer);
      } catch (error) {
        if (error instanceof DistributoError) throw error;
        if (tries >= TRIES_MAX) throw unreachable(displayUrl(url), error, tries);
      }
      await pause(Math.min(PAUSE_MAX_MS, waitMs ?? backoffMs(tries)), NEVER);
    }
  };

  const stat = async (url: string): Promise<ObjectStat | undefined> => {
    const head = await askPatiently(url, 'HEAD', {});
    await drop(head);
    if (head.statusCode === 200) return statOf(head, lengthOf(head));
    if (head.statusCode === 404 || head.statusCode === 410) return undefined;
    // A signed URL or a simple server may allow GET alone.
    const get = await askPatiently(url, 'GET', { range: 'bytes=0-0' });
    const total = get.statusCode === 206 ? rangeTotal(get) : lengthOf(get);
    await drop(get);
    if (get.statusCode === 404 || get.statusCode === 410) return undefined;
    if (get.statusCode === 416) return statOf(get, rangeTotal(get));
    if (get.statusCode !== 200 && get.statusCode !== 206) throw explainStatus(displayUrl(url), get.statusCode);
    return statOf(get, total);
  };

  async function* readResuming(url: string, stated: Stated): AsyncGenerator<Uint8Array> {
    let offset = 0;
    for (let fruitless = 0; ; ) {
      const before = offset;
      const answer = await askPatiently(url, 'GET', resumeHeaders(offset, stated));
      const skip = startOf(url, answer, offset, stated);
      if (skip === 'end') return await drop(answer);
      if (offset === 0) stated.take(answer);
      try {
        for await (const chunk of afterFirst(answer.body as AsyncIterable<Uint8Array>, skip)) {
          offset += chunk.length;
          yield chunk;
        }
        if (stated.sizeBytes === null || offset >= stated.sizeBytes) return;
      } catch (error) {
        if (error instanceof DistributoError) throw error;
        fruitless = offset > before ? 1 : fruitless + 1;
        if (fruitless >= TRIES_MAX) throw brokenOff(url, offset, stated.sizeBytes, error);
        await pause(backoffMs(fruitless), NEVER);
        continue;
      } finally {
        answer.body.destroy();
      }
      fruitless = offset > before ? 1 : fruitless + 1;
      if (fruitless >= TRIES_MAX) throw brokenOff(url, offset, stated.sizeBytes, undefined);
    }
  }

  return {
    stat,
    read(url) {
      const stated = new Stated();
      return verified(readResuming(url, stated), displayUrl(url), () => stated);
    },
    // biome-ignore lint/correctness/useYield: it has nothing to give
    async *list(url) {
      throw new DistributoError(
        'INPUT_UNREADABLE',
        `${displayUrl(url)} cannot be listed: a web server lists no directory`,
        {
          hint: 'name each file as an input of its own',
        },
      );
    },
    async write(url) {
      throw new DistributoError('NOT_SUPPORTED', `an output cannot be sent to ${displayUrl(url)}`, {
        hint: 'outputs go to file:// or s3:// URLs',
      });
    },
  };
}

/** What the first answer said of the file; later answers must agree. */
class Stated {
  sizeBytes: number | null = null;
  sha256: string | null = null;
  etag: string | null = null;

  take(answer: Answer): void {
    this.sizeBytes = lengthOf(answer);
    this.sha256 = sha256Of(answer.headers);
    this.etag = etagOf(answer);
  }
}

function dispatcherOf({ stallMs = 60_000, proxy }: HttpSettings): Dispatcher {
  const limits = { connect: { timeout: 15_000 }, headersTimeout: stallMs, bodyTimeout: stallMs, connections: 16 };
  if (proxy?.http === undefined && proxy?.https === undefined) return new Agent(limits);
  return new EnvHttpProxyAgent({
    ...limits,
    ...(proxy.http === undefined ? {} : { httpProxy: proxy.http }),
    ...(proxy.https === undefined ? {} : { httpsProxy: proxy.https }),
    noProxy: proxy.except ?? '',
  });
}

/** A name and password in the URL go as a header, to that server alone. */
function splitCredentials(url: string): { target: URL; authorization: string | undefined } {
  const target = new URL(url);
  const { username, password } = target;
  target.username = '';
  target.password = '';
  if (username === '' && password === '') return { target, authorization: undefined };
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { target, authorization: `Basic ${login}` };
}

function resumeHeaders(offset: number, stated: Stated): Record<string, string> {
  if (offset === 0) return {};
  // A weak ETag does not promise the same bytes.
  const isStrong = stated.etag !== null && !stated.etag.startsWith('W/');
  return { range: `bytes=${offset}-`, ...(isStrong ? { 'if-range': stated.etag as string } : {}) };
}

/** How many bytes of this answer are known already; `end` where nothing is left. */
function startOf(url: string, answer: Answer, offset: number, stated: Stated): number | 'end' {
  const { statusCode } = answer;
  if (statusCode === 200 && offset === 0) return 0;
  if (statusCode === 416 && offset > 0 && rangeTotal(answer) === offset) return 'end';
  if (statusCode !== 200 && statusCode !== 206) {
    answer.body.destroy();
    throw explainStatus(displayUrl(url), statusCode);
  }
  const total = statusCode === 206 ? rangeTotal(answer) : lengthOf(answer);
  const isSame = total === stated.sizeBytes && etagOf(answer) === stated.etag;
  if (!isSame) {
    answer.body.destroy();
    throw new DistributoError('INPUT_UNREADABLE', `${displayUrl(url)} changed while it was read`, {
      hint: 'try again once it no longer changes',
      retryable: true,
    });
  }
  return statusCode === 206 ? 0 : offset;
}

async function* afterFirst(content: AsyncIterable<Uint8Array>, skipBytes: number): AsyncGenerator<Uint8Array> {
  let left = skipBytes;
  for await (const chunk of content) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

const statOf = (answer: Answer, sizeBytes: number | null): ObjectStat => ({
  kind: 'file',
  sizeBytes,
  sha256: sha256Of(answer.headers),
  etag: etagOf(answer),
  mode: null,
});

function lengthOf(answer: Answer): number | null {
  const length = answer.headers['content-length'];
  return typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : null;
}

function rangeTotal(answer: Answer): number | null {
  const total = /\/(\d+)$/.exec(String(answer.headers['content-range'] ?? ''))?.[1];
  return total === undefined ? null : Number(total);
}

const etagOf = (answer: Answer): string | null => {
  const { etag } = answer.headers;
  return typeof etag === 'string' ? etag : null;
};

/** Lets go of an answer's body: reads a short one, so that its connection can be used again. */
async function drop(answer: Answer): Promise<void> {
  await answer.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
}

const backoffMs = (tries: number): number => BACKOFF_FIRST_MS * 2 ** (tries - 1) * (0.75 + Math.random() / 2);

/** Staging gives up from outside, between chunks. */
const NEVER = new AbortController().signal;

function brokenOff(url: string, offset: number, sizeBytes: number | null, cause: unknown): DistributoError {
  const of = sizeBytes === null ? '' : ` of ${sizeBytes.toLocaleString('en-US')}`;
  const message = `${displayUrl(url)} broke off after ${offset.toLocaleString('en-US')}${of} bytes, ${TRIES_MAX} times`;
  return new DistributoError('INPUT_UNREADABLE', message, {
    hint: 'check the connection to that server, or fetch the file once and use it from here',
    retryable: true,
    cause,
  });
}

const tooManyRedirects = (url: string): DistributoError =>
  new DistributoError('INPUT_UNREADABLE', `${displayUrl(url)} redirects more than ${REDIRECTS_MAX} times`, {
    hint: 'name the address it should end at; the server may send requests round in a ring, or want a login',
  });

const badRedirect = (url: string, to: string): DistributoError =>
  new DistributoError(
    'INPUT_UNREADABLE',
    `${displayUrl(url)} redirects to ${displayUrl(to)}, which is no web address`,
    {
      hint: 'name the address of the file itself',
    },
  );

// A web server on this machine whose answers a test writes; knows what it was asked.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type WebServer = {
  readonly origin: string;
  /** `METHOD /path range`, one a request. */
  readonly asked: string[];
};

export async function webServer(
  context: { after(fn: () => unknown): void },
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<WebServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push([request.method, request.url, request.headers.range].filter((part) => part !== undefined).join(' '));
    answer(request, response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Serves `content` as a good server does: HEAD, ranges, ETag. */
export function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  headers: Record<string, string> = {},
): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const from = Number(range?.[1] ?? 0);
  const to = range?.[2] ? Math.min(Number(range[2]), content.length - 1) : content.length - 1;
  if (range !== null && from >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const part = content.subarray(from, to + 1);
  response.writeHead(range === null ? 200 : 206, {
    'content-length': part.length,
    etag: '"v1"',
    ...(range === null ? {} : { 'content-range': `bytes ${from}-${to}/${content.length}` }),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : part);
}

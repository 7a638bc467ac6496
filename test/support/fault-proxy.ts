// Stands before a web server and passes everything on, but for the requests a test wants to go wrong.

import {
  type ClientRequest,
  createServer,
  request as forward,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers the request itself, or gives undefined to pass it on; `cutAfterBytes` cuts the answer of the real server. */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
) => 'answered' | { readonly cutAfterBytes: number } | undefined;

export async function faultProxy(
  context: { after(fn: () => unknown): void },
  target: string,
  fault: Fault,
): Promise<{ readonly endpoint: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(
      `${request.method} ${request.url}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`,
    );
    const wanted = fault(request, response);
    if (wanted === 'answered') return void request.resume();
    const passing: ClientRequest = forward(
      new URL(request.url ?? '/', target),
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        if (wanted === undefined) return void answer.pipe(response);
        answer.once('data', (chunk: Buffer) => {
          response.write(chunk.subarray(0, wanted.cutAfterBytes), () => setImmediate(() => response.destroy()));
          answer.destroy();
        });
      },
    );
    passing.on('error', () => response.destroy());
    request.pipe(passing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** An error as S3 writes it. */
export function answerS3Error(response: ServerResponse, status: number, code: string, message = code): 'answered' {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message><RequestId>1</RequestId></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) });
  response.end(body);
  return 'answered';
}

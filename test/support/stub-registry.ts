// A registry on this machine that knows one login, for what a real one says about wrong or expired ones. It holds one tiny
// image, so that a pull with the right login really ends in an image.

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export type StubRegistry = {
  /** `127.0.0.1:PORT`: engines speak plain HTTP to that address. */
  readonly host: string;
  readonly requests: string[];
  /** From now on answers 503 to this many requests for a manifest. */
  failNext(count: number): void;
  close(): Promise<void>;
};

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export async function startStubRegistry(
  login: { user: string; password: string },
  layerTar: Buffer,
): Promise<StubRegistry> {
  const layer = gzipSync(layerTar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(layerTar)] },
    }),
  );
  const part = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) });
  const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: part('application/vnd.docker.container.image.v1+json', config),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    }),
  );
  const blobs = new Map([config, layer, manifest].map((bytes) => [digestOf(bytes), bytes]));
  const expected = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  const requests: string[] = [];
  let failures = 0;
  const server: Server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push(`${method} ${url}`);
    if (failures > 0 && url.includes('/manifests/')) {
      failures -= 1;
      response.writeHead(503).end('busy');
      return;
    }
    if (headers.authorization !== expected) {
      const body = { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] };
      response.writeHead(401, { 'www-authenticate': 'Basic realm="stub"', 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
      return;
    }
    const wanted = /^\/v2\/team\/tool\/(manifests|blobs)\/(.+)$/.exec(url);
    const bytes = wanted?.[1] === 'manifests' && wanted[2] === '1' ? manifest : blobs.get(wanted?.[2] ?? '');
    if (url === '/v2/') response.writeHead(200).end('{}');
    else if (!bytes) {
      const body = { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] };
      response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } else {
      const type = bytes === manifest ? manifestType : 'application/octet-stream';
      response.writeHead(200, {
        'content-type': type,
        'content-length': bytes.length,
        'docker-content-digest': digestOf(bytes),
      });
      response.end(method === 'HEAD' ? undefined : bytes);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    failNext: (count) => {
      failures = count;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

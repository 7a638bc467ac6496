import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createObjects } from '../../src/adapters/objects/create-objects.ts';
import { contentOf } from '../support/collect.ts';
import { MOTO_CREDENTIALS, startMoto } from '../support/moto.ts';
import { serveFile, webServer } from '../support/web-server.ts';
import { type ObjectsPlace, testListingObjects, testReadingObjects, testWritingObjects } from './objects.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function openFile(): Promise<ObjectsPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'distributo-objects-'));
  folders.push(folder);
  const put = async (path: string, content: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  };
  return { objects: createObjects(), put, url: (path) => pathToFileURL(join(folder, path)).href };
}

async function openHttp(): Promise<ObjectsPlace> {
  const files = new Map<string, Buffer>();
  const { origin } = await webServer({ after }, (request, response) => {
    const content = files.get(decodeURIComponent(request.url?.slice(1) ?? ''));
    if (content === undefined) response.writeHead(404).end();
    else serveFile(request, response, content);
  });
  const put = async (path: string, content: Uint8Array): Promise<void> => void files.set(path, Buffer.from(content));
  return {
    objects: createObjects(),
    put,
    url: (path) => `${origin}/${path.split('/').map(encodeURIComponent).join('/')}`,
  };
}

const moto = await startMoto();
after(moto.stop);
let buckets = 0;

async function openS3(): Promise<ObjectsPlace> {
  const bucket = `bucket-${++buckets}`;
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request' };
  await (await fetch(`${moto.endpoint}/${bucket}`, { method: 'PUT', headers })).arrayBuffer();
  const aws = { endpoint: moto.endpoint, region: 'us-east-1' };
  const objects = createObjects({ aws, credentials: MOTO_CREDENTIALS });
  const url = (path: string): string => `s3://${bucket}/at${path === '.' ? '/.' : `/${path}`}`;
  // By the adapter's own PUT: its reading is what is asked here, and boto3 reads its writing in s3.test.ts.
  const put = (path: string, content: Uint8Array) =>
    objects.write(url(path), contentOf(content), { sizeBytes: content.length });
  return { objects, put, url };
}

testReadingObjects('file', openFile);
testListingObjects('file', openFile);
testWritingObjects('file', openFile);
testReadingObjects('http', openHttp);
testReadingObjects('s3', openS3, moto.skip);
testListingObjects('s3', openS3, moto.skip);
testWritingObjects('s3', openS3, moto.skip);

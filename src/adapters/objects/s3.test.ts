import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { bytesFrom, collect, contentOf } from '../../../test/support/collect.ts';
import { answerS3Error, type Fault, faultProxy } from '../../../test/support/fault-proxy.ts';
import { watchHeldBytes } from '../../../test/support/held-bytes.ts';
import { MOTO_CREDENTIALS, prepareMoto, startMoto } from '../../../test/support/moto.ts';
import { scratchFolder } from '../../../test/support/scratch.ts';
import type { DistributoError } from '../../domain/errors.ts';
import { createDirectoryFiles } from '../../workspace/directory-files.ts';
import { stageIn, stageOut } from '../../workspace/staging.ts';
import { awsCredentialsOf, awsSettingsOf } from './aws-settings.ts';
import { createObjects } from './create-objects.ts';
import { createS3Objects, md5Of } from './s3.ts';
import type { S3Settings } from './s3-client.ts';

const run = promisify(execFile);
const moto = await startMoto();
after(moto.stop);
const { skip } = moto;
const { signal } = new AbortController();

const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request';
/** Straight to moto, past the adapter. */
async function direct(method: string, path: string, body?: string): Promise<string> {
  const answer = await fetch(moto.endpoint + path, {
    method,
    headers: { authorization },
    ...(body === undefined ? {} : { body }),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return await answer.text();
}

let buckets = 0;
async function aBucket(): Promise<string> {
  const bucket = `s3-test-${++buckets}`;
  await direct('PUT', `/${bucket}`);
  return bucket;
}

const objectsAt = (endpoint: string, more: Partial<S3Settings> = {}) =>
  createS3Objects({
    endpoint,
    region: 'us-east-1',
    credentials: MOTO_CREDENTIALS,
    attemptsMax: 1,
    sleep: async () => undefined,
    ...more,
  });

const reason = async (promise: Promise<unknown>): Promise<DistributoError> => {
  try {
    await promise;
  } catch (error) {
    return error as DistributoError;
  }
  throw assert.fail('it should have been refused');
};

test('what another client wrote is read, and what we write it reads, SHA-256 included', { skip }, async (context) => {
  const bucket = await aBucket();
  const objects = objectsAt(moto.endpoint);
  const folder = await scratchFolder(context);
  const content = randomBytes(9_000_000);
  await writeFile(join(folder, 'theirs'), content);
  await objects.write(`s3://${bucket}/ours`, contentOf(content), { sizeBytes: content.length });
  await objects.write(`s3://${bucket}/small`, contentOf('abc'), { sizeBytes: 3 });
  const script = `
import boto3, hashlib, sys
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
s3.upload_file(sys.argv[3] + "/theirs", sys.argv[2], "theirs", ExtraArgs={"ChecksumAlgorithm": "SHA256"})
print(hashlib.sha256(s3.get_object(Bucket=sys.argv[2], Key="ours")["Body"].read()).hexdigest())
print(s3.head_object(Bucket=sys.argv[2], Key="small", ChecksumMode="ENABLED").get("ChecksumSHA256"))
`;
  const { stdout } = await run(await prepareMoto(), ['-c', script, moto.endpoint, bucket, folder]);
  const hash = (bytes: Uint8Array | string, form: 'hex' | 'base64') => createHash('sha256').update(bytes).digest(form);
  assert.deepEqual(stdout.trim().split('\n'), [hash(content, 'hex'), hash('abc', 'base64')]);
  assert.deepEqual(await bytesFrom(objects.read(`s3://${bucket}/theirs`)), content);
  assert.equal((await objects.stat(`s3://${bucket}/small`))?.sha256, hash('abc', 'hex'));
});

test('folder marks of other tools are no files', { skip }, async () => {
  const bucket = await aBucket();
  const objects = objectsAt(moto.endpoint);
  await direct('PUT', `/${bucket}/dir/`, '');
  await direct('PUT', `/${bucket}/dir/sub/`, '');
  await direct('PUT', `/${bucket}/dir/sub/file`, 'x');
  assert.deepEqual(
    (await collect(objects.list(`s3://${bucket}/dir`))).map(({ path }) => path),
    ['sub/file'],
  );
  assert.equal((await objects.stat(`s3://${bucket}`))?.kind, 'directory');
});

test('a directory of a bucket comes into a workspace and goes to another prefix', { skip }, async (context) => {
  const bucket = await aBucket();
  const objects = objectsAt(moto.endpoint);
  const root = await scratchFolder(context);
  const files = createDirectoryFiles(root);
  for (const path of ['a b.txt', 'deep/c+d%20.txt']) {
    await objects.write(`s3://${bucket}/in/${path}`, contentOf(path), { sizeBytes: path.length });
  }
  await writeFile(join(root, 'sparse'), '');
  await truncate(join(root, 'sparse'), 20 * 1024 * 1024);
  await stageIn([{ url: `s3://${bucket}/in/`, path: 'data' }], files, objects, signal);
  assert.equal(await readFile(join(root, 'data/deep/c+d%20.txt'), 'utf8'), 'deep/c+d%20.txt');
  await stageOut([{ url: `s3://${bucket}/out`, path: '.' }], files, objects, null, signal);
  const listed = (await collect(objects.list(`s3://${bucket}/out`))).map(
    ({ path, sizeBytes }) => `${path} ${sizeBytes}`,
  );
  assert.deepEqual(listed.sort(), ['data/a b.txt 7', 'data/deep/c+d%20.txt 15', `sparse ${20 * 1024 * 1024}`]);
});

test('a key that climbs out of its prefix is refused', { skip }, async (context) => {
  const bucket = await aBucket();
  const evil = { url: `s3://${bucket}/in/`, path: 'data' };
  // As a store that keeps such keys lists them; clients and servers in between would resolve the path.
  const { endpoint } = await faultProxy(context, moto.endpoint, (request, response) => {
    if (!request.url?.includes('list-type=2')) return undefined;
    response.writeHead(200, { 'content-type': 'application/xml' });
    const found = '<Contents><Key>in/../../evil</Key><Size>1</Size></Contents>';
    response.end(`<?xml version="1.0"?><ListBucketResult>${found}<IsTruncated>false</IsTruncated></ListBucketResult>`);
    return 'answered';
  });
  const root = join(await scratchFolder(context), 'workspace');
  await mkdir(root);
  const error = await reason(stageIn([evil], createDirectoryFiles(root), objectsAt(endpoint), signal));
  assert.equal(error.code, 'PATH_ESCAPES');
});

test('a read that is cut is resumed where it broke, of the same version only', { skip }, async (context) => {
  const bucket = await aBucket();
  const content = randomBytes(500_000);
  await objectsAt(moto.endpoint).write(`s3://${bucket}/a`, contentOf(content), { sizeBytes: content.length });
  let cuts = 2;
  const cutTwice: Fault = (request) => (request.method === 'GET' && cuts-- > 0 ? { cutAfterBytes: 10_000 } : undefined);
  const { endpoint, asked } = await faultProxy(context, moto.endpoint, cutTwice);
  assert.deepEqual(await bytesFrom(objectsAt(endpoint).read(`s3://${bucket}/a`)), content);
  assert.deepEqual(
    asked.map((line) => line.split(' ')[2]),
    [undefined, 'bytes=10000-', 'bytes=20000-'],
  );

  cuts = 1;
  const objects = objectsAt(endpoint);
  const error = await reason(
    (async () => {
      for await (const chunk of objects.read(`s3://${bucket}/a`)) {
        if (chunk.length > 0)
          await objectsAt(moto.endpoint).write(`s3://${bucket}/a`, contentOf('new'), { sizeBytes: 3 });
      }
    })(),
  );
  assert.match(error.message, /changed while it was read|gave 10,000 of 500,000 bytes/);
});

test('content that does not match its SHA-256 is refused', { skip }, async (context) => {
  const bucket = await aBucket();
  const url = `s3://${bucket}/a`;
  await objectsAt(moto.endpoint).write(url, contentOf('right'), { sizeBytes: 5 });
  const checksum = createHash('sha256').update('right').digest('base64');
  const { endpoint } = await faultProxy(context, moto.endpoint, (_, response) => {
    response.writeHead(200, { 'content-length': 5, 'x-amz-checksum-sha256': checksum, etag: '"x"' });
    response.end('wrong');
    return 'answered';
  });
  assert.match((await reason(bytesFrom(objectsAt(endpoint).read(url)))).message, /SHA-256/);
});

test('an upload that fails half-way leaves no parts behind', { skip }, async () => {
  const bucket = await aBucket();
  async function* broken(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 3; at++) yield Buffer.alloc(8 * 1024 * 1024);
    throw new Error('the workspace is gone');
  }
  const writing = objectsAt(moto.endpoint).write(`s3://${bucket}/a`, broken(), { sizeBytes: 64 * 1024 * 1024 });
  await assert.rejects(writing, /the workspace is gone/);
  assert.doesNotMatch(await direct('GET', `/${bucket}?uploads`), /<UploadId>/);
  assert.equal(await objectsAt(moto.endpoint).stat(`s3://${bucket}/a`), undefined);
});

test('a busy store is asked again, for parts of an upload too', { skip }, async (context) => {
  const bucket = await aBucket();
  const refused = new Set<string>();
  const { endpoint } = await faultProxy(context, moto.endpoint, (request, response) => {
    const key = `${request.method} ${request.url}`;
    if (refused.has(key)) return undefined;
    refused.add(key);
    return answerS3Error(response, 503, 'SlowDown');
  });
  const objects = objectsAt(endpoint, { attemptsMax: 3 });
  const content = randomBytes(17 * 1024 * 1024);
  await objects.write(`s3://${bucket}/a`, contentOf(content), { sizeBytes: content.length });
  assert.equal((await objects.stat(`s3://${bucket}/a`))?.sizeBytes, content.length);
  assert.ok(refused.size >= 5, [...refused].join('\n'));
});

test('an upload takes no more content than it has room for', { skip }, async (context) => {
  const bucket = await aBucket();
  let taken = 0;
  let takenWhenHeld = 0;
  const release: (() => void)[] = [];
  const { endpoint } = await faultProxy(context, moto.endpoint, (request, response) => {
    if (!request.url?.includes('partNumber=')) return undefined;
    release.push(() => answerS3Error(response, 400, 'Stopped'));
    if (release.length === 2)
      setTimeout(() => {
        takenWhenHeld = taken;
        for (const go of release) go();
      }, 300);
    return 'answered';
  });
  async function* large(): AsyncGenerator<Uint8Array> {
    for (; taken < 300; taken++) yield Buffer.alloc(1024 * 1024);
  }
  await reason(objectsAt(endpoint).write(`s3://${bucket}/a`, large(), { sizeBytes: 300 * 1024 * 1024 }));
  assert.ok(
    takenWhenHeld > 0 && takenWhenHeld <= 30,
    `${takenWhenHeld} of 300 MiB were taken while two parts were held up`,
  );
});

test('of 200 MiB that go to a store and come back, little is in memory at any time', { skip }, async () => {
  const bucket = await aBucket();
  const objects = objectsAt(moto.endpoint);
  const heldMax = 64 * 1024 * 1024;
  const heldBytes = watchHeldBytes(heldMax);
  let mostHeld = 0;
  const look = async (): Promise<void> => {
    mostHeld = Math.max(mostHeld, await heldBytes());
  };
  async function* large(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 200; at++) {
      if (at % 20 === 19) await look();
      yield Buffer.alloc(1024 * 1024);
    }
  }
  await objects.write(`s3://${bucket}/large`, large(), { sizeBytes: 200 * 1024 * 1024 });
  let bytes = 0;
  let looks = 0;
  for await (const chunk of objects.read(`s3://${bucket}/large`)) {
    bytes += chunk.length;
    if (bytes / (20 * 1024 * 1024) < looks) continue;
    looks++;
    await look();
  }
  assert.equal(bytes, 200 * 1024 * 1024);
  assert.ok(mostHeld <= heldMax, `${mostHeld} bytes were held`);
});

test('a bucket that does not exist is said for reading and writing, with the way to make one', { skip }, async () => {
  const objects = objectsAt(moto.endpoint);
  const reading = await reason(objects.stat('s3://no-such-bucket/a'));
  assert.equal(reading.code, 'INPUT_UNREADABLE');
  assert.match(reading.message, /bucket no-such-bucket does not exist at http:/);
  const writing = await reason(objects.write('s3://no-such-bucket/a', contentOf('x'), { sizeBytes: 1 }));
  assert.equal(writing.code, 'OUTPUT_UNWRITABLE');
  assert.match(writing.hint ?? '', /aws s3 mb s3:\/\/no-such-bucket/);
  assert.equal(writing.retryable, false);
});

for (const [status, code, message, hint, retryable] of [
  [403, 'AccessDenied', /access denied \(403\)/, /profile lab need s3:GetObject/, false],
  [400, 'ExpiredToken', /profile lab have expired/, /aws sso login --profile lab/, false],
  [403, 'InvalidAccessKeyId', /are not known/, /get-caller-identity/, false],
  [403, 'SignatureDoesNotMatch', /are not known/, /get-caller-identity/, false],
  [400, 'AuthorizationHeaderMalformed', /another region/, /set AWS_REGION/, false],
  [403, 'RequestTimeTooSkewed', /clock of this machine is wrong/, /set the clock/, false],
  [503, 'SlowDown', /too many requests/, /fewer tasks at once/, true],
  [500, 'InternalError', /InternalError/, /distributo retry/, true],
  [507, 'XMinioStorageFull', /no room left/, /free space there/, true],
] as const) {
  test(`the refusal ${code} is said in words, for reading, listing and writing`, { skip }, async (context) => {
    const { endpoint } = await faultProxy(context, moto.endpoint, (request, response) => {
      if (request.method !== 'HEAD') return answerS3Error(response, status, code);
      response.writeHead(status === 400 ? 400 : 403).end();
      return 'answered';
    });
    const objects = objectsAt(endpoint, { profile: 'lab' });
    const url = 's3://bucket/key';
    const refusals = [
      () => objects.stat(url),
      () => collect(objects.list(url)),
      () => bytesFrom(objects.read(url)),
      () => objects.write(url, contentOf('x'), { sizeBytes: 1 }),
    ];
    for (const refusal of refusals) {
      const error = await reason(refusal());
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
      assert.equal(error.retryable, retryable, error.message);
      assert.match(error.code, /INPUT_UNREADABLE|OUTPUT_UNWRITABLE/);
      assert.doesNotMatch(JSON.stringify([error, error.message, String(error.cause)]), /secretAccessKey|AWS4-HMAC/);
    }
  });
}

test('no credentials, no listener and no host are told apart', async (context) => {
  const folder = await scratchFolder(context);
  const empty = join(folder, 'none');
  await writeFile(empty, '');
  const nothing = { configFile: empty, credentialsFile: empty };
  const before = process.env.AWS_EC2_METADATA_DISABLED;
  process.env.AWS_EC2_METADATA_DISABLED = 'true';
  context.after(() => {
    if (before === undefined) delete process.env.AWS_EC2_METADATA_DISABLED;
    else process.env.AWS_EC2_METADATA_DISABLED = before;
  });
  // Keys of this process's environment are not those of the client that submitted.
  process.env.AWS_ACCESS_KEY_ID = 'of-somebody-else';
  process.env.AWS_SECRET_ACCESS_KEY = 'of-somebody-else';
  context.after(() => {
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
  });
  const withoutKeys = createS3Objects({
    endpoint: 'http://127.0.0.1:1',
    region: 'us-east-1',
    attemptsMax: 1,
    ...nothing,
  });
  const noKeys = await reason(withoutKeys.stat('s3://bucket/a'));
  assert.match(noKeys.message, /no AWS credentials were found/);
  assert.match(noKeys.hint ?? '', /aws configure/);
  const noProfile = createS3Objects({
    endpoint: 'http://127.0.0.1:1',
    region: 'us-east-1',
    profile: 'gone',
    attemptsMax: 1,
    ...nothing,
  });
  assert.match((await reason(noProfile.stat('s3://bucket/a'))).message, /profile gone gives no credentials/);
  const refused = await reason(objectsAt('http://127.0.0.1:1').stat('s3://bucket/a'));
  assert.match(refused.message, /nothing listens at http:\/\/127\.0\.0\.1:1/);
  assert.equal(refused.retryable, true);
});

test('credentials of a profile are read from the files of the client that submitted', { skip }, async (context) => {
  const bucket = await aBucket();
  const folder = await scratchFolder(context);
  const credentialsFile = join(folder, 'credentials');
  await writeFile(credentialsFile, '[lab]\naws_access_key_id = test\naws_secret_access_key = test\n');
  const aws = {
    ...awsSettingsOf({ AWS_PROFILE: 'lab', AWS_SHARED_CREDENTIALS_FILE: credentialsFile }, moto.endpoint),
    region: 'us-east-1',
  };
  const objects = createObjects({ aws });
  await objects.write(`s3://${bucket}/a`, contentOf('x'), { sizeBytes: 1 });
  assert.equal((await bytesFrom(objects.read(`s3://${bucket}/a`))).toString(), 'x');
});

test('the surroundings of a client are read from its variables, and keys kept apart', () => {
  const environment = {
    AWS_PROFILE: '',
    AWS_DEFAULT_REGION: 'eu-north-1',
    AWS_ENDPOINT_URL: 'http://all',
    AWS_ENDPOINT_URL_S3: 'http://s3',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
    AWS_SESSION_TOKEN: 'token',
  };
  assert.deepEqual(awsSettingsOf(environment), { region: 'eu-north-1', endpoint: 'http://s3' });
  assert.deepEqual(awsSettingsOf(environment, 'http://flag').endpoint, 'http://flag');
  assert.deepEqual(awsCredentialsOf(environment), { accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 'token' });
  assert.equal(awsCredentialsOf({ AWS_ACCESS_KEY_ID: 'id' }), undefined);
});

test('an ETag counts as MD5 only where Amazon says it is one', () => {
  const ETag = '"900150983cd24fb0d6963f7d28e17f72"';
  assert.equal(md5Of({ ETag }), '900150983cd24fb0d6963f7d28e17f72');
  assert.equal(md5Of({ ETag, ServerSideEncryption: 'AES256' }), '900150983cd24fb0d6963f7d28e17f72');
  assert.equal(md5Of({ ETag, ServerSideEncryption: 'aws:kms' }), null);
  assert.equal(md5Of({ ETag, SSECustomerAlgorithm: 'AES256' }), null);
  assert.equal(md5Of({ ETag: '"900150983cd24fb0d6963f7d28e17f72-3"' }), null);
});

test('the SDK says nothing of the Node version, and other warnings stay', { skip }, async () => {
  const module = pathToFileURL(join(dirname(fileURLToPath(import.meta.url)), 'create-objects.js')).href;
  const script = `
    const { createObjects } = await import(${JSON.stringify(module)});
    const objects = createObjects({ aws: { endpoint: ${JSON.stringify(moto.endpoint)} }, credentials: ${JSON.stringify(MOTO_CREDENTIALS)} });
    await objects.stat('s3://no-such-bucket/a').catch(() => undefined);
    process.emitWarning('a warning of ours');
  `;
  const { stderr } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: resolve('.') });
  assert.match(stderr, /a warning of ours/);
  assert.doesNotMatch(stderr, /NodeVersionSupport|AWS SDK/);
});

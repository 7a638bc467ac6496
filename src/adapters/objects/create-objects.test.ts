import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { bytesFrom, contentOf } from '../../../test/support/collect.ts';
import { webServer } from '../../../test/support/web-server.ts';
import { createObjects, createObjectsByClient } from './create-objects.ts';

const run = promisify(execFile);

test('a URL that nobody can reach is refused with what to write', async () => {
  const objects = createObjects();
  for (const url of ['gs://bucket/a', 'relative/path', 'ftp://user:hunter2@host/a']) {
    await assert.rejects(objects.stat(url), { code: 'NOT_SUPPORTED', hint: /s3:\/\// });
    await assert.rejects(bytesFrom(objects.read(url)), (error: Error) => !error.message.includes('hunter2'));
  }
  await assert.rejects(objects.stat('s3:///key'), { code: 'INPUT_UNREADABLE' });
  await assert.rejects(objects.write('s3:///key', contentOf(), { sizeBytes: 0 }), { code: 'OUTPUT_UNWRITABLE' });
  await assert.rejects(objects.write('https://host/x', contentOf(), { sizeBytes: 0 }), { code: 'NOT_SUPPORTED' });
});

test('a file is reached without loading the SDK or the web client', async () => {
  const module = pathToFileURL(join(dirname(fileURLToPath(import.meta.url)), 'create-objects.js')).href;
  // Loaded ESM packages are not to be listed in Node 20; that they are asked for shows in the resolver.
  const script = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(\`
      export async function resolve(name, context, next) {
        if (/aws-sdk|undici/.test(name)) process.stdout.write(name + '\\\\n');
        return next(name, context);
      }\`));
    const { createObjects } = await import(${JSON.stringify(module)});
    await createObjects({ aws: { configFile: '/dev/null', credentialsFile: '/dev/null' } }).stat(process.argv[1]).catch(() => undefined);
  `;
  const env = { ...process.env, AWS_EC2_METADATA_DISABLED: 'true' };
  const load = async (url: string) =>
    (await run(process.execPath, ['--input-type=module', '-e', script, url], { env })).stdout;
  assert.equal(await load('file:///'), '');
  assert.match(await load('s3://bucket/key'), /client-s3/);
});

test('runs of clients with different profiles get different objects, with the same ones the same', async (context) => {
  process.env.AWS_EC2_METADATA_DISABLED = 'true'; // this file runs in a process of its own
  const seen: (string | undefined)[] = [];
  const server = await webServer(context, (request, response) => {
    seen.push(/Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1]);
    response.writeHead(404).end();
  });
  const aws = { endpoint: server.origin, region: 'us-east-1' };
  const byClient = createObjectsByClient();
  const awsCredentials = { accessKeyId: 'of-the-client', secretAccessKey: 'x' };
  const objectsOf = (target: { readonly aws: object }) => byClient({ target, awsCredentials });
  assert.equal(objectsOf({ aws }), objectsOf({ aws: { region: aws.region, endpoint: aws.endpoint } }));
  const withProfile = objectsOf({
    aws: { ...aws, profile: 'lab', configFile: '/dev/null', credentialsFile: '/dev/null' },
  });
  assert.notEqual(objectsOf({ aws }), withProfile);
  await objectsOf({ aws })
    .stat('s3://bucket/a')
    .catch(() => undefined);
  assert.ok(seen.length > 0 && seen.every((key) => key === 'of-the-client'));
  await assert.rejects(withProfile.stat('s3://bucket/a'), { message: /profile lab gives no credentials/ });
});

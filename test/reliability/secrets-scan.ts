// R25: secrets are passed in every way there is, used, refused and broken off; then everything that stays or is shown is
// searched for them. The tasks prove by a hash that they really had the values.

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunSpec, Target } from '../../src/domain/job.ts';
import { type ApiClient, createApiClient } from '../../src/shells/api/client.ts';
import { collect } from '../support/collect.ts';
import { askDocker, askDockerText } from '../support/docker-api.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../support/docker-image.ts';
import { aRunSpec, type SpecParts } from '../support/run-spec.ts';
import { waitFor } from '../support/wait-for.ts';
import { aCanary, type Canary, CanaryScanner } from './canaries.ts';
import { type ControllerProcess, spawnControllerProcess } from './controller-process.ts';
import { findPlantedLeaks, PLANTED } from './planted-leaks.ts';
import type { Row } from './row.ts';
import { scanCommandLine } from './scan-command-line.ts';

export const secretsScan: Row = async ({ trials, seconds }) => {
  const untilMs = performance.now() + seconds * 1000;
  const violations: string[] = [];
  const found = await findPlantedLeaks();
  if (found !== PLANTED) violations.push(`the scanner found ${found} of ${PLANTED} planted leaks`);
  let rounds = 0;
  let scannedBytes = 0;
  let passed = 0;
  const engine = await findTestEngine();
  const places: Place[] = [{ name: 'process', spec: {}, seen: async () => '' }];
  if (engine.unavailable === null) places.unshift(dockerPlace(engine.target));
  for (; rounds < trials && (rounds < places.length || performance.now() < untilMs); rounds++) {
    const place = places[rounds % places.length] as Place;
    const round = await scanOneRound(place);
    violations.push(...round.violations);
    scannedBytes += round.scannedBytes;
    passed += round.passed;
  }
  if (engine.unavailable === null) await engine.client.close();
  return {
    trials: rounds,
    faults: passed + found,
    violations,
    figures: { scannedBytes, plantedFound: found },
    skipped: engine.unavailable === null ? [] : [`only over processes: ${engine.unavailable}`],
  };
};

type Place = {
  readonly name: string;
  readonly spec: SpecParts;
  /** What others on the machine see of our attempts there. */
  seen(ownerId: string, sinceMs: number): Promise<string>;
};

/** Names, labels and commands of containers, and the engine's events. `inspect` shows variables, as the runtime says itself. */
function dockerPlace(target: Target): Place {
  const socket = target.endpoint.replace(/^unix:\/\//, '');
  return {
    name: 'docker',
    spec: { target, image: BUSYBOX_IMAGE },
    async seen(ownerId, sinceMs) {
      const filters = encodeURIComponent(JSON.stringify({ label: [`distributo:owner=${ownerId}`] }));
      const range = `since=${Math.floor(sinceMs / 1000)}&until=${Math.ceil(Date.now() / 1000)}`;
      const list = await askDocker(socket, 'GET', `/containers/json?all=1&filters=${filters}`);
      const events = await askDockerText(socket, `/events?${range}&filters=${filters}`);
      return JSON.stringify(list) + events;
    },
  };
}

type Canaries = Readonly<Record<'caller' | 'variable' | 'file' | 'aws' | 'refused' | 'malformed' | 'late', Canary>>;

async function scanOneRound(place: Place) {
  const sinceMs = Date.now();
  const folder = await mkdtemp(join(tmpdir(), 'distributo-r25-'));
  const stateDirectory = join(folder, 'state');
  const secretFile = join(folder, 'secret-file');
  const canaries: Canaries = {
    caller: aCanary('variable of the caller that no task asked for'),
    variable: aCanary('secret env:'),
    file: aCanary('secret file:'),
    aws: aCanary('AWS_SECRET_ACCESS_KEY'),
    refused: aCanary('field of a refused request'),
    malformed: aCanary('body that is not JSON'),
    late: aCanary('secret supplied after a restart'),
  };
  const scanner = new CanaryScanner(Object.values(canaries));
  const violations: string[] = [];
  await writeFile(secretFile, canaries.file.value);
  const started: ControllerProcess[] = [];
  try {
    const env = { ...process.env, CALLER: canaries.caller.value, AWS_SECRET_ACCESS_KEY: canaries.aws.value };
    const start = async (): Promise<ApiClient> => {
      const controller = spawnControllerProcess(stateDirectory, {}, env);
      started.unshift(controller);
      const report = await controller.report;
      if (report?.kind !== 'ready') throw new Error(`no controller: ${JSON.stringify(report)}`);
      return createApiClient({ socketPath: report.socket });
    };
    let client = await start();
    const run = await submit(client, withSecrets(secretFile, place.spec), { A_TOKEN: canaries.variable.value });
    await waitFor('the task to run', async () => (await client.readRun(run)).tasks.running > 0);
    scanner.scanCommandLines();
    const { ownerId } = await client.readController();
    scanner.scan(`${place.name} while it runs`, await place.seen(ownerId, sinceMs));
    await provokeErrors(client, canaries, scanner);
    await scanAnswers(client, run, scanner);
    await waitFor('the run to end', async () => (await client.readRun(run)).endedAtMs !== null);
    const lines = (await collect(client.readLogs(`${run}/0`))).map(({ text }) => text);
    for (const canary of [canaries.variable, canaries.file]) {
      const hash = createHash('sha256').update(canary.value).digest('hex');
      if (!lines.some((line) => line.includes(hash)))
        violations.push(`the task did not get its ${canary.name}: ${lines}`);
    }
    // A restart forgets env: values; the task waits until a client passes them again.
    const late = await submit(client, { ...withSecrets(secretFile, place.spec), name: 'late' }, {}, 'late-key');
    client.close();
    await started[0]?.kill();
    client = await start();
    await waitFor(
      'the wait for a secret',
      async () => (await client.readRun(late)).jobs[0]?.waitsFor?.kind === 'secret',
    );
    await client.supplySecrets(late, { A_TOKEN: canaries.late.value });
    await waitFor('the late run to end', async () => (await client.readRun(late)).endedAtMs !== null);
    await scanAnswers(client, late, scanner);
    scanner.scanCommandLines();
    scanner.scan(`${place.name} afterwards`, await place.seen(ownerId, sinceMs));
    scanner.scanFolder(stateDirectory); // with the write-ahead log as it stands
    await client.stopController();
    client.close();
    await started[0]?.exit;
    for (const one of started) scanner.scan('output of a controller', one.output());
    if (place.name === 'process') {
      const { variable: secret, aws, caller } = canaries;
      violations.push(...(await scanCommandLine(folder, { secret, file: secretFile, aws, caller }, scanner)));
    }
    scanner.scanFolder(stateDirectory);
  } finally {
    for (const one of started) await one.kill();
    await rm(folder, { recursive: true, force: true });
  }
  for (const { where, canary, form } of scanner.hits)
    violations.push(`${place.name}: ${canary} as ${form} in ${where}`);
  if (scanner.scannedBytes < 10_000) violations.push(`only ${scanner.scannedBytes} bytes were there to scan`);
  return { violations, scannedBytes: scanner.scannedBytes, passed: Object.keys(canaries).length };
}

/** Uses its secrets (their hashes are printed), fails, and is tried again. */
function withSecrets(secretFile: string, parts: SpecParts): RunSpec {
  const hashOf = (text: string): string => `printf %s "${text}" | sha256sum`;
  return aRunSpec({
    ...parts,
    name: 'secretive',
    command: ['sh', '-c', `${hashOf('$A_TOKEN')}; ${hashOf('$B_TOKEN')}; sleep 1; exit 3`],
    job: {
      secrets: {
        A_TOKEN: { source: 'env', name: 'A_TOKEN' },
        B_TOKEN: { source: 'file', name: secretFile },
      },
      retry: { attempts: 2, on: ['error'], backoffMs: 0, maxInterruptions: null, oomMemoryFactor: 1 },
    },
  });
}

async function submit(
  client: ApiClient,
  spec: RunSpec,
  secretValues: Record<string, string>,
  key: string | null = null,
) {
  return (await client.submitRun({ spec, secretValues, submissionKey: key })).run;
}

/** Requests that are wrong in every way, each with a secret in it: neither the answer nor the log may repeat it. */
async function provokeErrors(client: ApiClient, canaries: Canaries, scanner: CanaryScanner): Promise<void> {
  const secret = canaries.refused.value;
  const wrong: (() => Promise<unknown>)[] = [
    () => client.submitRun({ spec: { ...aRunSpec(), extra: secret } as RunSpec }),
    () =>
      client.submitRun({
        spec: { ...aRunSpec(), labels: { note: 7 as unknown as string } },
        secretValues: { A: secret },
      }),
    () => client.submitRun({ spec: aRunSpec(), secretValues: { A: [secret] as unknown as string } }),
    () => client.supplySecrets('nosuch-1', { A_TOKEN: secret }),
    () => client.putItems('set-of-secrets', [canaries.malformed.value]),
    () => client.putItems('set-of-secrets', [JSON.stringify([[{ secret }]])]),
  ];
  for (const ask of wrong) {
    await ask().then(
      () => scanner.scan('an answer that should be a refusal', `not refused ${secret}`),
      (error: { code?: string; message: string; hint?: string; details?: unknown; stack?: string }) =>
        scanner.scan('error', JSON.stringify([error.code, error.message, error.hint, error.details, error.stack])),
    );
  }
}

async function scanAnswers(client: ApiClient, run: string, scanner: CanaryScanner): Promise<void> {
  const ask = async (what: string, answer: Promise<unknown>) => scanner.scan(what, JSON.stringify(await answer));
  await ask('controller', client.readController());
  await ask('runs', client.listRuns({ all: true }));
  await ask('run', client.readRun(run));
  await ask('tasks', client.listTasks(run));
  await ask('task', client.readTask(`${run}/0`));
  await ask('explain run', client.explain(run));
  await ask('explain task', client.explain(`${run}/0`));
  await ask('events', client.listEvents({ limit: 10_000 }));
  await ask('disk', client.measureDisk());
  await ask('openapi', client.readOpenApi());
  for await (const frame of client.watchRun(run)) {
    await ask('watch', Promise.resolve(frame));
    break;
  }
}

// The one place where adapters are chosen and wired. Everything is loaded when it is needed and not before: the store before
// the engine, Docker only for runs on Docker.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DistributoError } from '../domain/errors.ts';
import { type RunSpec, runtimeKeyOf, type Target } from '../domain/job.ts';
import type { Engine } from '../engine/engine-api.ts';
import type { AttemptRuntime, OpenRuntime } from '../ports/attempt-runtime.ts';
import type { Clock } from '../ports/clock.ts';
import type { Objects } from '../ports/objects.ts';
import type { History, Store } from '../ports/store.ts';
import type { ControllerParts, EngineOptions } from './controller/run-controller.ts';

const STORE_FILE = 'store.db';

export type HeldStore = { readonly store: Store & History };

export type ComposeOptions = {
  /** Another clock in a test. */
  readonly clock?: Clock;
};

export function composeController(options: ComposeOptions = {}): ControllerParts<HeldStore> {
  return {
    async holdDirectory(stateDirectory) {
      const { holdDirectory } = await import('../adapters/sqlite/hold-directory.ts');
      return holdDirectory(stateDirectory);
    },
    async openStore(stateDirectory) {
      const { openStore } = await import('../adapters/sqlite/open-store.ts');
      return { store: await openStore(join(stateDirectory, STORE_FILE)) };
    },
    createEngine: ({ store }, engineOptions) => composeEngine(store, engineOptions, options),
  };
}

async function composeEngine(
  store: Store & History,
  { stateDirectory, settings, log, onFatal }: EngineOptions,
  options: ComposeOptions,
): Promise<Engine> {
  const [{ createEngine }, { createNodeClock }, { createAttemptDisk }, { freeBytes }] = await Promise.all([
    import('../engine/create-engine.ts'),
    import('../adapters/node-clock/node-clock.ts'),
    import('../workspace/attempt-disk.ts'),
    import('../adapters/sqlite/free-bytes.ts'),
  ]);
  const clock = options.clock ?? createNodeClock();
  return createEngine({
    store,
    clock,
    openRuntime: composeRuntimes({
      stateDirectory,
      ownerId: store.ownerId,
      clock,
      logLimitBytes: settings.logLimitMib * 1024 * 1024,
    }),
    readSecretFile,
    freeDiskBytes: () => freeBytes(stateDirectory),
    disk: createAttemptDisk({
      stateDirectory,
      keepWorkspacesMs: settings.keepWorkspacesMs,
      keepLogsMs: settings.keepLogsMs,
      nowMs: () => clock.nowMs(),
    }),
    settings: { freeDiskBytesMin: settings.freeDiskMinMib * 1024 * 1024 },
    log,
    onFatal,
  });
}

/** One runtime a key: two runs on one Docker engine share it. */
function composeRuntimes(world: RuntimeWorld): OpenRuntime {
  const opened = new Map<string, Promise<AttemptRuntime>>();
  return (target) => {
    const key = runtimeKeyOf(target);
    const known = opened.get(key);
    if (known !== undefined) return known;
    const opening = openRuntime(target, world);
    opened.set(key, opening);
    opening.catch(() => opened.delete(key)); // the next run tries again
    return opening;
  };
}

type RuntimeWorld = {
  readonly stateDirectory: string;
  readonly ownerId: string;
  readonly clock: Clock;
  readonly logLimitBytes: number;
};

/** Attempts of one user on one machine; a fleet of several has names. */
const CLUSTER = 'default';

async function openRuntime(target: Target, world: RuntimeWorld): Promise<AttemptRuntime> {
  const { createObjectsByClient } = await import('../adapters/objects/create-objects.ts');
  const objectsOf = createObjectsByClient();
  const shared = { ...world, target, objectsOf, clusterName: CLUSTER };
  if (target.runtime === 'docker') {
    const { createDockerRuntime } = await import('../adapters/docker/docker-runtime.ts');
    return createDockerRuntime(shared);
  }
  const { createProcessRuntime } = await import('../adapters/process/process-runtime.ts');
  return createProcessRuntime(shared);
}

const SECRET_BYTES_MAX = 1024 * 1024;

/** Read anew for each start. The value goes to the runtime and nowhere else. */
async function readSecretFile(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw secretUnavailable(path, 'is not a file');
      if (stat.size > SECRET_BYTES_MAX) throw secretUnavailable(path, 'is larger than 1 MiB');
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DistributoError) throw error;
    throw secretUnavailable(path, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}

const secretUnavailable = (path: string, why: string): DistributoError =>
  new DistributoError('SECRET_UNAVAILABLE', `the secret file:${path} ${why}`, {
    hint: 'put the file there, readable for the user who runs the controller; the task then starts',
    retryable: true,
  });

export type TargetChoice = {
  readonly target: Target;
  /** What the user should know of the choice, one sentence each. */
  readonly notices: readonly string[];
  /** The Docker engine that was looked for; null: it was not looked for. */
  readonly docker: DockerFinding | null;
};

export type DockerFinding = {
  readonly endpoint: string;
  /** To be read after "chosen by": `DOCKER_HOST`, `default`. */
  readonly chosenBy: string;
  /** null: it answers. */
  readonly trouble: DistributoError | null;
};

export type TargetOptions = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: 'auto' | 'docker' | 'process';
  readonly s3Endpoint: string | null;
};

/** Where the tasks of a submission run: Docker where it is asked for or answers, else processes of this machine, said aloud. */
export async function chooseTarget({ env, runtime, s3Endpoint }: TargetOptions): Promise<TargetChoice> {
  const { awsSettingsOf } = await import('../adapters/objects/aws-settings.ts');
  const aws = awsSettingsOf(env, s3Endpoint ?? undefined);
  const shared = { backend: 'local', ...(Object.keys(aws).length === 0 ? {} : { aws }) } as const;
  const plain: Target = {
    ...shared,
    runtime: 'process',
    endpoint: '',
    ...(env.PATH === undefined ? {} : { path: env.PATH }),
  };
  if (runtime === 'process') return { target: plain, notices: [], docker: null };
  const { findDockerEndpoint } = await import('../adapters/docker/endpoint.ts');
  const { chosenBy, ...found } = await findDockerEndpoint(env);
  const docker = { endpoint: found.endpoint, chosenBy, trouble: await askDockerEngine({ ...found, chosenBy, env }) };
  if (runtime === 'docker' || docker.trouble === null) {
    return { target: { ...shared, runtime: 'docker', ...found }, notices: [], docker };
  }
  const notice = `no containers: ${docker.trouble.message}; tasks run as plain processes of this machine`;
  return { target: plain, notices: [notice], docker };
}

/** Throws NOT_SUPPORTED with every field of a job that the runtime of the run cannot keep. */
export async function refuseForRuntime(spec: RunSpec): Promise<void> {
  if (spec.target.runtime !== 'process') return;
  const { findProcessRefusals } = await import('../adapters/process/find-process-refusals.ts');
  const facts = spec.jobs.flatMap((job) =>
    findProcessRefusals(job).map((refusal) => (spec.jobs.length > 1 ? `${job.name}: ${refusal}` : refusal)),
  );
  if (facts.length === 0) return;
  throw new DistributoError('NOT_SUPPORTED', 'plain processes cannot run this job as it is written', {
    hint: 'start a Docker engine and use --runtime docker, or change these fields',
    details: { facts },
  });
}

/** Images of a run that its Docker engine has not got; none for processes. */
export async function findMissingImages(spec: RunSpec): Promise<readonly string[]> {
  if (spec.target.runtime !== 'docker') return [];
  const { DockerClient, refusedWith } = await import('../adapters/docker/docker-client.ts');
  const client = await DockerClient.create(spec.target);
  try {
    await client.negotiate(AbortSignal.timeout(PING_MS));
    const images = new Set(spec.jobs.flatMap((job) => job.executors.map((executor) => executor.image)));
    const missing: string[] = [];
    for (const image of images) {
      await client.json('GET', `/images/${encodeURIComponent(image)}/json`).catch((error: unknown) => {
        if (refusedWith(error) !== 404) throw error;
        missing.push(image);
      });
    }
    return missing;
  } finally {
    await client.close();
  }
}

const PING_MS = 10_000;

async function askDockerEngine(options: {
  readonly endpoint: string;
  readonly tlsDirectory?: string;
  readonly chosenBy: string;
  readonly env: TargetOptions['env'];
}): Promise<DistributoError | null> {
  const { DockerClient } = await import('../adapters/docker/docker-client.ts');
  try {
    const client = await DockerClient.create(options);
    try {
      await client.negotiate(AbortSignal.timeout(PING_MS));
      return null;
    } finally {
      await client.close();
    }
  } catch (error) {
    if (error instanceof DistributoError) return error;
    return new DistributoError('CONTAINERS_UNREACHABLE', `no Docker engine answers at ${options.endpoint}`, {
      hint: 'start it, or run without containers: --runtime process',
      cause: error,
    });
  }
}

/** Keys of the caller's environment for a run that uses S3, by their variables; none where a profile is named, which comes before them. */
export async function awsKeysFor(spec: RunSpec, env: TargetOptions['env']): Promise<Readonly<Record<string, string>>> {
  const { awsCredentialsOf } = await import('../adapters/objects/aws-settings.ts');
  const urls = spec.jobs.flatMap((job) => [...job.inputs, ...job.outputs].map((transfer) => transfer.url));
  const keys = awsCredentialsOf(env);
  if (keys === undefined || spec.target.aws?.profile !== undefined || !urls.some((url) => /^(s3:|\$\{)/.test(url)))
    return {};
  return {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
  };
}

/** Files and folders by URL as the calling user reaches them. */
export async function openObjects({ env, s3Endpoint }: Omit<TargetOptions, 'runtime'>): Promise<Objects> {
  const [{ createObjects }, { awsCredentialsOf, awsSettingsOf }] = await Promise.all([
    import('../adapters/objects/create-objects.ts'),
    import('../adapters/objects/aws-settings.ts'),
  ]);
  const credentials = awsCredentialsOf(env);
  return createObjects({
    aws: awsSettingsOf(env, s3Endpoint ?? undefined),
    ...(credentials === undefined ? {} : { credentials }),
  });
}

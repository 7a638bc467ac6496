// From an order to the body of Docker's create call, for one executor: limits, user, mounts, network, devices, labels.
// Nothing is asked of the engine here.

import { posix } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';
import type { Executor, Mount } from '../../domain/job.ts';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import type { EngineFacts } from './describe-engine.ts';
import type { ImageDetails } from './engine-types.ts';
import { LABEL, labelsOf, type Ownership, volumeName } from './labels.ts';

export const WORKSPACE = '/workspace';
const MIB = 1024 * 1024;
/** Docker refuses less. */
const MEMORY_LEAST_MIB = 6;
/** Linux: MAX_ARG_STRLEN, and three quarters of the largest default stack. */
const WORD_BYTES_MAX = 128 * 1024;
const WORDS_BYTES_MAX = 6 * 1024 * 1024;
const NANO = 1_000_000_000;
/** What the engine itself keeps of an output: two files of this size; the whole is followed into our own log meanwhile. */
const ENGINE_LOG = { 'max-size': '48m', 'max-file': '2' };

export type SpecWorld = {
  readonly ownership: Ownership;
  readonly engine: Pick<EngineFacts, 'keeps' | 'isRootless' | 'logDriver'>;
  readonly image: ImageDetails;
  readonly gpuIds: readonly string[];
  /** False where the engine has no init program. */
  readonly hasInit: boolean;
};

/** True where the attempt needs a volume of its own. */
export const hasWorkspace = (order: AttemptOrder): boolean =>
  order.inputs.length > 0 ||
  order.outputs.length > 0 ||
  order.executors.length > 1 ||
  order.executors.some((executor) => streamsOf(executor).length > 0);

export const streamsOf = (executor: Executor): string[] =>
  [executor.stdin, executor.stdout, executor.stderr].filter((path) => path !== null);

export const inWorkspace = (path: string): string => posix.resolve(WORKSPACE, path);

export function containerSpec(order: AttemptOrder, index: number, world: SpecWorld): Record<string, unknown> {
  checkSize(order, index);
  const executor = order.executors[index] as Executor;
  const { container } = order;
  const workdir = workdirOf(order, executor);
  const user = userOf(order, world.engine.isRootless);
  return {
    Image: executor.image,
    ...commandOf(executor, world.image),
    Env: envOf(order, executor),
    Labels: {
      ...labelsOf(order, world.ownership),
      [LABEL.executor]: String(index),
      ...(world.gpuIds.length > 0 ? { [LABEL.gpus]: world.gpuIds.join(',') } : {}),
    },
    ...(workdir === null ? {} : { WorkingDir: workdir }),
    ...(user === null ? {} : { User: user }),
    ...(container.ports.length > 0 && container.network !== 'host'
      ? { ExposedPorts: exposedPorts(container.ports) }
      : {}),
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: hostConfig(order, world),
  };
}

function hostConfig(order: AttemptOrder, world: SpecWorld): Record<string, unknown> {
  const { container, resources } = order;
  const { keeps, logDriver } = world.engine;
  const memoryBytes = Math.max(resources.memoryMib, MEMORY_LEAST_MIB) * MIB;
  const nanoCpus = Math.max(Math.round((resources.cpuUnits * NANO) / 1024), NANO / 100);
  return {
    ...(keeps.cpu && resources.cpuUnits > 0 ? { NanoCpus: nanoCpus } : {}),
    ...(keeps.memory && resources.memoryMib > 0 ? { Memory: memoryBytes, MemorySwap: memoryBytes } : {}),
    ...(keeps.pids && container.pidsLimit !== null ? { PidsLimit: container.pidsLimit } : {}),
    ...(container.shmSizeMib === null ? {} : { ShmSize: container.shmSizeMib * MIB }),
    ...(container.ulimits.length === 0
      ? {}
      : { Ulimits: container.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })) }),
    ...(world.gpuIds.length === 0 ? {} : { DeviceRequests: [deviceRequest(world.gpuIds)] }),
    Mounts: [...workspaceMount(order, world.ownership), ...container.mounts.map(mountOf)],
    NetworkMode: container.network,
    ...(container.extraHosts.length === 0 ? {} : { ExtraHosts: container.extraHosts }),
    ...(container.ports.length === 0 || container.network === 'host'
      ? {}
      : { PortBindings: portBindings(container.ports) }),
    ...(container.init && world.hasInit ? { Init: true } : {}),
    ...(logDriver === null ? {} : { LogConfig: { Type: logDriver, Config: ENGINE_LOG } }),
  };
}

/** Files for the streams are opened by the image's own shell inside the container, so that they go on without us. */
function commandOf(executor: Executor, image: ImageDetails): Record<string, unknown> {
  if (streamsOf(executor).length === 0) {
    return {
      ...(executor.entrypoint === null ? {} : { Entrypoint: executor.entrypoint }),
      ...(executor.command === null ? {} : { Cmd: executor.command }),
    };
  }
  const entrypoint = executor.entrypoint ?? image.Config?.Entrypoint ?? [];
  const command = executor.command ?? (executor.entrypoint === null ? (image.Config?.Cmd ?? []) : []);
  const redirections = [
    executor.stdin === null ? '' : ` <${shellQuote(inWorkspace(executor.stdin))}`,
    executor.stdout === null ? '' : ` >${shellQuote(inWorkspace(executor.stdout))}`,
    executor.stderr === null ? '' : ` 2>${shellQuote(inWorkspace(executor.stderr))}`,
  ];
  return { Entrypoint: ['/bin/sh', '-c', `exec "$@"${redirections.join('')}`, 'sh'], Cmd: [...entrypoint, ...command] };
}

const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function workdirOf(order: AttemptOrder, executor: Executor): string | null {
  if (executor.workdir !== null) return inWorkspace(executor.workdir);
  return hasWorkspace(order) ? WORKSPACE : null;
}

/** `host` is the owner of the run; in a rootless engine that is root inside. */
export function userOf(order: AttemptOrder, isRootless: boolean): string | null {
  if (order.container.user !== 'host') return order.container.user;
  if (isRootless) return '0:0';
  const uid = order.owner?.uid ?? process.getuid?.() ?? 0;
  const gid = order.owner?.gid ?? process.getgid?.() ?? 0;
  return `${uid}:${gid}`;
}

/** Sizes that no Linux kernel takes; said before a container is made, since the engine's own words do not help. */
function checkSize(order: AttemptOrder, index: number): void {
  const { command, entrypoint } = order.executors[index] as Executor;
  const words = [...envOf(order, order.executors[index] as Executor), ...(entrypoint ?? []), ...(command ?? [])];
  const sizes = words.map((word) => Buffer.byteLength(word) + 1);
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  const largest = Math.max(0, ...sizes);
  if (largest <= WORD_BYTES_MAX && totalBytes <= WORDS_BYTES_MAX) return;
  const kib = (bytes: number) => Math.ceil(bytes / 1024).toLocaleString('en-US');
  const limits = `the kernel takes ${kib(WORD_BYTES_MAX)} KiB for one value and ${kib(WORDS_BYTES_MAX)} KiB in all`;
  throw new DistributoError(
    'START_FAILED',
    `environment and command have ${kib(totalBytes)} KiB, the largest value ${kib(largest)} KiB; ${limits}`,
    { hint: 'give large values as a file, by inputs' },
  );
}

/** Secrets given as variables come last: they win over a variable of the same name. */
function envOf(order: AttemptOrder, executor: Executor): string[] {
  const ours = { DISTRIBUTO_ATTEMPT: order.attemptId, DISTRIBUTO_NAME: order.name };
  const secrets = Object.entries(order.secrets).filter(([target]) => !isFileSecret(target));
  return Object.entries({ ...ours, ...executor.env, ...Object.fromEntries(secrets) }).map(
    ([name, value]) => `${name}=${value}`,
  );
}

export const isFileSecret = (target: string): boolean => target.startsWith('/');

function workspaceMount(order: AttemptOrder, ownership: Ownership): Record<string, unknown>[] {
  if (!hasWorkspace(order)) return [];
  return [
    {
      Type: 'volume',
      Source: volumeName(order.attemptId),
      Target: WORKSPACE,
      VolumeOptions: { Labels: labelsOf(order, ownership) },
    },
  ];
}

function mountOf(mount: Mount): Record<string, unknown> {
  if (!mount.target.startsWith('/')) {
    throw new DistributoError('START_FAILED', `the mount target "${mount.target}" is not an absolute path`, {
      hint: 'write the path inside the container, such as /data',
    });
  }
  return {
    Type: mount.type,
    ...(mount.type === 'tmpfs' ? {} : { Source: mount.source }),
    Target: mount.target,
    ReadOnly: mount.readOnly,
  };
}

/** The NVIDIA runtime takes UUIDs and numbers; newer engines take CDI names. */
function deviceRequest(ids: readonly string[]): Record<string, unknown> {
  if (ids.every((id) => id.includes('/'))) return { Driver: 'cdi', DeviceIDs: ids };
  return { Driver: 'nvidia', DeviceIDs: ids, Capabilities: [['gpu']] };
}

const exposedPorts = (ports: readonly number[]): Record<string, object> =>
  Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}]));

const portBindings = (ports: readonly number[]): Record<string, object[]> =>
  Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostPort: String(port) }]]));

// A client of the controller of a state directory: the one that lives, or one started in the background. Two commands that
// do this at once end with one controller and are both served. A controller of an older release is asked to end first.

import { DistributoError } from '../../domain/errors.ts';
import type { ControllerView, ErrorView } from '../api/answers.ts';
import { type ApiClient, createApiClient } from '../api/client.ts';
import { rebuildError } from '../api/transport.ts';
import { API_NUMBER, compareVersions, readVersion } from '../api/version.ts';
import { logPath, readLogTail } from './controller-log.ts';
import { readHolder } from './controller-record.ts';
import type { ControllerSettings } from './controller-settings.ts';
import { type FailureNote, takeFailureNote } from './failure-note.ts';
import { spawnController } from './spawn-controller.ts';
import { prepareStateDirectory } from './state-directory.ts';

export type StartOptions = {
  readonly stateDirectory: string;
  readonly settings?: Partial<ControllerSettings>;
  /** Another release in a test. */
  readonly version?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long a controller may take to come up: a large store is copied before it is migrated. */
  readonly limitMs?: number;
};

export type Connection = {
  readonly client: ApiClient;
  readonly controller: ControllerView;
  /** This call started it. */
  readonly isStarted: boolean;
  /** Why the one before had to end; told once. */
  readonly lastFailure: FailureNote | undefined;
};

const LIMIT_MS = 60_000;
const LOOK_MS = 25;
const ANSWER_MS = 10_000;

/** The controller that lives, or undefined. Starts nothing. */
export async function findController(
  stateDirectory: string,
  version = readVersion(),
): Promise<{ readonly client: ApiClient; readonly controller: ControllerView } | undefined> {
  const holder = readHolder(stateDirectory);
  if (holder?.socket == null) return undefined;
  const client = createApiClient({ socketPath: holder.socket, version });
  try {
    return { client, controller: await client.readController({ limitMs: ANSWER_MS }) };
  } catch (error) {
    client.close();
    if (error instanceof DistributoError && error.details.isLate !== true) return undefined; // it ends, or ended just now
    throw new DistributoError(
      'CONTROLLER_UNREACHABLE',
      `controller ${holder.pid} has not answered for ${ANSWER_MS / 1000} s`,
      { hint: `see ${logPath(stateDirectory)}; kill ${holder.pid} ends it, attempts go on`, cause: error },
    );
  }
}

export async function startController(options: StartOptions): Promise<Connection> {
  const { stateDirectory, version = readVersion(), limitMs = LIMIT_MS } = options;
  prepareStateDirectory(stateDirectory);
  const fromMs = Date.now();
  const untilMs = performance.now() + limitMs;
  let isStarted = false;
  let lastFailure: FailureNote | undefined;
  let held: ErrorView | undefined;
  while (performance.now() < untilMs) {
    const found = await findController(stateDirectory, version);
    if (found !== undefined) {
      if (isRightVersion(found.controller, version)) return { ...found, isStarted, lastFailure };
      await replace(found, version);
    } else if (readHolder(stateDirectory) === undefined) {
      lastFailure ??= takeFailureNote(stateDirectory);
      const report = await spawnController({ ...options, version: options.version ?? null }, untilMs);
      if (report?.kind === 'failed') throw rebuildError(report.error);
      if (report === undefined) throw didNotComeUp(stateDirectory, fromMs, 'ended without a word');
      isStarted ||= report.kind === 'ready';
      if (report.kind === 'ready') continue;
      held = report.error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  // Held by a process that is not to be seen from here, as in a container.
  if (held !== undefined && readHolder(stateDirectory) === undefined) throw rebuildError(held);
  throw didNotComeUp(stateDirectory, fromMs, `is not up after ${Math.round(limitMs / 1000)} s`);
}

const isRightVersion = (controller: ControllerView, version: string): boolean =>
  controller.version === version && controller.apiNumber === API_NUMBER;

/** Asks an older controller to end. A newer one stays: its store may be beyond this release. */
async function replace(
  { client, controller }: { readonly client: ApiClient; readonly controller: ControllerView },
  version: string,
): Promise<void> {
  const isNewer = compareVersions(controller.version, version) > 0 || controller.apiNumber > API_NUMBER;
  try {
    if (!isNewer) return void (await client.stopController());
  } catch (error) {
    if ((error as DistributoError).code !== 'CONTROLLER_UNREACHABLE') throw error; // another command asked it first
    return;
  } finally {
    client.close();
  }
  throw new DistributoError(
    'CONTROLLER_VERSION',
    `controller ${controller.pid} is version ${controller.version}, this command is version ${version}`,
    {
      hint: `use version ${controller.version} or newer`,
      details: { version: controller.version, pid: controller.pid },
    },
  );
}

function didNotComeUp(stateDirectory: string, fromMs: number, how: string): DistributoError {
  const tail = readLogTail(stateDirectory, 8, fromMs);
  const last = tail.at(-1);
  return new DistributoError(
    'CONTROLLER_UNREACHABLE',
    `the controller of ${stateDirectory} ${how}${last === undefined ? '' : `; its log ends: ${last}`}`,
    { hint: `see ${logPath(stateDirectory)}`, details: { log: logPath(stateDirectory), tail } },
  );
}

// The life of a controller in this process: hold the directory, then load the rest, answer on the socket, end when idle,
// asked or broken. Light until the directory is held, so that the loser of two starts knows within a moment.

import { chmodSync } from 'node:fs';
import { DistributoError } from '../../domain/errors.ts';
import type { Engine } from '../../engine/engine-api.ts';
import type { Store } from '../../ports/store.ts';
import type { ControllerView } from '../api/answers.ts';
import { API_NUMBER, readVersion } from '../api/version.ts';
import { type ControllerLog, logPath, openControllerLog } from './controller-log.ts';
import { ownsRecord, readHolder, readRecord, removeRecord, writeRecord } from './controller-record.ts';
import { type ControllerSettings, DEFAULT_CONTROLLER_SETTINGS } from './controller-settings.ts';
import { writeFailureNote } from './failure-note.ts';
import { chooseSocketPath, removeSocket } from './socket-path.ts';
import { prepareStateDirectory } from './state-directory.ts';
import { watchIdle } from './watch-idle.ts';

/** What compose.ts gives, in the order in which it is used. */
export type ControllerParts<Held extends { readonly store: Pick<Store, 'close' | 'ownerId'> }> = {
  /** Throws STORE_LOCKED where another process has the directory; the answer gives it up. */
  holdDirectory(stateDirectory: string): Promise<() => void>;
  openStore(stateDirectory: string): Promise<Held>;
  createEngine(held: Held, options: EngineOptions): Promise<Engine>;
};

export type EngineOptions = {
  readonly stateDirectory: string;
  readonly settings: ControllerSettings;
  readonly log: (text: string) => void;
  /** The engine cannot go on: the process must end. */
  readonly onFatal: (error: unknown) => void;
};

export type ControllerOptions = {
  readonly stateDirectory: string;
  readonly settings?: Partial<ControllerSettings>;
  /** False in `--foreground`: it ends with the command. */
  readonly endsWhenIdle?: boolean;
  /** Another release in a test. */
  readonly version?: string;
};

export type RunningController = {
  readonly socketPath: string;
  readonly engine: Engine;
  /** Resolves when all is closed; `error` where it had to end. */
  readonly ended: Promise<{ readonly reason: string; readonly error: unknown }>;
  /** Finishes the cycle and ends; attempts go on. */
  stop(reason: string): Promise<void>;
};

const ENGINE_CLOSE_MS = 20_000;

export async function runController<Held extends { readonly store: Pick<Store, 'close' | 'ownerId'> }>(
  parts: ControllerParts<Held>,
  options: ControllerOptions,
): Promise<RunningController> {
  const { stateDirectory, version = readVersion() } = options;
  const settings = { ...DEFAULT_CONTROLLER_SETTINGS, ...options.settings };
  const sinceMs = Date.now();
  prepareStateDirectory(stateDirectory);
  const release = await holdDirectory(parts, stateDirectory);
  const before = readRecord(stateDirectory);
  if (before?.socket) removeSocket(before.socket); // of a holder that was killed
  writeRecord(stateDirectory, { version, sinceMs, socket: null });
  const log = openControllerLog(stateDirectory);
  log.write(`version ${version} holds ${stateDirectory}`);

  let held: Held | undefined;
  let engine: Engine | undefined;
  let socketPath: string | undefined;
  let server: Awaited<ReturnType<typeof openServer>> | undefined;
  let isEnding = false;
  let resolveEnded: (end: { reason: string; error: unknown }) => void = () => undefined;
  const ended = new Promise<{ reason: string; error: unknown }>((resolve) => {
    resolveEnded = resolve;
  });

  async function end(reason: string, error?: unknown): Promise<void> {
    if (isEnding) return void (await ended);
    isEnding = true;
    idle?.stop();
    stopTidying?.();
    clearInterval(goneTimer);
    log.write(`ends: ${reason}`);
    // Closing a socket removes its path, which may be that of a controller that came after us.
    const isOurs = ownsRecord(stateDirectory) || readRecord(stateDirectory) === undefined;
    if (isOurs) await attempt(log, 'closing the socket', async () => server?.close(reason));
    await attempt(log, 'closing the engine', async () => within(ENGINE_CLOSE_MS, engine?.close()));
    await attempt(log, 'closing the store', async () => held?.store.close());
    if (isOurs && socketPath !== undefined) removeSocket(socketPath);
    removeRecord(stateDirectory);
    release();
    log.write('ended');
    log.close();
    resolveEnded({ reason, error });
  }

  async function fail(error: unknown): Promise<void> {
    if (isEnding) return;
    log.writeError('cannot go on', error);
    const { toErrorAnswer } = await import('../http/error-answer.ts');
    writeFailureNote(stateDirectory, { atMs: Date.now(), pid: process.pid, error: toErrorAnswer(error).view });
    await end(error instanceof Error ? error.message : String(error), error);
  }

  let idle: ReturnType<typeof watchIdle> | undefined;
  let stopTidying: (() => void) | undefined;
  let goneTimer: NodeJS.Timeout | undefined;
  try {
    held = await parts.openStore(stateDirectory);
    const { ownerId } = held.store;
    engine = await parts.createEngine(held, {
      stateDirectory,
      settings,
      log: log.write,
      onFatal: (error) => void fail(error),
    });
    const opened = engine;
    socketPath = chooseSocketPath(stateDirectory);
    const path = socketPath;
    const describe = (): ControllerView => ({
      schema: 'distributo/controller/1',
      version,
      apiNumber: API_NUMBER,
      pid: process.pid,
      sinceMs,
      stateDirectory,
      socket: path,
      log: logPath(stateDirectory),
      ownerId,
      isIdle: opened.isIdle(),
      endsAtMs: idle?.endsAtMs() ?? null,
      ...opened.counts(),
    });
    server = await openServer(opened, describe, (reason) => void end(reason), log, version);
    await server.listen(path);
    chmodSync(path, 0o600);
    if (options.endsWhenIdle !== false) {
      idle = watchIdle(opened, server, settings.idleEndMs, () => void end('nothing to do'));
    }
    stopTidying = tidyRegularly(opened, log);
    goneTimer = setInterval(() => {
      if (!ownsRecord(stateDirectory)) void end('its state directory was removed');
    }, GONE_EVERY_MS);
    writeRecord(stateDirectory, { version, sinceMs, socket: path });
    log.write(`listens at ${path}`);
    return { socketPath: path, engine: opened, ended, stop: end };
  } catch (error) {
    log.writeError('could not start', error);
    await end('could not start', error);
    throw error;
  }
}

/** Somebody may remove the directory of a living controller; nobody could find it any more. */
const GONE_EVERY_MS = 5_000;

const TIDY_FIRST_MS = 10_000;
const TIDY_EVERY_MS = 3_600_000;

/** Workspaces and logs older than the settings go without being asked for. */
function tidyRegularly(engine: Pick<Engine, 'prune'>, log: ControllerLog): () => void {
  const tidy = async (): Promise<void> => {
    const { freedBytes } = await engine.prune({ all: false });
    if (freedBytes > 0) log.write(`freed ${freedBytes} bytes of old workspaces and logs`);
  };
  const timers = [
    setTimeout(() => void attempt(log, 'tidying up', tidy), TIDY_FIRST_MS),
    setInterval(() => void attempt(log, 'tidying up', tidy), TIDY_EVERY_MS),
  ];
  return () => timers.map(clearTimeout);
}

async function openServer(
  engine: Engine,
  describe: () => ControllerView,
  stop: (reason: string) => void,
  log: ControllerLog,
  version: string,
) {
  const { createHttpServer } = await import('../http/create-server.ts');
  return createHttpServer({
    engine,
    version,
    self: { describe, stop },
    onFault: (error) => log.writeError('a fault while answering', error),
  });
}

/** Makes this the only controller of the directory; else says who is. */
async function holdDirectory(
  parts: Pick<ControllerParts<never>, 'holdDirectory'>,
  stateDirectory: string,
): Promise<() => void> {
  const untilMs = performance.now() + RECORD_LATE_MS;
  for (;;) {
    const holder = readHolder(stateDirectory);
    if (holder !== undefined && holder.pid !== process.pid) throw await locked(stateDirectory);
    try {
      return await parts.holdDirectory(stateDirectory);
    } catch (error) {
      if (!(error instanceof DistributoError) || error.code !== 'STORE_LOCKED') throw error;
      // Two that reach for SQLite's lock in the same instant can both be refused: whoever sees no holder tries again.
      if (performance.now() > untilMs) throw await locked(stateDirectory, error);
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 35));
    }
  }
}

/** The holder writes its record just after it took the lock, so the record may be a moment late. */
const RECORD_LATE_MS = 400;

async function locked(stateDirectory: string, cause?: unknown): Promise<DistributoError> {
  let holder = readHolder(stateDirectory);
  for (let waitedMs = 0; holder === undefined && waitedMs < RECORD_LATE_MS; waitedMs += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    holder = readHolder(stateDirectory);
  }
  const who =
    holder === undefined
      ? 'another controller that starts just now'
      : `controller ${holder.pid} since ${new Date(holder.sinceMs).toISOString().slice(0, 19).replace('T', ' ')} UTC${
          holder.socket === null ? '' : `, listening at ${holder.socket}`
        }`;
  return new DistributoError('STORE_LOCKED', `the state directory ${stateDirectory} is held by ${who}`, {
    retryable: true,
    hint: 'distributo controller status shows it; distributo controller stop ends it',
    details: {
      path: stateDirectory,
      pid: holder?.pid ?? null,
      sinceMs: holder?.sinceMs ?? null,
      socket: holder?.socket ?? null,
      afterMs: Math.round(performance.now()),
    },
    cause,
  });
}

async function attempt(log: ControllerLog, what: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    log.writeError(what, error); // the other parts must be closed all the same
  }
}

async function within(limitMs: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

// `controller`: the background process that owns the state directory: looked at, ended, or run in the foreground.

import { DistributoError } from '../../../domain/errors.ts';
import type { ControllerView } from '../../api/answers.ts';
import type { Settings } from '../../configuration/settings.ts';
import { logPath } from '../../controller/controller-log.ts';
import { readProcessIdentity } from '../../controller/process-identity.ts';
import { findController } from '../../controller/start-controller.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatMoment, formatQuantity, zoneLabel } from '../../terminal/format.ts';
import { renderPairs } from '../../terminal/table.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { printView } from '../print-listing.ts';
import { refuseUse } from '../usage.ts';

export const command: CommandModule = {
  define: (command) =>
    void command.argument('[what]', 'status, stop, or run (in this process, until it is told to end)', 'status'),
  examples: [
    ['distributo controller', 'does one live, since when, with how much work'],
    ['distributo controller stop', 'it ends; running tasks go on and are taken up by the next'],
    ['distributo controller run', 'for containers and service managers'],
  ],
  async execute(context, { args }) {
    const { settings } = await context.configure();
    if (args[0] === 'run') return runHere(context, settings);
    if (args[0] !== 'status' && args[0] !== 'stop')
      throw refuseUse(
        `controller knows status, stop and run, not "${String(args[0])}"`,
        'distributo controller status',
      );
    const found = await findController(settings.stateDirectory);
    if (found === undefined) {
      printView(
        context,
        { schema: 'distributo/controller/1', pid: null, stateDirectory: settings.stateDirectory },
        () => [`no controller lives for ${settings.stateDirectory}; the next command starts one`],
      );
      return EXIT.ok;
    }
    try {
      if (args[0] === 'stop') {
        const view = await found.client.stopController();
        await waitForEnd(view.pid, settings.stateDirectory);
        const live =
          view.liveAttempts === 0
            ? ''
            : `; ${formatQuantity(view.liveAttempts, 'running attempt goes', 'running attempts go')} on and the next controller takes them up`;
        printView(context, view, () => [`controller ${view.pid} has ended${live}`]);
        return EXIT.ok;
      }
      const { controller } = found;
      printView(context, controller, () => describe(controller, context));
      return EXIT.ok;
    } finally {
      found.client.close();
    }
  },
};

const END_MS_MAX = 30_000;
const LOOK_MS = 20;

/** Whoever stops it may want to remove or move its directory next. */
async function waitForEnd(pid: number, stateDirectory: string): Promise<void> {
  const untilMs = performance.now() + END_MS_MAX;
  while (readProcessIdentity(pid) !== null) {
    if (performance.now() > untilMs) {
      throw new DistributoError(
        'CONTROLLER_UNREACHABLE',
        `controller ${pid} was told to end and has not after ${END_MS_MAX / 1000} s`,
        { hint: `see the log: ${logPath(stateDirectory)}; kill ${pid} ends it, attempts go on` },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function describe(controller: ControllerView, context: Context): string[] {
  const ends =
    controller.endsAtMs === null
      ? ''
      : `, ends by itself at ${formatMoment(controller.endsAtMs, context.nowMs(), context.time)} if nothing comes`;
  return renderPairs(
    [
      ['controller', `${controller.pid}, version ${controller.version}`],
      [
        'since',
        `${formatMoment(controller.sinceMs, context.nowMs(), context.time)} ${zoneLabel(context.nowMs(), context.time)}${ends}`,
      ],
      [
        'work',
        `${formatQuantity(controller.runs, 'run')} not ended, ${formatQuantity(controller.liveAttempts, 'attempt')} running`,
      ],
      ['state', controller.stateDirectory],
      ['log', controller.log],
    ],
    { style: context.style },
  );
}

async function runHere(context: Context, settings: Settings): Promise<typeof EXIT.ok> {
  const [{ runController }, { composeController }] = await Promise.all([
    import('../../controller/run-controller.ts'),
    import('../../compose.ts'),
  ]);
  const controller = await runController(composeController(), {
    stateDirectory: settings.stateDirectory,
    settings,
    endsWhenIdle: false,
  });
  context.say(`controller ${process.pid} listens on ${controller.socketPath}; ctrl-c ends it, running tasks go on`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => void controller.stop(`signal ${signal}`));
  }
  const { error } = await controller.ended;
  if (error !== undefined) throw error instanceof Error ? error : new DistributoError('INTERNAL', String(error));
  return EXIT.ok;
}

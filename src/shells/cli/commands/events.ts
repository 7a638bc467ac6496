// `events`: what happened, when and why.

import type { EventAnswer } from '../../../engine/engine-api.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatClock, formatMoment } from '../../terminal/format.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { readSubject, readWhole, refuseUse } from '../usage.ts';
import { describeEvent } from '../views/event-line.ts';

const LAST = 50;

export const command: CommandModule = {
  define: (command) =>
    void command
      .argument('[run]', 'of one run only')
      .option('-f, --follow', 'go on with what happens')
      .option('-n, --last <count>', 'so many of the last', readWhole('--last', 1), LAST),
  examples: [
    ['distributo events', 'the last 50'],
    ['distributo events screening-7 -f -o ndjson', 'for a program that follows a run'],
  ],
  async execute(context, { args, options }) {
    if (options.follow === true && context.options.output === 'json')
      throw refuseUse('-o json is one object, and --follow has no end', 'distributo events -f -o ndjson');
    const client = await context.connect();
    const run = args[0] === undefined ? {} : { run: readSubject(String(args[0])).run };
    const last = options.last as number;
    const view = await client.listEvents({ ...run, last, limit: last });
    if (context.options.output === 'json' && options.follow !== true) context.print(JSON.stringify(view));
    else printEvents(context, view.events);
    if (options.follow !== true) {
      if (view.events.length === 0) context.say('nothing has happened yet');
      return EXIT.ok;
    }
    const afterSequence = view.events.at(-1)?.sequence ?? 0;
    for await (const event of client.followEvents({ ...run, afterSequence })) printEvents(context, [event]);
    return EXIT.ok;
  },
};

function printEvents(context: Context, events: readonly EventAnswer[]): void {
  const { output } = context.options;
  if (output === 'json' || output === 'ndjson') context.print(events.map((event) => JSON.stringify(event)));
  else if (output === 'name') context.print(events.map((event) => event.subject ?? '-'));
  else context.print(events.map((event) => `${whenOf(context, event)} ${describeEvent(event, context.style)}`));
}

/** The day stands before the clock where it is not today. */
function whenOf(context: Context, event: EventAnswer): string {
  const [day] = formatMoment(event.atMs, context.nowMs(), context.time).split(' ');
  const clock = formatClock(event.atMs, context.time);
  return context.style.dim(day?.includes('-') ? `${day} ${clock}` : clock);
}

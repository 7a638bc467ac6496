// `pause`: nothing new of a run starts; what runs goes on.

import { EXIT } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import { printView, renderNext } from '../print-listing.ts';
import { readSubject } from '../usage.ts';

export const command: CommandModule = {
  define: (command) => void command.argument('<run>', 'name of a run'),
  examples: [['distributo pause screening-7', 'running tasks end, no other starts']],
  async execute(context, { args }) {
    const { run } = readSubject(String(args[0]));
    const view = await (await context.connect()).pause(run);
    printView(context, view, () => [`${run} is paused: running tasks go on, nothing new starts`]);
    context.say(renderNext(context, [[`distributo resume ${run}`, 'go on']]));
    return EXIT.ok;
  },
};

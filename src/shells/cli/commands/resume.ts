// `resume`: a paused run goes on, one that only tried its first tasks starts the rest.

import { EXIT } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import { printView, renderNext } from '../print-listing.ts';
import { supplySecrets } from '../supply-secrets.ts';
import { readSubject } from '../usage.ts';

export const command: CommandModule = {
  define: (command) => void command.argument('<run>', 'name of a run'),
  examples: [['distributo resume screening-7', 'after pause, or the rest after run --first']],
  async execute(context, { args }) {
    const { run } = readSubject(String(args[0]));
    const client = await context.connect();
    await supplySecrets(context, client, await client.readRun(run));
    const view = await client.resume(run);
    printView(context, view, () => [`${run} goes on`]);
    context.say(renderNext(context, [[`distributo run --attach ${run}`, 'watch it']]));
    return EXIT.ok;
  },
};

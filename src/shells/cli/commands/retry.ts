// `retry`: failed and cancelled tasks run again, with a fresh budget of tries.

import { EXIT } from '../../exit-codes.ts';
import { formatQuantity } from '../../terminal/format.ts';
import type { CommandModule } from '../command.ts';
import { printView, renderNext } from '../print-listing.ts';
import { supplySecrets } from '../supply-secrets.ts';
import { readSubject } from '../usage.ts';

export const command: CommandModule = {
  define: (command) => void command.argument('<subject>', 'a run or one task'),
  examples: [
    ['distributo retry screening-7', 'only what failed or was cancelled'],
    ['distributo retry screening-7/118', 'one task'],
  ],
  async execute(context, { args }) {
    const subject = String(args[0]);
    const { run } = readSubject(subject);
    const client = await context.connect();
    const view = await client.retry(subject);
    await supplySecrets(context, client, await client.readRun(run));
    printView(context, view, () => [`${subject}: ${formatQuantity(view.tasks ?? 0, 'task')} again`]);
    context.say(renderNext(context, [[`distributo run --attach ${run}`, 'watch it']]));
    return EXIT.ok;
  },
};

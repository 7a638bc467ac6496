// `cancel`: stops a run, a job of it or one task. What runs gets SIGTERM and its grace.

import { EXIT } from '../../exit-codes.ts';
import { formatQuantity } from '../../terminal/format.ts';
import type { CommandModule } from '../command.ts';
import { orderEach } from '../order-each.ts';
import { readSubject } from '../usage.ts';

export const command: CommandModule = {
  define: (command) => void command.argument('<subjects...>', 'runs or tasks'),
  examples: [
    ['distributo cancel screening-7', 'the whole run'],
    ['distributo cancel screening-7/dock/3', 'one task; the others go on'],
  ],
  async execute(context, { args }) {
    const subjects = args[0] as string[];
    for (const subject of subjects) readSubject(subject);
    const client = await context.connect();
    await orderEach(
      context,
      subjects,
      (subject) => client.cancel(subject),
      ({ tasks }, subject) =>
        `${subject}: ${formatQuantity(tasks ?? 0, 'task')} cancelled; what runs gets its grace to end`,
    );
    return EXIT.ok;
  },
};

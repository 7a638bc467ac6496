// `rm`: removes ended runs with all that is known of them. Results are not touched.

import { DistributoError } from '../../../domain/errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { canAsk, confirm } from '../../terminal/question.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { orderEach } from '../order-each.ts';
import { readSubject } from '../usage.ts';

export const command: CommandModule = {
  define: (command) => void command.argument('<runs...>', 'names of ended runs').option('-y, --yes', 'do not ask'),
  examples: [['distributo rm screening-6', 'its history and logs go, its results stay']],
  async execute(context, { args, options }) {
    const runs = (args[0] as string[]).map((text) => readSubject(text).run);
    if (options.yes !== true) await askFirst(context, runs);
    const client = await context.connect();
    await orderEach(
      context,
      runs,
      (run) => client.removeRun(run),
      (_view, run) => `removed ${run}`,
    );
    return EXIT.ok;
  },
};

async function askFirst(context: Context, runs: readonly string[]): Promise<void> {
  const streams = { input: context.stdin, output: context.stderr };
  if (!canAsk(streams))
    throw new DistributoError('USAGE_INVALID', 'nobody can be asked here', {
      hint: `distributo rm ${runs.join(' ')} -y`,
    });
  const yes = await confirm(
    `Remove the history and logs of ${runs.join(', ')}? They cannot be had back; results stay.`,
    false,
    streams,
  );
  if (!yes)
    throw new DistributoError('CONFLICT', 'nothing was removed', {
      hint: `distributo rm ${runs.join(' ')} -y   removes without asking`,
    });
}

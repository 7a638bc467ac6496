// `prune`: frees the space of old logs and of kept workspaces.

import { EXIT } from '../../exit-codes.ts';
import { formatBytes } from '../../terminal/format.ts';
import type { CommandModule } from '../command.ts';
import { printView } from '../print-listing.ts';

export const command: CommandModule = {
  define: (command) => void command.option('--all', 'logs and workspaces of every ended attempt, whatever their age'),
  examples: [
    ['distributo prune', 'workspaces after keep_workspaces, logs after keep_logs'],
    ['distributo prune --all', 'of every ended attempt'],
  ],
  async execute(context, { options }) {
    const view = await (await context.connect()).prune({ all: options.all === true });
    printView(context, view, () => [`freed ${formatBytes(view.freedBytes)}`]);
    return EXIT.ok;
  },
};

// `du`: the disk space that the state directory takes, and how much of it `prune` would free.

import type { DiskUse } from '../../../ports/attempt-runtime.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatBytes } from '../../terminal/format.ts';
import type { CommandModule } from '../command.ts';
import { printListing, renderNext } from '../print-listing.ts';

export const command: CommandModule = {
  define: () => undefined,
  examples: [['distributo du', 'logs, kept workspaces, store']],
  async execute(context) {
    const view = await (await context.connect()).measureDisk();
    const total = view.uses.reduce((sum, use) => sum + use.bytes, 0);
    const freeable = view.uses.reduce((sum, use) => sum + use.freeable, 0);
    const rows: { what: string; bytes: number; freeable: number }[] = [
      ...view.uses,
      { what: 'total', bytes: total, freeable },
    ];
    printListing(context, {
      view,
      rows: context.options.output === 'table' || context.options.output === 'wide' ? rows : (view.uses as DiskUse[]),
      name: (use) => use.what,
      columns: [
        { header: 'what', value: (use) => use.what },
        { header: 'size', align: 'right', value: (use) => formatBytes(use.bytes) },
        { header: 'prune frees', align: 'right', value: (use) => formatBytes(use.freeable) },
      ],
      empty: 'nothing yet',
    });
    if (freeable > 0)
      context.say(
        renderNext(context, [
          ['distributo prune', 'what is older than the settings say'],
          ['distributo prune --all', 'logs and workspaces of every ended attempt'],
        ]),
      );
    return EXIT.ok;
  },
};

// `version`: ours and those of what we stand on.

import { readVersion } from '../../api/version.ts';
import { EXIT } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import { printView } from '../print-listing.ts';

export const command: CommandModule = {
  define: () => undefined,
  examples: [['distributo version', 'for a report of a fault']],
  async execute(context) {
    const version = readVersion();
    const view = {
      schema: 'distributo/version/1',
      version,
      node: process.versions.node,
      platform: `${process.platform}/${process.arch}`,
    };
    printView(context, view, () => [`distributo ${version} (Node ${view.node}, ${view.platform})`]);
    return EXIT.ok;
  },
};

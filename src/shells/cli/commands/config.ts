// `config`: every setting with where its value comes from; `config schema`: the JSON Schema of job files.

import { EXIT } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import { printListing } from '../print-listing.ts';
import { refuseUse } from '../usage.ts';

export const command: CommandModule = {
  define: (command) => void command.argument('[what]', '"schema": the JSON Schema of job files, for editors'),
  examples: [
    ['distributo config', 'each value with its origin'],
    ['distributo config schema > job-file.schema.json', 'completion and checks in your editor'],
  ],
  async execute(context, { args }) {
    if (args[0] === 'schema') {
      const { jobFileSchema } = await import('../../job-file/job-file-schema.ts');
      context.print(JSON.stringify(jobFileSchema(), null, 2));
      return EXIT.ok;
    }
    if (args[0] !== undefined) throw refuseUse(`config knows "schema", not "${String(args[0])}"`, 'distributo config');
    const { origins, files } = await context.configure();
    printListing(context, {
      view: { schema: 'distributo/config/1', settings: origins, files },
      rows: origins,
      name: (setting) => setting.name,
      columns: [
        { header: 'setting', value: (setting) => setting.name },
        { header: 'value', value: (setting) => setting.text, cut: { to: 20, at: 'middle' } },
        { header: 'from', value: (setting) => setting.origin, cut: { to: 16, at: 'middle' } },
        { header: 'what it is', dropOrder: 1, value: (setting) => setting.about },
      ],
      empty: 'no settings',
    });
    context.say(['', ...files.map((file) => `${file.isRead ? 'read' : 'looked for'}  ${file.path}`)]);
    return EXIT.ok;
  },
};

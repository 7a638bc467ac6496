// `init`: writes a commented job file. Never overwrites.

import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DistributoError } from '../../../domain/errors.ts';
import { EXIT } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import { renderNext } from '../print-listing.ts';

export const command: CommandModule = {
  define: (command) => void command.argument('[file]', 'the file to write', 'job.yaml'),
  examples: [
    ['distributo init', 'writes job.yaml here'],
    ['distributo init sweep.yaml', 'under another name'],
  ],
  async execute(context, { args }) {
    const name = String(args[0]);
    const path = resolve(context.directory, name);
    if (existsSync(path)) {
      throw new DistributoError('CONFLICT', `${name} is there already and is not overwritten`, {
        hint: `distributo init ${nextName(context.directory, name)}`,
      });
    }
    const { JOB_FILE_TEMPLATE } = await import('../../job-file/template.ts');
    try {
      writeFileSync(path, JOB_FILE_TEMPLATE, { flag: 'wx' });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new DistributoError('OUTPUT_UNWRITABLE', `${path} cannot be written (${code})`, {
        hint: 'choose a folder that you may write to: distributo init PATH',
      });
    }
    context.print(`wrote ${name}`);
    context.say(
      renderNext(context, [
        [`distributo run ${name}`, 'run it: three tasks on this machine'],
        [`distributo check ${name}`, 'look for what would stop it'],
      ]),
    );
    return EXIT.ok;
  },
};

function nextName(directory: string, name: string): string {
  const [, stem = name, ending = ''] = /^(.*?)(\.[^.]*)?$/.exec(name) ?? [];
  let number = 2;
  while (existsSync(join(directory, `${stem}-${number}${ending}`))) number += 1;
  return `${stem}-${number}${ending}`;
}

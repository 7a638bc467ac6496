// `results`: lists the outputs of a run's succeeded tasks, or copies them into a folder.

import { resolve } from 'node:path';
import { fetchOutputs, listOutputs, type PublishedOutput } from '../../../workspace/results.ts';
import { openObjects } from '../../compose.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatBytes, formatQuantity } from '../../terminal/format.ts';
import type { CommandModule } from '../command.ts';
import { printListing } from '../print-listing.ts';
import { describePlace, outputsOf } from '../run-outputs.ts';
import { readSubject } from '../usage.ts';

export const command: CommandModule = {
  define: (command) =>
    void command
      .argument('<run>', 'name of a run, or run/job')
      .argument('[folder]', 'copy the outputs there; files that are the same already are left')
      .option('--s3-endpoint <url>', 'an S3-compatible server'),
  examples: [
    ['distributo results screening-7', 'where each output lies'],
    ['distributo results screening-7 ./results', 'bring them all here'],
  ],
  async execute(context, { args, options }) {
    const subject = readSubject(String(args[0]));
    const { settings } = await context.configure({ s3_endpoint: options.s3Endpoint as string | undefined });
    const client = await context.connect();
    const objects = await openObjects({ env: context.env, s3Endpoint: settings.s3Endpoint });
    const outputs = outputsOf(client, subject.run, subject.job);
    if (args[1] === undefined) {
      const found: PublishedOutput[] = [];
      for await (const one of listOutputs(outputs, objects)) found.push(one);
      printListing(context, {
        view: { schema: 'distributo/results/1', run: subject.run, outputs: found },
        rows: found,
        name: (one) => one.url,
        columns: [
          {
            header: 'output',
            value: (one) => describePlace(one.url, context.directory),
            cut: { to: 24, at: 'middle' },
          },
          {
            header: 'size',
            align: 'right',
            value: (one) => (one.present ? (one.sizeBytes === null ? '' : formatBytes(one.sizeBytes)) : 'not there'),
          },
        ],
        empty: `no outputs: no task of ${subject.run} that has succeeded names any`,
      });
      return EXIT.ok;
    }
    const folder = resolve(context.directory, String(args[1]));
    const all = [];
    for await (const output of outputs) all.push(output);
    const counts = { fetched: 0, same: 0, missing: 0 };
    for await (const file of fetchOutputs(all, objects, folder, new AbortController().signal)) {
      counts[file.outcome] += 1;
      if (file.outcome === 'missing') context.warn(`${describePlace(file.url, context.directory)} is not there`);
      else if (context.options.output === 'ndjson' || context.options.output === 'json')
        context.print(JSON.stringify(file));
    }
    context.say(
      `${formatQuantity(counts.fetched, 'file')} copied to ${String(args[1])}, ${counts.same} were there already${counts.missing > 0 ? `, ${counts.missing} missing` : ''}`,
    );
    return counts.missing > 0 ? EXIT.ownError : EXIT.ok;
  },
};

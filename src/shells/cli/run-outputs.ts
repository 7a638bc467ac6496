// The outputs of a run's tasks, one task after the other, as the job file's templates say when they are filled in.

import type { Transfer } from '../../domain/job.ts';
import type { Objects } from '../../ports/objects.ts';
import { listOutputs } from '../../workspace/results.ts';
import type { ApiClient } from '../api/client.ts';
import { formatBytes, formatQuantity } from '../terminal/format.ts';

const PAGE = 200;
/** Of a larger run only the place of its results is told; `distributo results` looks at every file. */
const TASKS_COUNTED_MAX = 200;

/** Outputs of succeeded tasks, in order. */
export async function* outputsOf(client: ApiClient, run: string, job?: string): AsyncGenerator<Transfer> {
  for (let after: string | undefined; ; ) {
    const page = await client.listTasks(run, {
      states: ['succeeded'],
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
      ...(job === undefined ? {} : { job }),
    });
    for (const { task } of page.tasks) yield* (await client.readTask(task)).filled.outputs;
    if (page.next === null) return;
    after = page.next;
  }
}

/** `./out (9 files, 214 KiB)`; null where the run has no outputs. */
export async function summariseResults(options: {
  readonly client: ApiClient;
  readonly run: string;
  readonly succeeded: number;
  readonly directory: string;
  readonly objects: Objects;
}): Promise<string | null> {
  const outputs: Transfer[] = [];
  for await (const output of outputsOf(options.client, options.run)) {
    outputs.push(output);
    if (options.succeeded > TASKS_COUNTED_MAX) break;
  }
  if (outputs.length === 0) return null;
  const place = describePlace(commonPlace(outputs.map((output) => output.url)), options.directory);
  if (options.succeeded > TASKS_COUNTED_MAX) return place;
  let files = 0;
  let bytes = 0;
  for await (const found of listOutputs(outputs, options.objects)) {
    if (!found.present) continue;
    files += 1;
    bytes += found.sizeBytes ?? 0;
  }
  return `${place} (${formatQuantity(files, 'file')}, ${formatBytes(bytes)})`;
}

/** The longest beginning that all have in common, up to a slash. */
export function commonPlace(urls: readonly string[]): string {
  const [first = ''] = urls;
  let length = first.lastIndexOf('/') + 1;
  for (const url of urls)
    while (!url.startsWith(first.slice(0, length))) length = first.lastIndexOf('/', length - 2) + 1;
  return first.slice(0, length);
}

/** As a person would write it where the command was called. */
export function describePlace(url: string, directory: string): string {
  if (!url.startsWith('file://')) return url;
  const path = decodeURIComponent(url.slice('file://'.length)).replace(/(.)\/$/, '$1');
  if (path === directory) return '.';
  return path.startsWith(`${directory}/`) ? `./${path.slice(directory.length + 1)}` : path;
}

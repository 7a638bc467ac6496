// Turns a draft into the RunSpec that is submitted: reads the items of its arrays, gives them out chunk by chunk, and counts.

import { DistributoError } from '../../domain/errors.ts';
import type { Job, RunSpec } from '../../domain/job.ts';
import { TASKS_PER_RUN_MAX } from '../../domain/job.ts';
import type { ItemSource } from './build-array.ts';
import type { RunDraft } from './parse-job-file.ts';
import { chunkRows, type ItemChunk, readItems } from './read-items.ts';

export type ItemUpload = {
  readonly openFile: (path: string) => AsyncIterable<Uint8Array>;
  /** A new id for a set of items: a UUID. */
  readonly newItemSetId: () => string;
  /** Stores one chunk; chunks of a set come in order. */
  readonly putItems: (itemSetId: string, chunk: number, itemsJson: string) => Promise<void>;
};

/** JOB_FILE_INVALID where a file of items is wrong; what was uploaded by then belongs to no run and is removed by the engine. */
export async function uploadItems(draft: RunDraft, upload: ItemUpload): Promise<RunSpec> {
  const jobs: Job[] = [];
  for (const job of draft.spec.jobs) {
    const source = draft.itemSources.get(job.name);
    jobs.push(source === undefined ? job : await uploadJob(job, source, upload));
  }
  const total = jobs.reduce((sum, job) => sum + job.taskCount, 0);
  if (total <= TASKS_PER_RUN_MAX) return { ...draft.spec, jobs };
  const message = `a run holds at most ${TASKS_PER_RUN_MAX.toLocaleString('en-US')} tasks, this one ${total.toLocaleString('en-US')}`;
  throw new DistributoError('JOB_FILE_INVALID', message, { hint: 'split it into several runs' });
}

async function uploadJob(job: Job, source: ItemSource, upload: ItemUpload): Promise<Job> {
  const itemSetId = upload.newItemSetId();
  let chunks = 0;
  let count = 0;
  for await (const chunk of chunksOf(source, upload)) {
    await upload.putItems(itemSetId, chunks, chunk.json);
    chunks += 1;
    count += chunk.count;
  }
  const fields = job.array.kind === 'items' ? job.array.fields : [];
  return { ...job, array: { kind: 'items', itemSetId, count, fields }, taskCount: count };
}

const chunksOf = (source: ItemSource, upload: ItemUpload): Iterable<ItemChunk> | AsyncIterable<ItemChunk> =>
  source.kind === 'rows' ? chunkRows(source.rows) : readItems(upload.openFile(source.path), source.format, source.path);

// Takes the items of an array as they stream in: one chunk a line, checked, stored in order. A chunk that is not the last
// holds exactly ITEMS_PER_CHUNK items, since a task finds its item by division.

import { DistributoError } from '../../domain/errors.ts';
import { ITEMS_PER_CHUNK, TASKS_PER_RUN_MAX } from '../../domain/job.ts';
import { LineTooLong, readLines } from '../api/read-lines.ts';
import { ITEM_CHUNK_BYTES_MAX } from '../api/routes.ts';

export async function takeItems(
  content: AsyncIterable<Uint8Array>,
  put: (chunk: number, itemsJson: string) => Promise<void>,
): Promise<{ readonly chunks: number; readonly items: number }> {
  let chunks = 0;
  let items = 0;
  let isLastSeen = false;
  try {
    for await (const line of readLines(content, ITEM_CHUNK_BYTES_MAX)) {
      const count = countItems(line, chunks);
      if (isLastSeen) throw wrong(`chunk ${chunks - 1} is not the last and has not ${ITEMS_PER_CHUNK} items`);
      isLastSeen = count < ITEMS_PER_CHUNK;
      items += count;
      if (items > TASKS_PER_RUN_MAX) {
        throw wrong(`more than ${TASKS_PER_RUN_MAX.toLocaleString('en-US')} items; a run holds no more tasks`);
      }
      await put(chunks++, line);
    }
  } catch (error) {
    if (error instanceof LineTooLong) throw wrong(`chunk ${chunks}: ${error.message}`);
    throw error;
  }
  return { chunks, items };
}

/** The number of items in a line; refuses all that is not an array of arrays of strings. */
function countItems(line: string, chunk: number): number {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrong(`chunk ${chunk} is not JSON`); // the parser's own words would repeat the data
  }
  const isChunk =
    Array.isArray(value) &&
    value.every((item) => Array.isArray(item) && item.every((field) => typeof field === 'string'));
  if (!isChunk) throw wrong(`chunk ${chunk} is not an array of arrays of strings`);
  const { length } = value as unknown[];
  if (length === 0 || length > ITEMS_PER_CHUNK) {
    throw wrong(`chunk ${chunk} has ${length} items, not 1 to ${ITEMS_PER_CHUNK}`);
  }
  return length;
}

const wrong = (message: string): DistributoError =>
  new DistributoError('USAGE_INVALID', message, {
    hint: `send one JSON array of up to ${ITEMS_PER_CHUNK} items a line`,
  });

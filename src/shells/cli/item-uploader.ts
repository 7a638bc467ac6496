// Gives out item chunks one by one where the API takes one stream a set: a set's stream opens with its first chunk and ends
// with the first chunk of the next set, or when the caller is done.

import type { ApiClient } from '../api/client.ts';
import type { ItemUpload } from '../job-file/upload-items.ts';

type Stream = {
  readonly id: string;
  readonly push: (json: string | null) => Promise<void>;
  readonly done: Promise<unknown>;
};

export class ItemUploader {
  readonly #client: ApiClient;
  #open: Stream | null = null;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  readonly putItems: ItemUpload['putItems'] = async (itemSetId, _chunk, itemsJson) => {
    if (this.#open?.id !== itemSetId) {
      await this.finish();
      this.#open = this.#begin(itemSetId);
    }
    await this.#open?.push(itemsJson);
  };

  /** Waits until everything is stored. */
  async finish(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    await open.push(null);
    await open.done;
  }

  #begin(id: string): Stream {
    let take: ((json: string | null) => void) | null = null;
    let taken: (() => void) | null = null;
    const next = (): Promise<string | null> =>
      new Promise((resolve) => {
        take = resolve;
        taken?.();
      });
    async function* chunks(): AsyncGenerator<string> {
      for (let json = await next(); json !== null; json = await next()) yield json;
    }
    const done = this.#client.putItems(id, chunks());
    // A refusal ends the wait of whoever gives the next chunk.
    const failed = done.then(
      () => undefined,
      (error: unknown) => Promise.reject(error as Error),
    );
    failed.catch(() => undefined);
    const push = async (json: string | null): Promise<void> => {
      if (take === null)
        await Promise.race([
          failed,
          new Promise<void>((resolve) => {
            taken = resolve;
          }),
        ]);
      taken = null;
      const give = take as ((json: string | null) => void) | null;
      take = null;
      give?.(json);
    };
    return { id, push, done };
  }
}

// Which containers of ours somebody had the engine end. The live events tell; where they may have been missed, the engine's
// own short memory is asked. (The engine keeps its last 256 events, and none over a restart.)

import type { DockerClient } from './docker-client.ts';
import type { EngineContact } from './engine-contact.ts';
import type { EngineEvent } from './engine-types.ts';
import { readJsonLines } from './json-lines.ts';

const ENDING_SIGNALS = new Set([2, 3, 9, 15]);
const REMEMBERED_MAX = 10_000;

export type LookBack = { readonly wasSignalled: boolean; readonly sawEnd: boolean };

export class Signals {
  readonly #client: DockerClient;
  readonly #signalled = new Set<string>();

  constructor(client: DockerClient) {
    this.#client = client;
  }

  note(containerId: string, signal: number): void {
    if (!ENDING_SIGNALS.has(signal)) return;
    this.#signalled.add(containerId);
    if (this.#signalled.size > REMEMBERED_MAX) this.#signalled.delete(this.#signalled.values().next().value as string);
  }

  wasSignalled(containerId: string): boolean {
    return this.#signalled.has(containerId);
  }

  /** What the engine remembers of a container's last moments. */
  async lookBack(containerId: string, contact: EngineContact): Promise<LookBack> {
    const filters = JSON.stringify({ container: [containerId], event: ['kill', 'die'] });
    // An end in the future would make the engine wait for it.
    const until = (contact.engineNowMs() / 1000 + 0.2).toFixed(3);
    const events = await contact.call(async (signal) => {
      const stream = await this.#client.stream('GET', '/events', { query: { since: 0, until, filters }, signal });
      const found: EngineEvent[] = [];
      for await (const event of readJsonLines<EngineEvent>(stream)) found.push(event);
      return found;
    });
    const isEnding = (event: EngineEvent) => ENDING_SIGNALS.has(Number(event.Actor?.Attributes?.signal ?? 0));
    return {
      wasSignalled: events.some((event) => event.Action === 'kill' && isEnding(event)),
      sawEnd: events.some((event) => event.Action === 'die'),
    };
  }
}

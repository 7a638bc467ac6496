// Which attempt has which GPUs of one engine. Learned again from labels after a restart; an id is given to one attempt at a time.

import { DistributoError } from '../../domain/errors.ts';

export class GpuAssignment {
  #ids: readonly string[] = [];
  readonly #holders = new Map<string, string>();

  setIds(ids: readonly string[]): void {
    this.#ids = ids;
  }

  /** Notes what a container that is there already has been given. */
  learn(attemptId: string, ids: readonly string[]): void {
    for (const id of ids) this.#holders.set(id, attemptId);
  }

  /** The ids of an attempt: those it has, else the first that are free. */
  take(attemptId: string, count: number): readonly string[] {
    const held = this.#ids.filter((id) => this.#holders.get(id) === attemptId);
    if (held.length >= count) return held.slice(0, count);
    const free = this.#ids.filter((id) => !this.#holders.has(id));
    const chosen = [...held, ...free].slice(0, count);
    if (chosen.length < count) {
      throw new DistributoError(
        'START_FAILED',
        `${count} ${count === 1 ? 'GPU was' : 'GPUs were'} asked for, ${held.length + free.length} of ${this.#ids.length} are free`,
        { hint: 'wait for other work on that machine, or ask for fewer GPUs', retryable: true },
      );
    }
    this.learn(attemptId, chosen);
    return chosen;
  }

  release(attemptId: string): void {
    for (const [id, holder] of this.#holders) if (holder === attemptId) this.#holders.delete(id);
  }
}

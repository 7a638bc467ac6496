// Reads what the shim wrote down, and builds the disk as a power loss could leave it at any moment: what was synced is there;
// of what was written since, each sector of 512 bytes may be or not. Files appear, vanish and are cut in order.

import type { Random } from '../../support/random.ts';

const SECTOR = 512;
export const FILES = ['store.db', 'store.db-wal', 'store.db-journal'] as const;
export type FileName = (typeof FILES)[number];

export type Operation =
  | { readonly kind: 'write'; readonly file: FileName; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly file: FileName; readonly offset: number }
  | { readonly kind: 'sync' | 'unlink' | 'create'; readonly file: FileName }
  | { readonly kind: 'acknowledged'; readonly batches: number };

const HEAD_BYTES = 16;
const KINDS = ['', 'write', 'truncate', 'sync', 'acknowledged', 'unlink', 'create'] as const;

export function parseLog(log: Buffer): Operation[] {
  const operations: Operation[] = [];
  for (let at = 0; at < log.length; ) {
    const kind = KINDS[log.readUInt8(at)];
    const file = FILES[log.readUInt8(at + 1)] ?? 'store.db';
    const length = log.readUInt32LE(at + 4);
    const offset = Number(log.readBigUInt64LE(at + 8));
    at += HEAD_BYTES;
    if (kind === 'write') operations.push({ kind, file, offset, data: log.subarray(at, at + length) });
    else if (kind === 'truncate') operations.push({ kind, file, offset });
    else if (kind === 'acknowledged') operations.push({ kind, batches: offset });
    else if (kind === 'sync' || kind === 'unlink' || kind === 'create') operations.push({ kind, file });
    else throw new Error(`the log of writes holds something unknown at ${at}`);
    at += length;
  }
  return operations;
}

/** What is on the disk for certain, and what was written since the last sync of each file. */
export class Disk {
  readonly #durable: Map<FileName, Buffer>;
  readonly #pending = new Map<FileName, Operation[]>();
  /** Syncs of these files are not believed: a control. */
  readonly #unsynced: ReadonlySet<FileName>;
  acknowledged = 0;

  constructor(base: ReadonlyMap<FileName, Buffer>, unsynced: readonly FileName[] = []) {
    this.#durable = new Map([...base].map(([file, content]) => [file, Buffer.from(content)]));
    this.#unsynced = new Set(unsynced);
  }

  apply(operation: Operation): void {
    if (operation.kind === 'acknowledged') {
      this.acknowledged = operation.batches;
      return;
    }
    const { file } = operation;
    if (operation.kind === 'create') {
      if (!this.#durable.has(file)) this.#durable.set(file, Buffer.alloc(0));
    } else if (operation.kind === 'unlink') {
      this.#durable.delete(file);
      this.#pending.delete(file);
    } else if (operation.kind === 'sync') {
      if (this.#unsynced.has(file)) return;
      const content = this.#durable.get(file);
      if (content !== undefined)
        this.#durable.set(
          file,
          layOver(content, this.#pending.get(file) ?? [], () => true),
        );
      this.#pending.delete(file);
    } else {
      const pending = this.#pending.get(file) ?? [];
      pending.push(operation);
      this.#pending.set(file, pending);
    }
  }

  /** The files after a power loss now, and whether it took something away. */
  image(random: Random): { readonly files: ReadonlyMap<FileName, Buffer>; readonly hasLost: boolean } {
    const kept = random.pick([0, 0.5, 0.5, 0.9, 1]);
    let hasLost = false;
    const keep = (): boolean => {
      if (random.fraction() < kept) return true;
      hasLost = true;
      return false;
    };
    const files = new Map<FileName, Buffer>();
    for (const [file, content] of this.#durable) files.set(file, layOver(content, this.#pending.get(file) ?? [], keep));
    return { files, hasLost };
  }
}

function layOver(content: Buffer, operations: readonly Operation[], keep: () => boolean): Buffer {
  let size = content.length;
  for (const operation of operations)
    if (operation.kind === 'write') size = Math.max(size, operation.offset + operation.data.length);
  const room = Buffer.alloc(size);
  content.copy(room);
  let used = content.length;
  for (const operation of operations) {
    if (operation.kind === 'truncate') {
      room.fill(0, Math.min(operation.offset, used));
      used = operation.offset;
    }
    if (operation.kind !== 'write') continue;
    const { offset, data } = operation;
    for (let from = 0; from < data.length; ) {
      const step = Math.min(SECTOR - ((offset + from) % SECTOR), data.length - from);
      if (keep()) {
        data.copy(room, offset + from, from, from + step);
        used = Math.max(used, offset + from + step);
      }
      from += step;
    }
  }
  return room.subarray(0, used);
}

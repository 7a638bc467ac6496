// The content of a file as staging passes it on: checked against the size that was announced, small ones held in memory so
// that several can be under way at once, those of unknown size put down on disk first.

import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DistributoError, type ErrorCode } from '../domain/errors.ts';

/** Files up to this size are held whole. */
export const SMALL_BYTES = 256 * 1024;

export async function readWhole(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

export async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** Passes chunks on; fails where there are more or fewer bytes than `sizeBytes`, as when a file changes under our eyes. */
export async function* ofSize(
  content: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  code: ErrorCode,
  name: string,
): AsyncGenerator<Uint8Array> {
  let seenBytes = 0;
  for await (const chunk of content) {
    seenBytes += chunk.length;
    if (seenBytes > sizeBytes) break;
    yield chunk;
  }
  if (seenBytes === sizeBytes) return;
  const seen = seenBytes > sizeBytes ? 'more' : seenBytes.toLocaleString('en-US');
  throw new DistributoError(
    code,
    `${name} gave ${seen} of ${sizeBytes.toLocaleString('en-US')} bytes: it changed while it was read`,
    {
      hint: 'let nothing write to it while the task takes it',
      retryable: true,
    },
  );
}

export type Spooled = {
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
  readonly dispose: () => Promise<void>;
};

/** Finds out the size of content by taking it all: in memory while it is small, else in a temporary file. */
export async function spool(content: AsyncIterable<Uint8Array>): Promise<Spooled> {
  const held: Uint8Array[] = [];
  let sizeBytes = 0;
  let folder: string | undefined;
  let file: Awaited<ReturnType<typeof open>> | undefined;
  const dispose = async (): Promise<void> => {
    await file?.close().catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    for await (const chunk of content) {
      sizeBytes += chunk.length;
      if (file === undefined) {
        held.push(chunk);
        if (sizeBytes <= SMALL_BYTES) continue;
        folder = await mkdtemp(join(tmpdir(), 'distributo-spool-'));
        file = await open(join(folder, 'content'), 'wx', 0o600);
        for (const part of held.splice(0)) await file.writeFile(part);
      } else await file.writeFile(chunk);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  if (folder === undefined) return { sizeBytes, content: bytesOf(Buffer.concat(held)), dispose };
  return { sizeBytes, content: createReadStream(join(folder, 'content')), dispose };
}

// Content checked while it passes: its size, and its SHA-256 or MD5 where the source states one.

import { createHash } from 'node:crypto';
import { DistributoError } from '../domain/errors.ts';

export type Expected = {
  readonly sizeBytes: number | null;
  /** Lower-case hex. */
  readonly sha256: string | null;
  readonly md5?: string | null;
};

/** Passes chunks on; at the end throws INPUT_UNREADABLE where they were not what the source had stated. */
export async function* verified(
  content: AsyncIterable<Uint8Array>,
  name: string,
  expected: () => Expected,
): AsyncGenerator<Uint8Array> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  let sizeBytes = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.length;
    const stated = expected();
    if (stated.sha256 !== null) sha256.update(chunk);
    else if (typeof stated.md5 === 'string') md5.update(chunk);
    yield chunk;
  }
  const stated = expected();
  if (stated.sizeBytes !== null && sizeBytes !== stated.sizeBytes) {
    throw damaged(name, `gave ${count(sizeBytes)} of ${count(stated.sizeBytes)} bytes`);
  }
  if (stated.sha256 !== null) compare(name, 'SHA-256', sha256.digest('hex'), stated.sha256);
  else if (typeof stated.md5 === 'string') compare(name, 'MD5', md5.digest('hex'), stated.md5);
}

function compare(name: string, kind: string, actual: string, stated: string): void {
  if (actual !== stated) throw damaged(name, `has ${kind} ${actual}, its source states ${stated}`);
}

const damaged = (name: string, what: string): DistributoError =>
  new DistributoError('INPUT_UNREADABLE', `${name} ${what}: it was damaged or cut short on its way`, {
    hint: 'try again; if it stays, the source or something between damages it',
    retryable: true,
  });

const count = (bytes: number): string => bytes.toLocaleString('en-US');

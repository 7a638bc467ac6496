// Finds secrets of a test in anything: as they are, base64 at any offset, hex, URL- and JSON-escaped (also JSON inside JSON).

import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Canary = { readonly name: string; readonly value: string };
export type Hit = { readonly where: string; readonly canary: string; readonly form: string };

/** A value with characters that every escape changes, which occurs nowhere else. */
export const aCanary = (name: string): Canary => ({
  name,
  value: `canary/${randomBytes(9).toString('hex')}+"é\\${randomBytes(3).toString('hex')}`,
});

type Needle = { readonly canary: string; readonly form: string; readonly bytes: Buffer };

export class CanaryScanner {
  readonly #needles: readonly Needle[];
  readonly hits: Hit[] = [];
  /** How much was looked at: a scan of nothing finds nothing. */
  scannedBytes = 0;
  scannedPlaces = 0;

  constructor(canaries: readonly Canary[]) {
    this.#needles = canaries.flatMap(({ name, value }) =>
      formsOf(value).map(([form, text]) => ({ canary: name, form, bytes: Buffer.from(text) })),
    );
  }

  scan(where: string, content: string | Uint8Array): void {
    const bytes =
      typeof content === 'string'
        ? Buffer.from(content)
        : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    this.scannedBytes += bytes.length;
    this.scannedPlaces++;
    for (const { canary, form, bytes: needle } of this.#needles) {
      if (bytes.includes(needle)) this.hits.push({ where, canary, form });
    }
  }

  /** Every file below a folder, its name included. */
  scanFolder(path: string): void {
    for (const name of namesIn(path)) {
      const full = join(path, name);
      this.scan(`name of ${full}`, full);
      const stat = lstatSync(full, { throwIfNoEntry: false });
      if (stat?.isDirectory()) this.scanFolder(full);
      else if (stat?.isFile()) this.scan(full, readOr(full));
    }
  }

  /** What anybody on the machine can see of running processes. */
  scanCommandLines(): void {
    for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name))) {
      this.scan(`/proc/${pid}/cmdline`, readOr(`/proc/${pid}/cmdline`));
    }
  }
}

function formsOf(value: string): [string, string][] {
  const bytes = Buffer.from(value);
  const json = JSON.stringify(value).slice(1, -1);
  const ascii = json.replace(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const forms: [string, string][] = [
    ['plain', value],
    ['json', json],
    ['json in json', JSON.stringify(json).slice(1, -1)],
    ['json, ascii', ascii],
    ['url', encodeURIComponent(value)],
    ['form', new URLSearchParams([['', value]]).toString().slice(1)],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
  ];
  for (let offset = 0; offset < 3; offset++) {
    // Only the characters that depend on the value alone: those at the ends mix with their neighbours.
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const inner = encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    forms.push([`base64 +${offset}`, inner], [`base64url +${offset}`, inner.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  return forms;
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // it went while we looked
  }
}

function readOr(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0); // it went while we looked
  }
}

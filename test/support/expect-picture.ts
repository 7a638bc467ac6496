// Compares text that people look at with a file of test/pictures. `UPDATE_PICTURES=1` writes the file anew: read it then.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../test/pictures/', import.meta.url));

/** @param shots title → lines: one file holds a view at its widths and in its forms */
export function expectPicture(name: string, shots: Readonly<Record<string, readonly string[]>>): void {
  const text = Object.entries(shots)
    .map(([title, lines]) => [`===== ${title}`, ...lines, ''].join('\n'))
    .join('\n');
  const path = `${FOLDER}${name}.txt`;
  if (process.env.UPDATE_PICTURES === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, text);
  }
  assert.ok(existsSync(path), `no picture ${name}: UPDATE_PICTURES=1 makes it`);
  assert.equal(text, readFileSync(path, 'utf8'));
}

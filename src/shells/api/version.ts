// The two numbers that every request and answer carries: which release speaks, and which form of the API.

import { readFileSync } from 'node:fs';

/** Raised when a request or an answer changes its meaning; a new field alone does not raise it. */
export const API_NUMBER = 1;

export const VERSION_HEADER = 'distributo-version';
export const API_HEADER = 'distributo-api';

let version: string | undefined;

/** The release, from package.json. */
export function readVersion(): string {
  version ??= (JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as PackageJson)
    .version;
  return version;
}

type PackageJson = { readonly version: string };

/** Below 0 where `a` is the older release. Pre-release words are compared as text. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(/[.-]/);
  const right = b.split(/[.-]/);
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x, y] = [left[at], right[at]];
    if (x === y) continue;
    // 1.0.0 comes after 1.0.0-rc.1, and 1.0.1 after 1.0.0.
    if (x === undefined) return at >= 3 ? 1 : -1;
    if (y === undefined) return at >= 3 ? -1 : 1;
    const [m, n] = [Number(x), Number(y)];
    if (Number.isNaN(m) || Number.isNaN(n)) return x < y ? -1 : 1;
    if (m !== n) return m - n;
  }
  return 0;
}

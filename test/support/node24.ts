// A second, newer Node, for tests that open one store with both SQLite drivers. The test set-up installs it in `ci/node24/`
// (`npm ci` there); it stays out of the root, where it would replace the Node that the product must run on.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type NewerNode = { readonly path: string; readonly unavailable: null } | { readonly unavailable: string };

export function findNode24(): NewerNode {
  const path = fileURLToPath(new URL('../../../ci/node24/node_modules/node/bin/node', import.meta.url));
  if (!existsSync(path)) return { unavailable: 'Node 24 is not there; install it with: npm ci --prefix ci/node24' };
  try {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
    return version.startsWith('v24.') ? { path, unavailable: null } : { unavailable: `${path} is ${version}, not 24` };
  } catch (error) {
    return { unavailable: `${path} does not run: ${String(error)}` };
  }
}

/** For `it(name, { skip })`: why not, or false; under CI=true never a reason to skip. */
export function skipWithoutNode24(node: NewerNode): string | false {
  return node.unavailable !== null && process.env.CI !== 'true' ? node.unavailable : false;
}

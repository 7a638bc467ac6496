// Where the controller listens. A Unix socket's path holds about 100 bytes; a longer state directory has its socket in
// $XDG_RUNTIME_DIR, else in a private folder of the temporary directory. `controller.json` says which it became.

import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included. */
export const SOCKET_PATH_BYTES_MAX = 100;

const TEMPORARY_PREFIX = 'distributo-';

export const isShortEnough = (path: string): boolean => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX;

export const ownSocketPath = (stateDirectory: string): string => join(stateDirectory, 'controller.sock');

/** Makes the folder it may need. What lay there from an earlier holder is removed: the caller has the store's lock. */
export function chooseSocketPath(
  stateDirectory: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  temporary: string = tmpdir(),
): string {
  const own = ownSocketPath(stateDirectory);
  rmSync(own, { force: true });
  if (isShortEnough(own)) return own;
  const runtime = env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && isPrivateFolder(runtime)) {
    const hash = createHash('sha256').update(stateDirectory).digest('hex').slice(0, 16);
    const path = join(runtime, `${TEMPORARY_PREFIX}${hash}.sock`);
    if (isShortEnough(path)) {
      rmSync(path, { force: true });
      return path;
    }
  }
  // A name that nobody can guess and take before us; where even that is too long, the system's own folder.
  const made = mkdtempSync(
    join(isShortEnough(`${temporary}/distributo-xxxxxx/s`) ? temporary : '/tmp', TEMPORARY_PREFIX),
  );
  return join(made, 's');
}

/** Removes a socket and the temporary folder that was made for it. */
export function removeSocket(path: string): void {
  rmSync(path, { force: true });
  const folder = dirname(path);
  const isMade = basename(path) === 's' && basename(folder).startsWith(TEMPORARY_PREFIX) && isPrivateFolder(folder);
  if (isMade) rmSync(folder, { recursive: true, force: true });
}

function isPrivateFolder(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  // $XDG_RUNTIME_DIR may be a link; what counts is whose folder it leads to.
  const real = stat?.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : stat;
  return real?.isDirectory() === true && real.uid === process.getuid?.() && (real.mode & 0o077) === 0;
}

// How much room the file system of a directory has left for us. The engine starts no work below a limit.

import { statfs } from 'node:fs/promises';

export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

// Looks at a program in a container that failed at its first line: is it for another processor? An init program that cannot
// execute a file hands it to the shell, whose complaint tells nothing to the user.

import { posix } from 'node:path';
import { readTar } from '../../workspace/tar-files.ts';
import { openArchive } from './container-files.ts';
import type { DockerClient } from './docker-client.ts';

const ELF_MACHINES: Readonly<Record<number, string>> = {
  3: 'linux/386',
  21: 'linux/ppc64le',
  22: 'linux/s390x',
  40: 'linux/arm',
  62: 'linux/amd64',
  183: 'linux/arm64',
  243: 'linux/riscv64',
};
const HEADER_BYTES = 20;
/** What a shell ends with that was given no script. */
const SHELL_FAILURES = [1, 2, 126, 127];
const SEARCHED = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** True where the complaint is of a shell about the very program that was to run. */
export function isShellComplaint(exitCode: number, lastWords: string | null, program: string | undefined): boolean {
  return program !== undefined && SHELL_FAILURES.includes(exitCode) && (lastWords ?? '').includes(`${program}: `);
}

/** The platform of an ELF program; undefined where it is none, or not there. */
export async function programPlatform(
  client: DockerClient,
  container: string,
  program: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const places = program.includes('/') ? [program] : SEARCHED.map((folder) => posix.join(folder, program));
  for (const place of places.filter((path) => path.startsWith('/'))) {
    for await (const { content, kind } of readTar(openArchive(client, container, signal), '/', place)) {
      if (kind !== 'file') break;
      for await (const chunk of content) return machineOf(Buffer.from(chunk));
    }
  }
  return undefined;
}

function machineOf(header: Buffer): string | undefined {
  if (header.length < HEADER_BYTES || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const machine = header[5] === 2 ? header.readUInt16BE(18) : header.readUInt16LE(18);
  return ELF_MACHINES[machine] ?? 'another processor';
}

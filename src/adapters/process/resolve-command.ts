// Finds the program that a command names, as a shell would, and refuses what the system would refuse to execute: a shell
// would run such a file as a script of its own, or report no more than a code.

import { accessSync, closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

export type ResolvedCommand = { readonly path: string } | { readonly refusal: string };

/** ELF's e_machine of the architectures that Node runs Linux on (gABI). */
const ELF_MACHINES: Partial<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  arm: 40,
  ia32: 3,
  ppc64: 21,
  s390x: 22,
  riscv64: 243,
  loong64: 258,
};

export function resolveCommand(word: string, searchPath: string, workingDirectory: string): ResolvedCommand {
  if (word === '') return { refusal: 'the command is an empty word' };
  if (word.includes('/')) {
    const path = resolve(workingDirectory, word);
    const trouble = executionTrouble(path);
    return trouble === undefined ? { path } : { refusal: `${word}: ${trouble}` };
  }
  let denied: string | undefined;
  for (const folder of searchPath.split(delimiter)) {
    const path = resolve(workingDirectory, folder, word);
    const trouble = executionTrouble(path);
    if (trouble === undefined) return { path };
    if (trouble !== NOT_THERE) denied ??= `${path}: ${trouble}`;
  }
  return { refusal: denied ?? `command ${word} was not found; PATH is ${searchPath}` };
}

const NOT_THERE = 'no such file';

function executionTrouble(path: string): string | undefined {
  try {
    const found = statSync(path);
    if (!found.isFile()) return found.isDirectory() ? 'is a directory, not a program' : 'is not a file';
    accessSync(path, constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return NOT_THERE;
    if (code === 'EACCES') return 'permission denied (is it executable? chmod +x)';
    return `cannot be executed (${code})`;
  }
  return formatTrouble(path);
}

function formatTrouble(path: string): string | undefined {
  const head = readHead(path);
  // What may be executed and not read is left to the system.
  if (head === undefined) return undefined;
  if (head.toString('latin1', 0, 2) === '#!') return interpreterTrouble(head);
  if (head.toString('latin1', 0, 4) === '\x7fELF') {
    const machine = head.length < 20 ? -1 : head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
    const expected = ELF_MACHINES[process.arch];
    if (expected === undefined || machine === expected || hasForeignFormats()) return undefined;
    return `exec format error: it is built for another processor than this machine's (${process.arch})`;
  }
  if (hasForeignFormats()) return undefined;
  return 'exec format error: it is neither a program nor a script that begins with #!';
}

function interpreterTrouble(head: Buffer): string | undefined {
  const end = head.indexOf(10);
  const [interpreter = ''] = head
    .toString('utf8', 2, end < 0 ? head.length : end)
    .trim()
    .split(/\s/);
  if (interpreter === '') return 'exec format error: its first line names no interpreter';
  try {
    accessSync(interpreter, constants.X_OK);
    return undefined;
  } catch {
    return `its interpreter ${interpreter} is not there or not executable`;
  }
}

function readHead(path: string): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const head = Buffer.alloc(256);
    return head.subarray(0, readSync(file, head, 0, head.length, 0));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Formats registered with the kernel (binfmt_misc), such as another processor's by emulation. */
function hasForeignFormats(): boolean {
  try {
    return readdirSync('/proc/sys/fs/binfmt_misc').some((name) => name !== 'register' && name !== 'status');
  } catch {
    return false;
  }
}

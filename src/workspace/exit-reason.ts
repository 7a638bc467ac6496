// How the end of a program is told: its exit code, the signal that code stands for, and its last words.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { LogLine } from '../ports/attempt-runtime.ts';
import { readCappedLog } from './capped-log.ts';
import { decodeBytes } from './decode-bytes.ts';

const WORDS_MAX = 400;
const LINES_READ = 50;
const LAST_BYTES = 4096;

/** 128 + the signal's number, as shells and container engines give it (signal(7), numbers common to Linux architectures). */
const SIGNALS: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  141: 'SIGPIPE',
  143: 'SIGTERM',
  152: 'SIGXCPU',
  153: 'SIGXFSZ',
};

/** `exit 1: "frame file is empty"`, `exit 139 (SIGSEGV)`. */
export function exitReason(exitCode: number, lastWords: string | null): string {
  const signal = SIGNALS[exitCode];
  const code = signal === undefined ? `exit ${exitCode}` : `exit ${exitCode} (${signal})`;
  if (lastWords === null) return code;
  return `${code}: "${lastWords.length > WORDS_MAX ? `${lastWords.slice(0, WORDS_MAX)}…` : lastWords}"`;
}

/** The last line on stderr with something in it, of those since an instant; null where there is none near the end. */
export async function readLastWords(logDirectory: string, sinceMs: number): Promise<string | null> {
  const lines: LogLine[] = [];
  const query = { follow: false, sinceMs, tail: LINES_READ };
  for await (const line of readCappedLog(logDirectory, query, () => true)) lines.push(line);
  return lines.findLast((line) => line.stream === 'stderr' && line.text.trim() !== '')?.text.trim() ?? null;
}

/** The last line with something in it, of the end of a file that a program wrote. */
export function readLastLine(path: string): string | null {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = fstatSync(file);
    const end = Buffer.alloc(Math.min(size, LAST_BYTES));
    readSync(file, end, 0, end.length, size - end.length);
    return (
      decodeBytes(end)
        .split('\n')
        .findLast((line) => line.trim() !== '')
        ?.trim() ?? null
    );
  } catch {
    return null;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

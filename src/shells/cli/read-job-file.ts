// Reads a job file as the submitting command sees it: its directory, environment, files and user. Problems are thrown as one
// error that lists them all.

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';
import type { Target } from '../../domain/job.ts';
import { jobFileError, parseJobFile, type RunDraft } from '../job-file/parse-job-file.ts';
import { JOB_FILE_BYTES_MAX } from '../job-file/read-document.ts';
import type { Context } from './context.ts';
import { refuseUse } from './usage.ts';

export type JobFileText = { readonly name: string; readonly fileName: string | null; readonly text: string };

/** `-` is standard input. */
export async function readJobFileText(context: Context, file: string): Promise<JobFileText> {
  if (file === '-') return { name: 'standard input', fileName: null, text: await readStream(context.stdin) };
  const path = resolve(context.directory, file);
  try {
    const { size } = await stat(path);
    if (size > JOB_FILE_BYTES_MAX) throw tooLarge(file);
    return { name: file, fileName: file, text: await readFile(path, 'utf8') };
  } catch (error) {
    if (error instanceof DistributoError) throw error;
    throw unreadable(file, (error as NodeJS.ErrnoException).code ?? String(error));
  }
}

async function readStream(stream: NodeJS.ReadStream): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream) {
    parts.push(Buffer.from(part as Uint8Array));
    bytes += (part as Uint8Array).length;
    if (bytes > JOB_FILE_BYTES_MAX) throw tooLarge('standard input');
  }
  return Buffer.concat(parts).toString('utf8');
}

const tooLarge = (name: string): DistributoError =>
  new DistributoError('JOB_FILE_INVALID', `${name} is larger than ${JOB_FILE_BYTES_MAX / 1024 / 1024} MiB`, {
    hint: 'put the items of an array into a CSV or JSON lines file: array: { file: items.csv }',
  });

function unreadable(file: string, code: string): DistributoError {
  const why: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'it may not be read',
    EISDIR: 'it is a folder',
  };
  const hint = code === 'ENOENT' ? 'distributo init   writes one to start from' : 'choose another file';
  return new DistributoError('JOB_FILE_INVALID', `${file}: ${why[code] ?? code}`, { hint });
}

/** Throws JOB_FILE_INVALID with every problem and its place. */
export async function parseFor(
  context: Context,
  file: JobFileText,
  target: Target,
  set: readonly string[],
): Promise<RunDraft> {
  const parsed = await parseJobFile(file.text, {
    fileName: file.fileName,
    directory: context.directory,
    nowMs: context.nowMs(),
    set: readSet(set),
    env: context.env,
    target,
    owner:
      process.getuid === undefined || process.getgid === undefined
        ? null
        : { uid: process.getuid(), gid: process.getgid() },
    openFile: (path) => createReadStream(path),
  });
  if ('problems' in parsed) throw jobFileError(parsed.problems, file.text, file.name);
  return parsed.draft;
}

function readSet(words: readonly string[]): Record<string, string> {
  const set: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) throw refuseUse(`--set wants NAME=VALUE, got "${word}"`, 'for example --set output=./out');
    set[word.slice(0, at)] = word.slice(at + 1);
  }
  return set;
}

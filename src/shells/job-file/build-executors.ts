// Reads the programs of a task: the short form of one image and command, or a list of executors; their arguments and environment.

import { escapeTemplate } from '../../domain/interpolate.ts';
import type { Executor } from '../../domain/job.ts';
import { describeFileError } from './build-array.ts';
import { parseEnvFile } from './env-file.ts';
import { isMissing } from './field-types.ts';
import type { JobScope } from './job-scope.ts';
import { localizeConstant } from './local-url.ts';
import type { FieldPath } from './problem.ts';
import { JOB_FIELDS, type JobFields } from './schema.ts';
import { splitShellWords } from './shell-words.ts';

type Arguments = string | readonly string[] | undefined;
type EnvFields = { readonly env?: JobFields['env']; readonly environment?: JobFields['env'] };
/** Of the short form or of one of `executors`. */
type ExecutorFields = EnvFields & {
  readonly image?: string | undefined;
  readonly entrypoint?: Arguments;
  readonly command?: Arguments;
  readonly workdir?: string | undefined;
  readonly stdin?: string | undefined;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
  readonly ignore_error?: boolean | undefined;
};
type Environment = Readonly<Record<string, string>>;

/** `raw` is what stood in the file: a wrong image is not a missing one. */
export async function buildExecutors(fields: JobFields, raw: object, scope: JobScope): Promise<readonly Executor[]> {
  const isTold = !isMissing('image', raw, JOB_FIELDS) || !isMissing('executors', raw, JOB_FIELDS);
  const image = fields.image ?? (isTold && fields.executors === undefined ? WRONG_IMAGE : undefined);
  const shared = { ...(await readEnvFiles(fields, scope)), ...buildEnv(fields, [], scope) };
  if (fields.workdir !== undefined && fields.working_dir !== undefined) {
    scope.refuse(['working_dir'], 'workdir stands here too; write one of them', { key: true });
  }
  const workdir = fields.workdir ?? fields.working_dir;
  const workdirName = fields.workdir === undefined ? 'working_dir' : 'workdir';
  if (workdir !== undefined) scope.template(workdir, [workdirName]);
  if (fields.executors === undefined) {
    return [buildExecutor({ ...fields, env: undefined, environment: undefined }, [], shared, workdir, image, scope)];
  }
  for (const field of ['command', 'entrypoint'] as const) {
    if (fields[field] !== undefined)
      scope.refuse([field], 'expected it in each executor, since there are executors', { key: true });
  }
  return fields.executors.map((executor, position) =>
    buildExecutor(executor, ['executors', position], shared, workdir, image, scope),
  );
}

function buildExecutor(
  fields: ExecutorFields,
  path: FieldPath,
  shared: Environment,
  workdir: string | undefined,
  image: string | undefined,
  scope: JobScope,
): Executor {
  const stream = (name: 'stdin' | 'stdout' | 'stderr'): string | null => {
    const value = fields[name];
    return value === undefined ? null : checkWorkspacePath(value, [...path, name], scope);
  };
  const own = fields.workdir;
  return {
    image: buildImage(fields.image ?? image, fields.image === undefined ? ['image'] : [...path, 'image'], path, scope),
    entrypoint: buildArguments(fields.entrypoint, [...path, 'entrypoint'], scope),
    command: buildArguments(fields.command, [...path, 'command'], scope),
    env: { ...shared, ...buildEnv(fields, path, scope) },
    workdir: own === undefined || path.length === 0 ? (workdir ?? null) : scope.template(own, [...path, 'workdir']),
    stdin: stream('stdin'),
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    ignoreError: fields.ignore_error ?? false,
  };
}

const IMAGE =
  /^(?:sha256:[0-9a-f]{64}|(?:[A-Za-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?)$/;

/** Stands for an image whose problem has been told. */
const WRONG_IMAGE = 'wrong';

/** A process has no image: there, it may be missing. */
function buildImage(image: string | undefined, path: FieldPath, owner: FieldPath, scope: JobScope): string {
  if (image === undefined) {
    if (scope.context.target.runtime === 'docker') {
      scope.refuse([...owner, 'image'], 'expected the name of an image; it is missing', { key: true });
    }
    return '';
  }
  const filled = scope.fillConstant(image, path, 'the name of an image');
  if (!IMAGE.test(filled) && !filled.includes('${')) {
    scope.refuse(
      path,
      `expected the name of an image such as busybox:1.36 or ghcr.io/me/tool, got ${JSON.stringify(filled)}`,
    );
  }
  return filled;
}

function buildArguments(value: Arguments, path: FieldPath, scope: JobScope): readonly string[] | null {
  if (value === undefined) return null;
  if (typeof value !== 'string')
    return value.map((argument, position) => scope.template(argument, [...path, position]));
  const split = splitShellWords(value);
  if ('words' in split) return split.words.map((word) => scope.template(word, path));
  scope.refuse(path, split.refusal);
  return [];
}

/** Linux starts no program with a longer variable (MAX_ARG_STRLEN), nor with much more than this in all. */
const VARIABLE_BYTES_MAX = 128 * 1024;
const ENVIRONMENT_BYTES_MAX = 1024 * 1024;

function buildEnv(fields: EnvFields, path: FieldPath, scope: JobScope): Environment {
  if (fields.env !== undefined && fields.environment !== undefined) {
    scope.refuse([...path, 'environment'], 'env stands here too; write one of them', { key: true });
  }
  const given = fields.env ?? fields.environment ?? {};
  const name = fields.env === undefined ? 'environment' : 'env';
  const env: Record<string, string> = {};
  const set = (variable: string, value: string | null, at: FieldPath) => {
    if (!/^[^=\0\s]+$/.test(variable)) scope.refuse(at, 'expected the name of a variable', { key: true });
    const own = scope.context.env[variable];
    if (value !== null) env[variable] = scope.template(value, at);
    else if (own !== undefined) env[variable] = escapeTemplate(own);
    else scope.notes.push(`${variable} is not set in your environment, so tasks do not have it`);
  };
  if (Array.isArray(given)) {
    for (const [position, line] of (given as readonly string[]).entries()) {
      const cut = line.indexOf('=');
      set(cut < 0 ? line : line.slice(0, cut), cut < 0 ? null : line.slice(cut + 1), [...path, name, position]);
    }
  } else
    for (const [variable, value] of Object.entries(given))
      set(variable, value as string | null, [...path, name, variable]);
  refuseTooLarge(env, [...path, name], scope);
  return env;
}

function refuseTooLarge(env: Environment, path: FieldPath, scope: JobScope): void {
  let total = 0;
  for (const [variable, value] of Object.entries(env)) {
    const bytes = Buffer.byteLength(variable) + Buffer.byteLength(value) + 2;
    total += bytes;
    if (bytes <= VARIABLE_BYTES_MAX) continue;
    const message = `${variable} has ${(bytes / 1024).toFixed(0)} KiB; Linux starts no program with a variable above 128 KiB: pass it as an input file`;
    scope.refuse(path, message);
  }
  if (total > ENVIRONMENT_BYTES_MAX) {
    const message = `an environment of ${(total / 1024).toFixed(0)} KiB; at most 1,024 KiB can be passed to a program: use an input file`;
    scope.refuse(path, message);
  }
}

const ENV_FILE_BYTES_MAX = 4 * 1024 * 1024;

/** Values of files are taken as they are: a `${` in them is no template. */
async function readEnvFiles(fields: JobFields, scope: JobScope): Promise<Environment> {
  const env: Record<string, string> = {};
  for (const one of fields.env_file ?? []) {
    const { path: file, required = true } = typeof one === 'string' ? { path: one } : one;
    const path = localizeConstant(scope, scope.fillConstant(file, ['env_file'], 'a path'));
    let text: string;
    try {
      text = await readSmallFile(scope, path);
    } catch (error) {
      if (required || (error as { code?: unknown }).code !== 'ENOENT')
        scope.refuse(['env_file'], describeFileError(error, path));
      continue;
    }
    const { values, refusals } = parseEnvFile(text, scope.context.env);
    for (const { line, refusal } of refusals.slice(0, 5))
      scope.refuse(['env_file'], `${path} line ${line}: ${refusal}`);
    for (const [name, value] of values) env[name] = escapeTemplate(value);
  }
  refuseTooLarge(env, ['env_file'], scope);
  return env;
}

async function readSmallFile(scope: JobScope, path: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of scope.context.openFile(path)) {
    size += part.length;
    if (size > ENV_FILE_BYTES_MAX) throw new Error('it is larger than 4 MiB');
    parts.push(part);
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

/** A path in the workspace must not leave it. What stands in names is checked again when it is filled in. */
export function checkWorkspacePath(text: string, path: FieldPath, scope: JobScope): string {
  scope.template(text, path);
  let depth = 0;
  for (const part of text.startsWith('/') ? [] : text.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) {
      scope.refuse(path, `expected a path inside the workspace, got ${JSON.stringify(text)}`);
      break;
    }
  }
  if (text === '') scope.refuse(path, 'expected a path in the workspace, got nothing');
  return text;
}

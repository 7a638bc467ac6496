// What an engine's refusal to create or start a container means to the person who wrote the job file. The engine's sentences
// are matched in one place, here; what is not known is passed on in its own words.

import type { EndCause } from '../../domain/attempt.ts';
import { DistributoError } from '../../domain/errors.ts';
import type { AttemptOrder } from '../../ports/attempt-runtime.ts';
import { streamsOf } from './container-spec.ts';

export type Failure = { readonly cause: EndCause; readonly reason: string };

type Pattern = readonly [RegExp, (match: RegExpExecArray, image: string, order: AttemptOrder) => Failure];

const start = (reason: string): Failure => ({ cause: 'start', reason });

const PATTERNS: readonly Pattern[] = [
  [
    /no space left on device/i,
    () => ({ cause: 'disk-full', reason: "Docker's disk is full; make room, for example with: docker system prune" }),
  ],
  [
    /argument list too long/i,
    (_, __, order) =>
      start(
        `the environment and command together are too long for the kernel: ${sizeOfEnvironment(order)} KiB are given, and one variable may have 128 KiB; pass large values as a file by inputs`,
      ),
  ],
  [
    /exec:? "?([^":]+)"?: (?:executable file not found|stat [^:]+: no such file|no such file)/i,
    (match, image, order) => notFound(match[1] ?? '', image, order),
  ],
  [/exec:? "?([^":]+)"?: permission denied/i, (match, image) => notExecutable(match[1] ?? '', image)],
  [/exec format error/i, (_, image, order) => wrongFormat(order, image)],
  [
    /unable to find (user|group) ([^:]+): no matching entries/i,
    (match, image) => start(`there is no ${match[1]} "${match[2]}" in image ${image}; use a number, or user: host`),
  ],
  [
    /(?:bind source path does not exist|bind mount source path does not exist): (.+)$/im,
    (match) => start(`the mount source ${match[1]} does not exist on the engine's machine`),
  ],
  [
    /network (\S+) not found/i,
    (match) => start(`there is no network ${match[1]} on the engine; make it with: docker network create ${match[1]}`),
  ],
  [
    /(?:port is already allocated|address already in use)/i,
    (_, __, order) => start(`a port of ${order.container.ports.join(', ')} is taken on the engine's machine`),
  ],
  [
    /could not select device driver|unknown or invalid runtime name: nvidia|nvidia-container-cli/i,
    () => start('the engine has no driver for GPUs; install the NVIDIA Container Toolkit'),
  ],
  [/no command specified/i, (_, image) => start(`image ${image} has no command of its own; give one with command`)],
];

/** `words`: of the engine, or of the program that was to start the command. */
export function explainStart(words: string, image: string, order: AttemptOrder): Failure {
  for (const [pattern, explain] of PATTERNS) {
    const match = pattern.exec(words);
    if (match) return explain(match, image, order);
  }
  return start(`the container could not be started: ${words.replace(/\s+/g, ' ').slice(0, 600)}`);
}

/**
 * A start that failed inside the container, where the engine's init program or runtime says so on stderr: what it says with
 * exit code 126 or 127, or with whatever code older runtimes give it. Undefined: the program itself ended like that.
 */
export function explainLastWords(words: string | null, image: string, order: AttemptOrder): Failure | undefined {
  if (words === null) return undefined;
  const init = /^\[FATAL\s+tini\s+\(\d+\)\] exec (.+) failed: (.+)$/.exec(words);
  if (init) {
    const [, command = '', why = ''] = init;
    if (/no such file/i.test(why)) return notFound(command, image, order);
    if (/permission denied/i.test(why)) return notExecutable(command, image);
    if (/exec format error/i.test(why)) return wrongFormat(order, image);
    return explainStart(why, image, order);
  }
  const isRuntime = /^(standard_init_linux\.go|exec \S+: |exec container process|runc)/.test(words);
  if (isRuntime && /exec format error/i.test(words)) return wrongFormat(order, image);
  const missing =
    /^exec (\S+): no such file or directory$/.exec(words) ?? /^standard_init_linux.*(no such file)/.exec(words);
  return isRuntime && missing ? notFound(missing[1] ?? '', image, order) : undefined;
}

function notFound(command: string, image: string, order: AttemptOrder): Failure {
  if (
    command === '/bin/sh' &&
    order.executors.some((executor) => executor.image === image && streamsOf(executor).length > 0)
  ) {
    return start(`stdin, stdout and stderr as files need /bin/sh in image ${image}, and it has none`);
  }
  return start(`the command "${command}" is not in image ${image}, or an interpreter that it needs is not`);
}

const notExecutable = (command: string, image: string): Failure =>
  start(`the command "${command}" in image ${image} may not be executed; make it executable with chmod +x`);

export function wrongFormat(order: AttemptOrder, image: string): Failure {
  const emulated =
    order.container.platform === null
      ? ''
      : `; platform ${order.container.platform} needs emulation on the engine (binfmt)`;
  return start(
    `exec format error: the command of image ${image} is for another processor, or a script without a first line such as #!/bin/sh${emulated}`,
  );
}

function sizeOfEnvironment(order: AttemptOrder): number {
  const sizes = order.executors.map(({ env, command, entrypoint }) => {
    const words = [...Object.entries(env).flat(), ...(command ?? []), ...(entrypoint ?? [])];
    return words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
  });
  return Math.ceil(Math.max(...sizes) / 1024);
}

/** How trouble before, between or after the executors ends an attempt. Undefined: a fault of ours. */
export function failureOf(error: unknown, image: string, order: AttemptOrder): Failure | undefined {
  if (!(error instanceof DistributoError)) return undefined;
  const said = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  switch (error.code) {
    case 'IMAGE_UNAVAILABLE':
      return { cause: /disk is full/.test(said) ? 'disk-full' : 'image-pull', reason: said };
    case 'START_FAILED':
    case 'SECRET_UNAVAILABLE':
      return start(said);
    case 'INPUT_UNREADABLE':
      return { cause: 'input', reason: said };
    case 'OUTPUT_MISSING':
    case 'OUTPUT_UNWRITABLE':
      return { cause: 'output', reason: said };
    case 'CONTAINERS_REFUSED':
      return explainStart(error.message, image, order);
    default:
      return undefined;
  }
}

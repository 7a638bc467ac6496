// The one error class of the product and the table of its codes. A code says what kind of trouble it is; shells alone map
// codes to exit status and HTTP status. Expected refusals (a task that does not fit now) are values, not errors.

/** Every code with what it means. `docs/errors.md` has a line for each; a test compares the two. */
export const ERROR_CODES = {
  USAGE_INVALID: 'a command was called with wrong words or options',
  JOB_FILE_INVALID: 'the job file has one or more problems; each is listed with its place',
  CONFIG_INVALID: 'a configuration file or variable has a wrong value',
  NOT_FOUND: 'no run, task or attempt of that name',
  CONFLICT: 'the request does not fit the present state',
  JOB_UNPLACEABLE: 'a task is larger than every machine',
  NOT_SUPPORTED: 'the chosen backend cannot do that yet',
  INPUT_UNREADABLE: 'an input could not be read',
  OUTPUT_MISSING: 'an output was not there after a successful end',
  OUTPUT_UNWRITABLE: 'an output could not be written to its place',
  PATH_ESCAPES: 'a path leaves the workspace',
  IMAGE_UNAVAILABLE: 'an image is not here and could not be pulled',
  START_FAILED: 'a container or process could not be started',
  SECRET_UNAVAILABLE: 'a secret has no value now',
  CONTAINERS_UNREACHABLE: 'no Docker engine answers at its endpoint',
  CONTAINERS_REFUSED: 'the Docker engine answered with a refusal',
  PLATFORM_UNSUPPORTED: 'this operating system or Node version is not supported',
  STORE_LOCKED: 'another controller holds the state directory',
  STORE_DAMAGED: 'the store file is corrupt',
  STORE_NEWER: 'the store was written by a newer version',
  STORE_FULL: 'the disk has no room for the store',
  STORE_FAILED: 'the store could not be read or written',
  STORE_CONFLICT: 'a write does not fit what the store holds',
  STATE_DIRECTORY_UNUSABLE: 'the state directory cannot be used',
  CONTROLLER_UNREACHABLE: 'the controller does not answer',
  CONTROLLER_VERSION: 'the controller speaks another version',
  TRANSITION_INVALID: 'a state change that the table does not allow',
  INTERNAL: 'a fault of Distributo itself',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export type ErrorOptions = {
  /** What to do next: a command that works or the one setting to change. */
  readonly hint?: string;
  readonly retryable?: boolean;
  /** Plain data with the numbers. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
};

/** What went wrong, in words for people, with what to do next. */
export class DistributoError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DistributoError';
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** Stops the program where a fault of ours shows; stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new DistributoError('INTERNAL', message);
}

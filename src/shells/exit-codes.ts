// What each error code means to a script (exit status) and to an HTTP client (status). The one place where codes are mapped.

import type { ErrorCode } from '../domain/errors.ts';

/** The exit status of every command. */
export const EXIT = {
  ok: 0,
  ownError: 1,
  wrongUse: 2,
  someTasksFailed: 100,
  notFinished: 101,
  notFound: 102,
  cancelled: 103,
  infeasible: 104,
  deadlineMissed: 105,
  stoppedByBudget: 106,
  cloudRefused: 107,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

type Mapping = { readonly exitCode: ExitCode; readonly httpStatus: number };

const map = (exitCode: ExitCode, httpStatus: number): Mapping => ({ exitCode, httpStatus });

export const ERROR_MAPPING: Readonly<Record<ErrorCode, Mapping>> = {
  USAGE_INVALID: map(EXIT.wrongUse, 400),
  JOB_FILE_INVALID: map(EXIT.wrongUse, 422),
  CONFIG_INVALID: map(EXIT.wrongUse, 422),
  NOT_FOUND: map(EXIT.notFound, 404),
  CONFLICT: map(EXIT.ownError, 409),
  JOB_UNPLACEABLE: map(EXIT.infeasible, 422),
  NOT_SUPPORTED: map(EXIT.wrongUse, 422),
  INPUT_UNREADABLE: map(EXIT.ownError, 422),
  OUTPUT_MISSING: map(EXIT.ownError, 422),
  OUTPUT_UNWRITABLE: map(EXIT.ownError, 422),
  PATH_ESCAPES: map(EXIT.wrongUse, 422),
  IMAGE_UNAVAILABLE: map(EXIT.ownError, 422),
  START_FAILED: map(EXIT.ownError, 422),
  SECRET_UNAVAILABLE: map(EXIT.ownError, 422),
  CONTAINERS_UNREACHABLE: map(EXIT.ownError, 503),
  CONTAINERS_REFUSED: map(EXIT.ownError, 502),
  PLATFORM_UNSUPPORTED: map(EXIT.ownError, 501),
  STORE_LOCKED: map(EXIT.ownError, 503),
  STORE_DAMAGED: map(EXIT.ownError, 503),
  STORE_NEWER: map(EXIT.ownError, 503),
  STORE_FULL: map(EXIT.ownError, 507),
  STORE_FAILED: map(EXIT.ownError, 503),
  STORE_CONFLICT: map(EXIT.ownError, 409),
  STATE_DIRECTORY_UNUSABLE: map(EXIT.ownError, 503),
  CONTROLLER_UNREACHABLE: map(EXIT.ownError, 503),
  CONTROLLER_VERSION: map(EXIT.ownError, 426),
  TRANSITION_INVALID: map(EXIT.ownError, 409),
  INTERNAL: map(EXIT.ownError, 500),
};

/** The exit status for anything that was thrown. */
export const exitCodeOf = (code: ErrorCode | undefined): ExitCode =>
  code === undefined ? EXIT.ownError : ERROR_MAPPING[code].exitCode;

// Turns whatever was thrown into the one form of an error and its HTTP status. Never repeats what a client sent: a
// parser's own message shows a piece of the body, and that may be a secret.

import { DistributoError } from '../../domain/errors.ts';
import type { ErrorView } from '../api/answers.ts';
import { ERROR_MAPPING } from '../exit-codes.ts';

export type ErrorAnswer = { readonly status: number; readonly view: ErrorView };

export function toErrorAnswer(thrown: unknown): ErrorAnswer {
  const error = thrown instanceof DistributoError ? thrown : translate(thrown);
  const { exitCode, httpStatus } = ERROR_MAPPING[error.code];
  const status = typeof error.details.httpStatus === 'number' ? error.details.httpStatus : httpStatus;
  return {
    status,
    view: {
      schema: 'distributo/error/1',
      code: error.code,
      message: error.message,
      hint: error.hint ?? null,
      retryable: error.retryable,
      details: error.details,
      exitCode,
    },
  };
}

/** Refusals of the HTTP library, by its codes; anything else is a fault of ours. */
function translate(thrown: unknown): DistributoError {
  const { code, statusCode, message } = (thrown ?? {}) as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return refusal('the body is larger than this route takes', 413, 'send fewer or smaller jobs in one run');
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return refusal('the body is neither application/json nor application/x-ndjson', 415);
  }
  if (
    thrown instanceof SyntaxError ||
    code === 'FST_ERR_CTP_INVALID_JSON_BODY' ||
    code === 'FST_ERR_CTP_EMPTY_JSON_BODY'
  ) {
    return refusal('the body is not JSON', 400);
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return refusal(`the request was refused (${code ?? statusCode})`, statusCode);
  }
  return new DistributoError('INTERNAL', `a fault of Distributo itself: ${message ?? String(thrown)}`, {
    hint: 'the controller log has more: distributo controller status names it',
    cause: thrown,
  });
}

const refusal = (message: string, httpStatus: number, hint?: string): DistributoError =>
  new DistributoError('USAGE_INVALID', message, {
    hint: hint ?? 'GET /v1/openapi.json describes every route',
    details: { httpStatus },
  });

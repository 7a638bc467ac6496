import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DistributoError, ERROR_CODES, type ErrorCode } from '../domain/errors.ts';
import { ERROR_MAPPING } from './exit-codes.ts';
import { toErrorAnswer } from './http/error-answer.ts';

test('every code has an exit status and an HTTP status, and travels in the one form of an error', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const { status, view } = toErrorAnswer(new DistributoError(code, 'what happened', { hint: 'what next' }));
    assert.ok(status >= 400 && status < 600, code);
    assert.equal(view.exitCode, ERROR_MAPPING[code].exitCode);
    assert.ok(view.exitCode > 0, code);
    assert.deepEqual(
      [view.schema, view.code, view.message, view.hint],
      ['distributo/error/1', code, 'what happened', 'what next'],
    );
  }
});

// How an error is told: what happened, the facts, and the next command, on stderr; the same as JSON on stdout where that
// was asked for. Maps nothing to exit codes but by the shared table.

import { DistributoError, type ErrorCode } from '../../domain/errors.ts';
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.ts';
import type { Style } from '../terminal/style.ts';
import { escapeControls } from '../terminal/text-width.ts';

export type ErrorReport = {
  readonly code: ErrorCode;
  readonly exitCode: ExitCode;
  readonly message: string;
  /** Lines between what happened and what to do: facts with numbers, or the problems of a file. */
  readonly facts: readonly string[];
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly stack: string | undefined;
};

export function describeError(error: unknown): ErrorReport {
  if (error instanceof DistributoError) {
    const { facts, lines, ...details } = error.details;
    return {
      code: error.code,
      exitCode: exitCodeOf(error.code),
      message: error.message,
      facts: [facts, lines].flatMap((some) => (Array.isArray(some) ? some.map(String) : [])),
      hint: error.hint,
      retryable: error.retryable,
      details,
      stack: stackOf(error),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'INTERNAL',
    exitCode: EXIT.ownError,
    message: `a fault of Distributo itself: ${message}`,
    facts: [],
    hint: 'run the same command with --debug and report what it prints',
    retryable: false,
    details: {},
    stack: stackOf(error),
  };
}

function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const cause = stackOf(error.cause);
  return cause === undefined ? error.stack : `${error.stack}\ncaused by ${cause}`;
}

export function renderError(report: ErrorReport, style: Style, isDebug: boolean): string[] {
  const safe = (text: string): string => text.split('\n').map(escapeControls).join('\n');
  const lines = [`${style.red('error:')} ${safe(report.message)}`];
  if (report.facts.length > 0) lines.push('', ...report.facts.map((fact) => `  ${safe(fact)}`.trimEnd()), '');
  if (report.hint !== undefined) {
    const [first = '', ...more] = safe(report.hint).split('\n');
    lines.push(`next: ${first}`, ...more.map((line) => `      ${line}`));
  }
  if (isDebug && report.stack !== undefined) lines.push('', style.dim(safe(report.stack)));
  return lines;
}

/** `distributo/error/1`. */
export function errorView(report: ErrorReport): object {
  const { problems, ...details } = report.details;
  return {
    schema: 'distributo/error/1',
    code: report.code,
    exitCode: report.exitCode,
    message: report.message,
    hint: report.hint ?? null,
    retryable: report.retryable,
    details,
    ...(problems === undefined ? {} : { problems }),
  };
}

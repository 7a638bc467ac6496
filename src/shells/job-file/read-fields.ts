// Runs the schemas field by field, so that one wrong field hides no other, and turns what zod says into problems in words.

import type { z } from 'zod';
import { describe, type UnknownField, unknownFields } from './field-types.ts';
import type { FieldPath } from './problem.ts';

/** Tells a problem; `key`: the name of the field is wrong, not its value. */
export type Report = (
  path: FieldPath,
  message: string,
  options?: { readonly nearest?: string | undefined; readonly key?: boolean },
) => void;

/** Every field that is there and right. Unknown fields and wrong ones are reported. */
export function readFields<Shape extends z.ZodRawShape>(
  raw: object,
  shape: Shape,
  path: FieldPath,
  report: Report,
): { -readonly [Key in keyof Shape]?: z.output<Shape[Key]> } {
  for (const unknown of unknownFields(raw, shape)) reportUnknown([...path, unknown.key], unknown, report);
  const read: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    if (!Object.hasOwn(raw, name)) continue;
    const value = (raw as Record<string, unknown>)[name];
    const result = (schema as z.ZodType).safeParse(value, { error: fallbackMessage });
    if (result.success) read[name] = result.data;
    else {
      for (const issue of result.error.issues) reportIssue(issue, [...path, name], report);
      const rest = readRest(schema as z.ZodType, value, result.error);
      if (rest !== undefined) read[name] = rest;
    }
  }
  return read as { -readonly [Key in keyof Shape]?: z.output<Shape[Key]> };
}

/** A mapping without its wrong parts, so that the right ones are still checked against the rest of the file. */
function readRest(schema: z.ZodType, value: unknown, error: z.ZodError): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const wrong = new Set(error.issues.map((issue) => String(issue.path[0])));
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !wrong.has(key)));
  const result = schema.safeParse(rest);
  return result.success ? result.data : undefined;
}

function reportUnknown(path: FieldPath, unknown: UnknownField, report: Report): void {
  report(path, unknown.message, { nearest: unknown.nearest, key: true });
}

function reportIssue(issue: z.core.$ZodIssue, base: FieldPath, report: Report): void {
  const path = [...base, ...(issue.path as FieldPath)];
  if (issue.code === 'custom' && issue.params !== undefined && 'key' in issue.params) {
    reportUnknown(path, issue.params as UnknownField, report);
    return;
  }
  if (issue.code === 'invalid_union') {
    // The form that was meant is the one that fails inside, not at its outermost type.
    const meant = issue.errors.find((errors) => errors.length > 0 && errors.every((one) => isInside(one)));
    if (meant !== undefined) {
      for (const one of meant) reportIssue(one, path, report);
      return;
    }
  }
  if (issue.code === 'invalid_key') {
    report(path, issue.issues[0]?.message ?? issue.message, { key: true });
    return;
  }
  const nearest = /; nearest: (\S+)$/.exec(issue.message)?.[1];
  report(path, issue.message, { nearest });
}

const isInside = (issue: z.core.$ZodIssue): boolean =>
  issue.path.length > 0 || !['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code);

/** Where a schema has no words of its own. */
const fallbackMessage = (issue: z.core.$ZodRawIssue): string => {
  const what = issue.code === 'invalid_type' ? (TYPE_WORDS[issue.expected] ?? issue.expected) : 'another value';
  return issue.input === undefined
    ? `expected ${what}; it is missing`
    : `expected ${what}, got ${describe(issue.input)}`;
};

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

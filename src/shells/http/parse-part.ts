// Checks one part of a request (query, body, line) against its form. All problems at once, none with the value sent.

import type { z } from 'zod';
import { DistributoError } from '../../domain/errors.ts';

export function parsePart<S extends z.ZodType>(schema: S, value: unknown, part: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    field: issue.path.map(String).join('.') || part,
    message: issue.message,
  }));
  const [first] = problems;
  throw new DistributoError(
    'USAGE_INVALID',
    `the ${part} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}; ${first?.field}: ${first?.message}`,
    { hint: 'GET /v1/openapi.json describes every route', details: { problems: problems.slice(0, 50) } },
  );
}

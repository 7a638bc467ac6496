// Every form of the API by the name that `routes.ts` uses.

import { z } from 'zod';
import { TASK_STATES } from '../../domain/states.ts';
import * as answers from './answer-schemas.ts';
import * as spec from './spec-schemas.ts';

const number = z.coerce.number().int();
/** In a query only `true` and `false` are words for a switch. */
const flag = z.enum(['true', 'false']).transform((word) => word === 'true');
const PAGE_MAX = 10_000;
const limit = number.min(1).max(PAGE_MAX);

const queries = {
  runsQuery: z.strictObject({
    all: flag.default(false),
    limit: limit.default(100),
    beforeId: number.exactOptional(),
  }),
  tasksQuery: z.strictObject({
    job: z.string().exactOptional(),
    /** Comma-separated. */
    states: z
      .string()
      .transform((words) => words.split(','))
      .pipe(z.array(z.enum(TASK_STATES)))
      .exactOptional(),
    repeated: flag.exactOptional(),
    after: z.string().exactOptional(),
    limit: limit.default(1000),
  }),
  subjectQuery: z.strictObject({ subject: z.string().min(1) }),
  logsQuery: z.strictObject({
    subject: z.string().min(1),
    follow: flag.default(false),
    sinceMs: number.exactOptional(),
    tail: number.min(0).exactOptional(),
  }),
  eventsQuery: z.strictObject({
    run: z.string().exactOptional(),
    afterSequence: number.exactOptional(),
    last: number.min(0).exactOptional(),
    limit: limit.default(1000),
  }),
  followQuery: z.strictObject({
    run: z.string().exactOptional(),
    afterSequence: number.exactOptional(),
    last: number.min(0).exactOptional(),
  }),
};

export const SCHEMAS = { ...queries, ...spec, ...answers };

export type SchemaName = keyof typeof SCHEMAS;

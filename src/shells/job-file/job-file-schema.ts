// The published JSON Schema of the job file: the parser's own schemas, with the rules between fields that they do not hold.

import { z } from 'zod';
import { JOB_AND_SHARED_FIELDS, JOB_FIELDS, RUN_FIELDS, SHARED_FIELDS } from './schema.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

const FREE_FIELDS = { '^x-': {} };

/** Draft 2020-12, of what is written in the file (units as texts, not as our numbers). */
export function jobFileSchema(): JsonSchema {
  const runFields = propertiesOf(RUN_FIELDS);
  const jobFields = propertiesOf(JOB_AND_SHARED_FIELDS);
  const sharedFields = propertiesOf(SHARED_FIELDS);
  const job = {
    type: 'object',
    description: 'One kind of work: an image, a command, how many tasks.',
    properties: jobFields,
    additionalProperties: false,
    patternProperties: FREE_FIELDS,
  };
  const jobs = {
    type: 'object',
    description: 'Several jobs by name; depends_on orders them.',
    minProperties: 1,
    propertyNames: { pattern: '^(?:x-.*|(?!\\d+$)[a-z0-9][a-z0-9-]{0,62})$' },
    patternProperties: { '^(?!x-)': { $ref: '#/$defs/job' } },
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Distributo job file',
    description: 'A run: one job at the top, or several under `jobs`.',
    type: 'object',
    properties: { ...runFields, ...sharedFields, ...jobFields, jobs },
    required: ['name'],
    additionalProperties: false,
    patternProperties: FREE_FIELDS,
    // Beside `jobs`, fields of a job belong into each job.
    dependentSchemas: {
      jobs: { properties: Object.fromEntries(Object.keys(JOB_FIELDS).map((field) => [field, false])) },
    },
    $defs: { job },
  };
}

function propertiesOf(shape: z.ZodRawShape): JsonSchema {
  const properties = Object.entries(shape).map(([name, schema]) => {
    const { $schema: _, ...own } = z.toJSONSchema(schema as z.ZodType, { io: 'input', override: finish });
    return [name, own];
  });
  return Object.fromEntries(properties) as JsonSchema;
}

type Node = z.core.JSONSchema.BaseSchema;

function finish({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Node }): void {
  // zod leaves examples out where a schema changes its value, though ours are of what is written.
  const examples = z.globalRegistry.get(zodSchema)?.examples;
  if (Array.isArray(examples)) jsonSchema.examples = examples;
  shortenText(jsonSchema);
  const { properties } = jsonSchema;
  if (properties === undefined || !('matrix' in properties && 'range' in properties)) return;
  jsonSchema.oneOf = Object.keys(properties).map((kind) => ({ required: [kind] }));
}

/** `text, number or true/false` is one line, not three. */
function shortenText(jsonSchema: Node): void {
  const types = (jsonSchema.anyOf ?? []).map((one) => (one as Node).type);
  if (types.join() !== 'string,number,boolean') return;
  delete jsonSchema.anyOf;
  jsonSchema.type = types as never;
}

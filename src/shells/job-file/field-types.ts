// What the fields of a job file are made of: texts, lists, mappings and amounts that say in words what they expected. Each is
// a zod schema, so that parser and published JSON Schema are one thing.

import { z } from 'zod';
import { nearestName } from '../../domain/nearest-name.ts';
import {
  parseCpu,
  parseDurationMs,
  parseMoneyMicros,
  parseSizeMib,
  type Reading,
  UNIT_PATTERNS,
} from '../../domain/units.ts';

/** A value as it is shown in a message. */
export function describe(input: unknown): string {
  if (input === null) return 'nothing';
  if (Array.isArray(input)) return input.length === 0 ? 'an empty list' : 'a list';
  if (typeof input === 'object') return 'a mapping';
  return JSON.stringify(typeof input === 'string' && input.length > 60 ? `${input.slice(0, 57)}...` : input);
}

/** The sentence for a value that is not what was expected, or is missing. */
export const expected = (what: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? `expected ${what}; it is missing` : `expected ${what}, got ${describe(issue.input)}`;

const NO_NUL = /^[^\0]*$/;

/** Any plain value, taken as text: numbers and booleans as they are written. */
export const text = (what = 'text') =>
  z
    .union([z.string().regex(NO_NUL, `expected ${what} without NUL characters`), z.number(), z.boolean()], {
      error: expected(what),
    })
    .transform(String);

/** Text with a form of its own. `pattern` is ECMA-262. */
export const formedText = (what: string, pattern: RegExp) =>
  z.string({ error: expected(what) }).regex(pattern, { error: expected(what) });

export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, {
    error: (issue) => {
      const nearest = typeof issue.input === 'string' ? nearestName(issue.input, words) : undefined;
      const message = expected(words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`)(
        issue,
      );
      return nearest === undefined ? message : `${message}; nearest: ${nearest}`;
    },
  });

export const wholeNumber = (what: string, least: number, most = Number.MAX_SAFE_INTEGER) =>
  z
    .int({ error: expected(what) })
    .min(least, { error: expected(what) })
    .max(most, { error: expected(what) });

const TRUE_WORDS = ['true', 'True', 'TRUE'];

export const yesOrNo = () =>
  z
    .union([z.boolean(), z.enum(['True', 'TRUE', 'False', 'FALSE'])], { error: expected('true or false') })
    .transform((value) => value === true || TRUE_WORDS.includes(String(value)));

export const listOf = <Element extends z.ZodType>(element: Element, what: string, least = 0) =>
  z.array(element, { error: expected(what) }).min(least, { error: expected(what) });

export const mapOf = <Value extends z.ZodType>(value: Value, what: string) =>
  z.record(z.string(), value, { error: expected(what) });

/** One value or a list of them, always given as a list. */
export const oneOrMore = <Element extends z.ZodType>(element: Element, what: string) =>
  z
    .union([element, z.array(element)], { error: expected(what) })
    .transform((value) => (Array.isArray(value) ? (value as z.output<Element>[]) : [value as z.output<Element>]));

function amount(
  read: (input: string) => Reading<number>,
  pattern: string,
  examples: readonly string[],
  zeroRefused = '',
) {
  return z
    .string({
      error: ({ input }) => {
        const reading = read(typeof input === 'number' ? String(input) : '');
        const refusal = 'refusal' in reading ? reading.refusal : '';
        const what = /^expected (.*?), got /.exec(refusal)?.[1] ?? 'an amount';
        return typeof input === 'number' ? refusal.replace(`"${input}"`, String(input)) : expected(what)({ input });
      },
    })
    .transform((input, context) => {
      const reading = read(input);
      if ('value' in reading && (reading.value > 0 || zeroRefused === '')) return reading.value;
      context.addIssue({ code: 'custom', message: 'refusal' in reading ? reading.refusal : zeroRefused });
      return z.NEVER;
    })
    .meta({ pattern, examples: [...examples] });
}

export const size = () => amount(parseSizeMib, UNIT_PATTERNS.size, ['512MiB', '2GB', '1.5GiB']);

export const duration = (zero: 'allowed' | 'refused' = 'refused') =>
  amount(
    parseDurationMs,
    UNIT_PATTERNS.duration,
    ['90s', '18m', '2h30m'],
    zero === 'refused' ? 'expected a duration above 0 such as 90s, 18m or 2h30m' : '',
  );

export const money = () => amount(parseMoneyMicros, UNIT_PATTERNS.money, ['5 USD', '$5']);

/** Read later, when it is known what time it is. */
export const instant = () =>
  z
    .string({ error: expected('an instant with its zone such as 2026-12-01T08:00Z, or a span from now such as "2h"') })
    .meta({ pattern: `${UNIT_PATTERNS.instant}|${UNIT_PATTERNS.duration}`, examples: ['2026-12-01T08:00Z', '2h'] });

export const cpu = () =>
  z
    .union([z.number(), z.string()], { error: expected('a number of vCPU above 0 such as 0.5, 500m or "2 vCPU"') })
    .transform((input, context) => {
      const reading = parseCpu(input);
      if ('value' in reading) return reading.value;
      context.addIssue({ code: 'custom', message: reading.refusal });
      return z.NEVER;
    })
    .meta({ pattern: UNIT_PATTERNS.cpu, examples: [0.5, '500m', '2 vCPU'] });

/**
 * A mapping of known fields; `x-` fields are free. Unknown ones are told beside all other problems, with the nearest name:
 * zod's own strict objects do not know it.
 */
export function fields<Shape extends z.ZodRawShape>(
  shape: Shape,
  what = `a mapping of ${Object.keys(shape).join(', ')}`,
) {
  const check = (payload: z.core.ParsePayload) => {
    if (typeof payload.value !== 'object' || payload.value === null || Array.isArray(payload.value)) return;
    for (const unknown of unknownFields(payload.value, shape)) {
      payload.issues.push({
        code: 'custom',
        input: undefined,
        path: [unknown.key],
        message: unknown.message,
        params: unknown,
      });
    }
  };
  const whatever = { _zod: { check, def: { check: 'custom', when: () => true }, onattach: [] } };
  return z
    .looseObject(shape, { error: expected(what) })
    .check(whatever as unknown as z.core.$ZodCheck<z.output<z.ZodObject<Shape, z.core.$loose>>>)
    .meta({ additionalProperties: false, patternProperties: { '^x-': {} } });
}

export type UnknownField = { readonly key: string; readonly message: string; readonly nearest: string | undefined };

/** Names people bring from other tools, and what they are called here. */
const HABITS: Readonly<Record<string, string>> = {
  args: 'command',
  cmd: 'command',
  run: 'command',
  script: 'command',
  envs: 'env',
  environments: 'env',
  volumes: 'mounts',
  cpu: 'resources.cpu',
  cpus: 'resources.cpu',
  vcpus: 'resources.cpu',
  memory: 'resources.memory',
  mem: 'resources.memory',
  mem_limit: 'resources.memory',
  disk: 'resources.disk',
  gpu: 'resources.gpu',
  gpus: 'resources.gpu',
  ports: 'resources.ports',
  shm_size: 'resources.shm_size',
  count: 'array.count',
  replicas: 'array.count',
  matrix: 'array.matrix',
  retries: 'retry.attempts',
  restart: 'retry',
  pull_policy: 'pull',
  network_mode: 'network',
  ulimits: 'container.ulimits',
  pids_limit: 'container.pids_limit',
  extra_hosts: 'container.extra_hosts',
  use_spot: 'spot_policy',
  services: 'jobs',
  tasks: 'array',
};

/** Of one mapping: more are not told, since looking for the nearest name takes its time. */
const UNKNOWN_FIELDS_MAX = 200;

export function unknownFields(value: object, shape: object): readonly UnknownField[] {
  return Object.keys(value)
    .filter((key) => !Object.hasOwn(shape, key) && !key.startsWith('x-'))
    .slice(0, UNKNOWN_FIELDS_MAX)
    .map((key) => {
      const known = Object.keys(shape);
      const habit = Object.hasOwn(HABITS, key) ? HABITS[key] : undefined;
      const nearest =
        habit !== undefined && known.includes(habit.split('.')[0] as string) ? habit : nearestName(key, known);
      const hint = nearest === undefined ? `known here: ${known.join(', ')}` : `nearest: ${nearest}`;
      return { key, nearest, message: `unknown field; ${hint}` };
    });
}

/** Not there, and not written wrongly either: then the wrong name is problem enough. */
export const isMissing = (field: string, value: object, shape: object): boolean =>
  !Object.hasOwn(value, field) && !unknownFields(value, shape).some(({ nearest }) => nearest === field);

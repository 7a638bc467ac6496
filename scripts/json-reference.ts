// docs/json.md: the forms of `-o json`, from the schemas that the API answers with. The few that the command line makes by
// itself stand here.

import { z } from 'zod';
import * as answers from '../src/shells/api/answer-schemas.ts';

type Json = {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Json[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Json;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly additionalProperties?: Json | boolean;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Json>>;
};

const nameOf = (ref: string): string => ref.replace('#/$defs/', '');

function wordsOf(form: Json): string {
  if (form.$ref !== undefined) return `[${nameOf(form.$ref)}](#${nameOf(form.$ref).toLowerCase()})`;
  if (form.anyOf !== undefined) return form.anyOf.map(wordsOf).join(' or ');
  if (form.const !== undefined) return `\`${String(form.const)}\``;
  if (form.enum !== undefined) return form.enum.map((one) => `\`${String(one)}\``).join(' ');
  if (form.items !== undefined) return `list of ${wordsOf(form.items)}`;
  if (form.properties !== undefined) {
    const fields = Object.entries(form.properties).map(([name, inner]) => `${name}: ${wordsOf(inner)}`);
    return `{ ${fields.join(', ')} }`;
  }
  if (form.type === 'object') return 'object';
  return [form.type ?? 'any'].flat().join(' or ');
}

function tableOf(form: Json): string {
  const rows = Object.entries(form.properties ?? {})
    .filter(([name]) => name !== 'schema')
    .map(([name, inner]) => `| \`${name}\` | ${wordsOf(inner)} |`);
  return ['| field | |', '| --- | --- |', ...rows].join('\n');
}

/** View → the commands that print it. */
const PRINTED_BY: Readonly<Record<string, string>> = {
  submitted: '`run --detach`',
  run: '`status RUN`',
  runs: '`ps`',
  tasks: '`status RUN --tasks`',
  explain: '`explain`',
  events: '`events`; with `-f` or `-o ndjson` one event a line',
  disk: '`du`',
  pruned: '`prune`',
  order: '`retry`, `pause`, `resume`; with `-o ndjson` also `cancel` and `rm`',
  stopping: '`controller stop`',
  controller: '`controller status`; where none lives `pid` is null and only `stateDirectory` is there',
  error: 'every command that fails, on stdout, with the exit code that it names; a wrong job file adds `problems`',
};

/** What the command line makes by itself. */
export const OWN_FORMS: readonly (readonly [name: string, printedBy: string, fields: string])[] = [
  [
    'run-result',
    '`run`, at the end',
    '`run`, `outcome` (state of the run), `exitCode`, `tasks` (TaskCounts), `startedAtMs`, `finishedAtMs`, `deadlineAtMs`',
  ],
  [
    'wait',
    '`wait`',
    '`exitCode`, `runs`: list of { run, state, exitCode, tasks (TaskCounts), deadlineMissed, endedAtMs or null }',
  ],
  ['orders', '`cancel`, `rm`', '`orders`: list of `order`, one a subject'],
  [
    'logs',
    '`logs`',
    '`lines`: list of { task, attempt or null, atMs, stream: `stdout` `stderr` `distributo`, text }; with `-o ndjson` one line each',
  ],
  ['trial', '`run --first N`, when the trial is over', '`run`, `tasks` (as in `tasks`)'],
  [
    'check',
    '`check`',
    '`failed` (how many), `findings`: list of { what, state: `ok` `warning` `failed` `skipped`, text, fix or null }',
  ],
  ['results', '`results RUN`', '`run`, `outputs`: list of { url, present, sizeBytes or null, … }'],
  ['config', '`config`', '`settings`: list of { name, value, origin }, `files`: list of { path, isRead }'],
  ['version', '`version`', '`version`, `node`, `platform`'],
];

export function renderJsonReference(): string {
  const definitions = new Map<string, Json>();
  const sections: string[] = [];
  for (const [view, printedBy] of Object.entries(PRINTED_BY)) {
    const schema = (answers as unknown as Record<string, z.ZodType>)[view] as z.ZodType;
    const { $defs = {}, ...form } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as Json;
    // A view has a name of its own among the definitions.
    const own = form.$ref === undefined ? undefined : nameOf(form.$ref);
    for (const [name, definition] of Object.entries($defs)) if (name !== own) definitions.set(name, definition);
    sections.push(`## distributo/${view}/1\n\n${printedBy}\n\n${tableOf($defs[own ?? ''] ?? form)}`);
  }
  for (const [name, printedBy, fields] of OWN_FORMS)
    sections.push(`## distributo/${name}/1\n\n${printedBy}\n\n${fields}.`);
  const shared = [...definitions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, form]) => `### ${name}\n\n${form.properties === undefined ? wordsOf(form) : tableOf(form)}`);
  return `# JSON for programs

Written by \`npm run docs\` from the schemas that answers are checked against. \`-o json\` prints one object that names its form,
\`-o ndjson\` one line an item; nothing else is on stdout, also where a command fails. Units stand last in a name: \`…AtMs\` are
milliseconds since 1970 UTC, \`memoryMib\` MiB, \`cpuUnits\` 1,024ths of a vCPU. A field is added freely; a change of meaning raises the
number of the form.

${sections.join('\n\n')}

## Shared forms

${shared.join('\n\n')}
`;
}

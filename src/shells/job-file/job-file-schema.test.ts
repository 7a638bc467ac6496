import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { aJobFileContext } from '../../../test/support/a-job-file-context.ts';
import { jobFileExamples } from '../../../test/support/job-file-examples.ts';
import { DEFAULTS, IDLE_FIELDS, UNSUPPORTED_FIELDS } from './defaults.ts';
import { jobFileSchema } from './job-file-schema.ts';
import { parseJobFile } from './parse-job-file.ts';
import { JOB_AND_SHARED_FIELDS, RUN_FIELDS } from './schema.ts';
import { JOB_FILE_TEMPLATE } from './template.ts';

const validate = new Ajv2020({ strict: false, allErrors: true }).compile(jobFileSchema());

test('the schema accepts every example, and so does the parser', async () => {
  const examples = jobFileExamples();
  assert.ok(examples.length >= 7);
  for (const { name, text } of examples) {
    assert.ok(validate(parse(text, { merge: true })), `${name}: ${JSON.stringify(validate.errors)}`);
    const parsed = await parseJobFile(text, aJobFileContext());
    assert.ok('draft' in parsed, `${name}: ${JSON.stringify('problems' in parsed ? parsed.problems : [])}`);
  }
});

test('the schema refuses what the parser refuses', () => {
  const wrong = [
    'image: a',
    'name: A\nimage: a',
    'name: a\nimage: a\nunknown: 1',
    'name: a\nimage: a\nresources: {memory: 5}',
    'name: a\nimage: a\nresources: {memory: 5GiBi}',
    'name: a\nimage: a\ntimeout: 18 mins',
    'name: a\nimage: a\nbudget: 5 EUR',
    'name: a\nimage: a\narray: {count: 0}',
    'name: a\nimage: a\narray: {count: 1, items: [a]}',
    'name: a\nimage: a\ndeadline: 2026-12-01T08:00',
    'name: a\nimage: a\njobs: {b: {image: c}}',
    'name: a\njobs: {1: {image: c}}',
    'name: a\njobs: {b: {imagee: c}}',
  ];
  for (const text of wrong) assert.ok(!validate(parse(text)), `accepted: ${text}`);
  assert.ok(validate(parse('name: a\nimage: a\nx-own: {b: 1}\ndeadline: 2h')));
});

test('every field has a description', () => {
  for (const [name, schema] of Object.entries({ ...RUN_FIELDS, ...JOB_AND_SHARED_FIELDS })) {
    assert.ok((schema.description ?? '').length > 10, name);
  }
});

test('the file that init writes runs as it is, with and without Docker', async () => {
  for (const runtime of ['docker', 'process'] as const) {
    const target = { backend: 'local', runtime, endpoint: '' } as const;
    const parsed = await parseJobFile(JOB_FILE_TEMPLATE, aJobFileContext({ target }));
    assert.ok('draft' in parsed, JSON.stringify(parsed));
    const [job] = parsed.draft.spec.jobs;
    assert.equal(job?.taskCount, 3);
    assert.deepEqual(job?.executors[0]?.command?.slice(0, 2), ['sh', '-c']);
    assert.deepEqual(parsed.draft.notes, []);
  }
  for (const line of JOB_FILE_TEMPLATE.split('\n')) assert.ok(line.length <= 150, line);
});

// Compiled to dist/src/shells/job-file.
const docs = readFileSync(new URL('../../../../docs/job-file.md', import.meta.url), 'utf8');

test('the documentation has a line for every field, and says what the schema says', () => {
  for (const [name, schema] of Object.entries({ ...RUN_FIELDS, ...JOB_AND_SHARED_FIELDS })) {
    const line = docs.split('\n').find((one) => one.startsWith(`| \`${name}\` |`));
    assert.ok(line !== undefined, `docs/job-file.md has no line for ${name}`);
    const described = (schema.description ?? '').replaceAll('|', '\\|');
    assert.ok(line.includes(described), `${name} in docs/job-file.md says something else than: ${described}`);
  }
});

test('the documentation says which fields are refused and which have no effect', () => {
  for (const [name, why] of Object.entries(UNSUPPORTED_FIELDS)) {
    assert.ok(docs.includes(`- \`${name}\`: ${why}`), name);
  }
  for (const name of IDLE_FIELDS) assert.ok(new RegExp(`No effect[\\s\\S]*\`${name}\``).test(docs), name);
});

test('the documented defaults are those of the parser', () => {
  const said: Readonly<Record<keyof typeof DEFAULTS, string>> = {
    cpuUnits: '`resources.cpu` | 1 vCPU',
    memoryMib: '`resources.memory` | 1 GiB',
    diskMib: '`resources.disk` | none',
    gpus: '`resources.gpu` | 0',
    priority: '`priority` | 50',
    pull: '`pull` | missing',
    network: '`network` | bridge',
    init: '`init` | true',
    retryAttempts: '`retry.attempts` | 1',
    retryOn: '`retry.on` | error, oom, image-pull, start, timeout',
    backoffMs: '`retry.backoff` | 10s',
    oomMemoryFactor: '`retry.oom_memory_factor` | 1',
    stopGracePeriodMs: '`stop_grace_period` | 10s',
  };
  for (const line of Object.values(said)) assert.ok(docs.includes(`| ${line} |`), line);
  assert.deepEqual(DEFAULTS, {
    cpuUnits: 1024,
    memoryMib: 1024,
    diskMib: 0,
    gpus: 0,
    priority: 50,
    pull: 'missing',
    network: 'bridge',
    init: true,
    retryAttempts: 1,
    retryOn: ['error', 'oom', 'image-pull', 'start', 'timeout'],
    backoffMs: 10_000,
    oomMemoryFactor: 1,
    stopGracePeriodMs: 10_000,
  });
});

test('every example of the documentation is accepted, but for what is refused on purpose', async () => {
  const rows = [...docs.matchAll(/^\| `([a-z_]+)` \| .* \| `(.+)` \|$/gm)];
  assert.ok(rows.length > 40);
  for (const [, field = '', example = ''] of rows) {
    const base = {
      executors: 'name: a\n',
      name: 'image: a\n',
      image: 'name: a\n',
      command: 'name: a\nimage: a\narray: {range: {to: 5}}\n',
      outputs: 'name: a\nimage: a\nparameters: {output: out}\n',
      depends_on: 'name: a\njobs:\n  prepare: {image: a}\n  clean: {image: a}\n  last:\n    image: a\n    ',
    }[field];
    const text = `${base ?? 'name: a\nimage: a\n'}${example.replaceAll('\\|', '|')}\n`;
    const files = { '/home/ada/project/.env': 'A=1\n' };
    const parsed = await parseJobFile(
      text,
      aJobFileContext({ files, set: field === 'parameters' ? { key: 'x' } : {} }),
    );
    const messages = 'problems' in parsed ? parsed.problems.map((one) => one.message) : [];
    if (Object.hasOwn(UNSUPPORTED_FIELDS, field))
      assert.match(messages.join(), /^not supported yet by backend local: /, text);
    else assert.deepEqual(messages, [], text);
  }
});

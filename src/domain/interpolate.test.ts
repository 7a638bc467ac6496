import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrayNames, itemOf, taskCountOf } from './array.ts';
import { absoluteUrl, compileTemplate, expandTask, fillTemplate, joinPath, refuseUnknownNames } from './interpolate.ts';
import type { ArraySpec, Job } from './job.ts';

const templateOf = (text: string) => {
  const result = compileTemplate(text);
  if ('refusal' in result) throw new Error(result.refusal);
  return result.template;
};
const fill = (text: string, values: Record<string, string>) =>
  fillTemplate(templateOf(text), new Map(Object.entries(values)));

test('names are filled in, and `$${` is a literal', () => {
  assert.equal(fill('${start}:${end}', { start: '0', end: '100' }), '0:100');
  assert.equal(fill('a $${HOME} $HOME $$ ${ x } $', { x: 'b' }), 'a ${HOME} $HOME $$ b $');
  assert.equal(fill('${item.first name}', { 'item.first name': 'Ada' }), 'Ada');
});

test('values are not filled a second time', () => {
  assert.equal(fill('${a}', { a: '${b}', b: 'no' }), '${b}');
});

test('an open brace is refused', () => {
  assert.deepEqual(compileTemplate('a ${b'), {
    refusal: '"${" without its "}"; a literal "${" is written "$${"',
  });
});

test('an unknown name is refused with the nearest one', () => {
  const [unknown] = refuseUnknownNames(templateOf('${indx} ${index}'), ['index', 'output']);
  assert.equal(unknown?.nearest, 'index');
  assert.equal(unknown?.refusal, 'unknown name ${indx}; nearest: ${index}; for the text itself write $${indx}');
  const [far] = refuseUnknownNames(templateOf('${HOME}'), ['index', 'output']);
  assert.equal(
    far?.refusal,
    'unknown name ${HOME}; known here: ${index} ${output}; for the text itself write $${HOME}',
  );
});

test('a range is cut at its end', () => {
  const array: ArraySpec = { kind: 'range', from: 0, to: 1000, step: 300 };
  assert.equal(taskCountOf(array), 4);
  assert.deepEqual(Object.fromEntries(itemOf(array, 3, null)), { index: '3', start: '900', end: '1000' });
});

test('the last axis of a matrix turns fastest', () => {
  const array: ArraySpec = {
    kind: 'matrix',
    axes: [
      { name: 'size', values: ['s', 'l'] },
      { name: 'rate', values: ['1', '2', '3'] },
    ],
  };
  assert.equal(taskCountOf(array), 6);
  const seen = Array.from({ length: 6 }, (_, index) => {
    const values = itemOf(array, index, null);
    return `${values.get('item.size')}${values.get('item.rate')}`;
  });
  assert.deepEqual(seen, ['s1', 's2', 's3', 'l1', 'l2', 'l3']);
  assert.deepEqual(arrayNames(array), ['index', 'item.size', 'item.rate']);
});

const job: Job = {
  name: 'dock',
  array: { kind: 'items', itemSetId: 'set', count: 2, fields: ['id', 'url'] },
  taskCount: 2,
  executors: [
    {
      image: 'busybox',
      entrypoint: null,
      command: ['echo', '${item.id}', '${greeting}'],
      env: { ID: 'n${index}' },
      workdir: null,
      stdin: null,
      stdout: 'out-${index}.txt',
      stderr: null,
      ignoreError: false,
    },
  ],
  resources: { cpuUnits: 1024, memoryMib: 64, diskMib: 0, gpus: 0 },
  container: {
    user: null,
    shmSizeMib: null,
    pidsLimit: null,
    ulimits: [],
    platform: null,
    pull: 'missing',
    network: 'bridge',
    extraHosts: [],
    init: true,
    mounts: [{ type: 'bind', source: '/data/${item.id}', target: '/in', readOnly: true }],
    ports: [],
  },
  secrets: {},
  inputs: [{ url: '${item.url}', path: 'in.png' }],
  outputs: [{ url: 'file:///results/${item.id}.txt', path: 'out-${index}.txt' }],
  parameters: { greeting: 'hello' },
  dependsOn: [],
  retry: { attempts: 1, on: [], backoffMs: 0, maxInterruptions: null, oomMemoryFactor: 1 },
  timeoutMs: null,
  startTimeoutMs: null,
  stopGracePeriodMs: 10_000,
  estimateDurationMs: null,
  priority: 50,
};

test('a task is its job with every template filled in', () => {
  const task = expandTask(job, 1, ['a#1', 'https://example.org/a b.png'], '/home/ada');
  assert.deepEqual(task.executors[0]?.command, ['echo', 'a#1', 'hello']);
  assert.deepEqual(task.executors[0]?.env, { ID: 'n1' });
  assert.equal(task.executors[0]?.stdout, 'out-1.txt');
  assert.equal(task.container.mounts[0]?.source, '/data/a#1');
  assert.deepEqual(task.inputs, [{ url: 'https://example.org/a b.png', path: 'in.png' }]);
  assert.deepEqual(task.outputs, [{ url: 'file:///results/a%231.txt', path: 'out-1.txt' }]);
});

test('a local path that comes from an item is taken from the directory of the caller', () => {
  const task = expandTask(job, 0, ['x', 'pictures/cat 1.png'], '/home/ada');
  assert.equal(task.inputs[0]?.url, 'file:///home/ada/pictures/cat%201.png');
});

test('paths are joined as a shell would', () => {
  assert.equal(joinPath('/a/b', '../c/./d'), '/a/c/d');
  assert.equal(joinPath('/a/b', '/etc/'), '/etc/');
  assert.equal(absoluteUrl('out', '/a b'), 'file:///a%20b/out');
  assert.equal(absoluteUrl('s3://bucket/key', '/a'), 's3://bucket/key');
});

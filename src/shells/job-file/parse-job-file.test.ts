import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aJobFileContext, NOW_MS } from '../../../test/support/a-job-file-context.ts';
import { DistributoError } from '../../domain/errors.ts';
import type { JobFileContext } from './job-scope.ts';
import { jobFileError, parseJobFile, type RunDraft } from './parse-job-file.ts';

type Changes = Parameters<typeof aJobFileContext>[0];

async function draftOf(text: string, changes?: Changes): Promise<RunDraft> {
  const parsed = await parseJobFile(text, aJobFileContext(changes));
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems, null, 1));
  return parsed.draft;
}

const jobOf = async (text: string, changes?: Changes) => {
  const [job] = (await draftOf(text, changes)).spec.jobs;
  assert.ok(job !== undefined);
  return job;
};

/** `line:column field: message`, in order. */
async function problemsOf(text: string, context: JobFileContext = aJobFileContext()): Promise<readonly string[]> {
  const parsed = await parseJobFile(text, context);
  assert.ok('problems' in parsed, 'expected problems, got none');
  return parsed.problems.map((one) => `${one.line}:${one.column} ${one.field}: ${one.message}`);
}

const MINIMAL = 'name: hello\nimage: busybox\n';

test('the file of the design page becomes a run with every default filled in', async () => {
  const draft = await draftOf(`
name: imagenet-inference
image: distributo/image-inference
entrypoint: [python3, worker.py]
command: ["\${start}:\${end}", "inferred-\${start}-\${end}.txt"]
outputs: [{ path: "inferred-\${start}-\${end}.txt", url: "\${output}/inferred-\${start}-\${end}.txt" }]
resources: { cpu: 1, memory: 1000MiB }
array: { range: { from: 0, to: 1000, step: 100 } }
parameters: { output: s3://my-bucket/imagenet }
estimate: { duration: 4m }
retry: { attempts: 2, on: [error, oom, image-pull], backoff: 10s }
`);
  assert.deepEqual(draft.notes, []);
  assert.deepEqual(draft.spec, {
    name: 'imagenet-inference',
    target: { backend: 'local', runtime: 'docker', endpoint: 'unix:///var/run/docker.sock' },
    jobs: [
      {
        name: 'imagenet-inference',
        array: { kind: 'range', from: 0, to: 1000, step: 100 },
        taskCount: 10,
        executors: [
          {
            image: 'distributo/image-inference',
            entrypoint: ['python3', 'worker.py'],
            command: ['${start}:${end}', 'inferred-${start}-${end}.txt'],
            env: {},
            workdir: null,
            stdin: null,
            stdout: null,
            stderr: null,
            ignoreError: false,
          },
        ],
        resources: { cpuUnits: 1024, memoryMib: 1000, diskMib: 0, gpus: 0 },
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
          mounts: [],
          ports: [],
        },
        secrets: {},
        inputs: [],
        outputs: [
          {
            url: 's3://my-bucket/imagenet/inferred-${start}-${end}.txt',
            path: 'inferred-${start}-${end}.txt',
          },
        ],
        parameters: { output: 's3://my-bucket/imagenet' },
        dependsOn: [],
        retry: {
          attempts: 2,
          on: ['error', 'oom', 'image-pull'],
          backoffMs: 10_000,
          maxInterruptions: null,
          oomMemoryFactor: 1,
        },
        timeoutMs: null,
        startTimeoutMs: null,
        stopGracePeriodMs: 10_000,
        estimateDurationMs: 240_000,
        priority: 50,
      },
    ],
    labels: {},
    deadlineAtMs: null,
    budgetMicros: null,
    maxDurationMs: null,
    source: { file: 'job.yaml', directory: '/home/ada/project' },
    owner: { uid: 1000, gid: 1000 },
  });
});

test('the example of the terminal page is printed as it stands there', async () => {
  const text =
    'name: screening\nimage: a\nresources:\n  memroy: 3500MiB\nestimate:\n  duration: 18 mins\narray:\n  range:\n    to: 10\n    step: 0\n';
  const parsed = await parseJobFile(text, aJobFileContext());
  assert.ok('problems' in parsed);
  const error = jobFileError(parsed.problems, text, 'screening.yaml');
  assert.equal(error.message, 'screening.yaml has 3 problems');
  assert.deepEqual(error.details.lines, [
    '4:3    resources.memroy   unknown field; nearest: memory',
    '   4 |   memroy: 3500MiB',
    '     |   ^^^^^^',
    '6:13   estimate.duration  expected a duration such as 90s, 18m or 2h30m, got "18 mins"',
    '   6 |   duration: 18 mins',
    '     |             ^^^^^^^',
    '10:11  array.range.step   expected a whole number above 0, got 0',
    '  10 |     step: 0',
    '     |           ^',
  ]);
});

test('a problem says what was expected and the nearest name as data', async () => {
  const parsed = await parseJobFile(`${MINIMAL}timeuot: 5m\ntimeout: 5\n`, aJobFileContext());
  assert.ok('problems' in parsed);
  assert.deepEqual(parsed.problems, [
    {
      line: 3,
      column: 1,
      width: 7,
      field: 'timeuot',
      message: 'unknown field; nearest: timeout',
      expected: null,
      nearest: 'timeout',
    },
    {
      line: 4,
      column: 10,
      width: 1,
      field: 'timeout',
      message: 'expected a duration such as 90s, 18m or 2h30m, got 5: a duration needs a unit',
      expected: 'a duration such as 90s, 18m or 2h30m',
      nearest: null,
    },
  ]);
});

test('names that other tools use are told by their name here', async () => {
  assert.deepEqual(await problemsOf(`${MINIMAL}volumes: [a]\ncpus: 2\nreplicas: 3\n`), [
    '3:1 volumes: unknown field; nearest: mounts',
    '4:1 cpus: unknown field; nearest: resources.cpu',
    '5:1 replicas: unknown field; nearest: array.count',
  ]);
});

test('a field whose name is mistyped is not missing besides', async () => {
  assert.deepEqual(await problemsOf('name: a\nimagee: busybox\n'), ['2:1 imagee: unknown field; nearest: image']);
  assert.deepEqual(await problemsOf(`${MINIMAL}command: ["\${start}"]\narrray: {count: 2}\n`), [
    '4:1 arrray: unknown field; nearest: array',
  ]);
});

test('names and images of a wrong form are refused', async () => {
  for (const name of ['Screening', 'a_b', '-a', 'a'.repeat(64), '""']) {
    assert.match(
      (await problemsOf(`name: ${name}\nimage: busybox\n`))[0] ?? '',
      /^1:7 name: expected a name of a-z, 0-9 and "-", at most 63/,
    );
  }
  await draftOf(`name: ${'a'.repeat(63)}\nimage: busybox\n`);
  assert.deepEqual(await problemsOf('image: Busybox\n'), [
    '1:1 name: expected a name such as screening; it is missing',
    '1:8 image: expected the name of an image such as busybox:1.36 or ghcr.io/me/tool, got "Busybox"',
  ]);
  for (const image of [
    'busybox:1.36',
    'localhost:5000/a/b:t',
    `a@sha256:${'0'.repeat(64)}`,
    'ghcr.io/me/my-tool_x:v1.2',
  ]) {
    await draftOf(`name: a\nimage: ${image}\n`);
  }
});

test('a process needs no image', async () => {
  const target = { backend: 'local', runtime: 'process', endpoint: '' } as const;
  assert.equal((await jobOf('name: a\ncommand: [echo]\n', { target })).executors[0]?.image, '');
});

test('every kind of array is read, and the empty, the double and the huge are refused', async () => {
  const arrayOf = async (array: string) => (await jobOf(`${MINIMAL}array: ${array}\n`)).array;
  assert.deepEqual(await arrayOf('{count: 3}'), { kind: 'count', count: 3 });
  assert.deepEqual(await arrayOf('{range: {to: 5}}'), { kind: 'range', from: 0, to: 5, step: 1 });
  assert.deepEqual(await arrayOf('{matrix: {size: [s, 1.10]}}'), {
    kind: 'matrix',
    axes: [{ name: 'size', values: ['s', '1.10'] }],
  });
  assert.deepEqual(await arrayOf('{items: [a, 007]}'), { kind: 'items', itemSetId: '', count: 2, fields: [] });
  const cases: [string, string][] = [
    ['{count: 0}', '3:16 array.count: expected a whole number above 0, got 0'],
    ['{items: []}', '3:16 array.items: expected a list of at least one item, got an empty list'],
    ['{matrix: {}}', '3:17 array.matrix: expected at least one axis: the array would be empty'],
    ['{matrix: {a: []}}', '3:21 array.matrix.a: expected a list of at least one value, got an empty list'],
    [
      '{range: {from: 5, to: 5}}',
      '3:23 array.range.to: expected a whole number above from (5), got 5: the array would be empty',
    ],
    [
      '{count: 1, items: [a]}',
      '3:19 array.items: expected exactly one of count, range, items, matrix, file, got count and items',
    ],
    ['{}', '3:1 array: expected exactly one of count, range, items, matrix, file, got none'],
    ['{count: 10000001}', '3:9 array.count: expected at most 10,000,000 tasks, got 10,000,001'],
    ['{items: [{a: 1}, {bcd: 2}]}', '3:26 array.items[1].bcd: expected the fields of the first item: a'],
    ['{items: [a, {b: 2}]}', '3:21 array.items[1]: expected a plain value, as the first item is'],
    ['{count: 1.5}', '3:16 array.count: expected a whole number above 0, got 1.5'],
  ];
  for (const [array, problem] of cases) {
    const [first] = await problemsOf(`${MINIMAL}array: ${array}\n`);
    assert.equal(first?.replace(/^3:\d+/, '3'), problem.replace(/^3:\d+/, '3'), array);
  }
});

test('fields of a CSV file are known before it is read, and a missing file is told', async () => {
  const text = `${MINIMAL}array: {file: list.csv}\ncommand: ["\${item.url}", "\${item.labl}"]\n`;
  const files = { '/home/ada/project/list.csv': 'id,url,label\n1,x,y\n' };
  assert.deepEqual(await problemsOf(text, aJobFileContext({ files })), [
    '4:26 command[1]: unknown name ${item.labl}; nearest: ${item.label}; for the text itself write $${item.labl}',
  ]);
  assert.deepEqual(await problemsOf(text), ['3:15 array.file: there is no file /home/ada/project/list.csv']);
  const draft = await draftOf(text.replace('labl', 'label'), { files });
  assert.deepEqual(draft.itemSources.get('hello'), { kind: 'file', path: '/home/ada/project/list.csv', format: 'csv' });
});

test('unknown names in templates are told wherever they stand', async () => {
  const text = `${MINIMAL}command: echo \${a}\nenv: {A: "\${b}"}\nworkdir: /\${c}\ninputs: [{url: "./\${d}", path: "\${e}"}]\nmounts: ["./\${f}:/g"]\n`;
  assert.deepEqual(
    (await problemsOf(text)).map((one) => one.replace(/; .*/, '')),
    [
      '3:10 command: unknown name ${a}',
      '4:10 env.A: unknown name ${b}',
      '5:10 workdir: unknown name ${c}',
      '6:16 inputs[0].url: unknown name ${d}',
      '6:32 inputs[0].path: unknown name ${e}',
      '7:10 mounts[0]: unknown name ${f}',
    ],
  );
});

test('a command is split as a shell does, a list is taken as it is', async () => {
  assert.deepEqual((await jobOf(`${MINIMAL}command: sh -c 'echo "$A" $\${B}' x\\ y\n`)).executors[0]?.command, [
    'sh',
    '-c',
    'echo "$A" $${B}',
    'x y',
  ]);
  assert.deepEqual((await jobOf(`${MINIMAL}command: [a b, 1.0, true]\n`)).executors[0]?.command, [
    'a b',
    '1.0',
    'true',
  ]);
  assert.deepEqual(await problemsOf(`${MINIMAL}command: echo 'a\n`), [
    "3:10 command: expected a command that a shell can split: a ' is not closed",
  ]);
});

test('parameters come from --set first; those without a value must be set; unknown ones are told', async () => {
  const text = `${MINIMAL}parameters: {output: out, key: }\ncommand: ["\${key}"]\n`;
  assert.deepEqual(await problemsOf(text), ['3:27 parameters.key: key has no value; give it with --set key=…']);
  assert.deepEqual((await jobOf(text, { set: { key: 'a=${b}' } })).parameters, { output: 'out', key: 'a=${b}' });
  assert.deepEqual(await problemsOf(text, aJobFileContext({ set: { key: 'x', ouput: 'y' } })), [
    'null:null --set ouput: unknown parameter; nearest: output',
  ]);
  assert.deepEqual(await problemsOf(`${MINIMAL}parameters: {index: 1}\n`), [
    '3:14 parameters.index: expected another name: ${index} has a meaning already',
  ]);
});

test('local paths count from where the command was called', async () => {
  const job = await jobOf(
    `${MINIMAL}parameters: {out: ../results}\narray: {items: [{url: a, id: b}]}\ninputs: [{url: "./in #1/\${item.id}.txt", path: a}, {url: "\${item.url}", path: b}, {url: ~/x, path: c}]\noutputs: [{url: "\${out}/\${item.id}/", path: d/}, {url: "http://x/y", path: e}]\n`,
  );
  assert.deepEqual(
    job.inputs.map((one) => one.url),
    ['file:///home/ada/project/in%20%231/${item.id}.txt', '${item.url}', 'file:///home/ada/x'],
  );
  assert.deepEqual(
    job.outputs.map((one) => one.url),
    ['file:///home/ada/results/${item.id}/', 'http://x/y'],
  );
});

test('paths that leave the workspace and URLs of other kinds are refused', async () => {
  assert.deepEqual(await problemsOf(`${MINIMAL}outputs: [{url: "gs://b/k", path: a/../../b}]\n`), [
    '3:17 outputs[0].url: expected a URL (file, http, https, s3) or a local path, got a gs: URL (not supported)',
    '3:35 outputs[0].path: expected a path inside the workspace, got "a/../../b"',
  ]);
});

test('mounts are read in their short and long forms', async () => {
  const job = await jobOf(
    `${MINIMAL}mounts: [./data:/data:ro, cache:/cache, {target: /tmp, type: tmpfs}, {source: ~/m, target: /m, read_only: true}]\n`,
  );
  assert.deepEqual(job.container.mounts, [
    { type: 'bind', source: '/home/ada/project/data', target: '/data', readOnly: true },
    { type: 'volume', source: 'cache', target: '/cache', readOnly: false },
    { type: 'tmpfs', source: '', target: '/tmp', readOnly: false },
    { type: 'bind', source: '/home/ada/m', target: '/m', readOnly: true },
  ]);
  assert.deepEqual(await problemsOf(`${MINIMAL}mounts: [a/b:/c]\n`), [
    '3:10 mounts[0]: expected the name of a volume, got "a/b"; for a folder write ./a/b',
  ]);
});

test('the environment comes from files, the file itself, and for names alone from the client', async () => {
  const files = { '/home/ada/project/.env': 'A=1\nB="two\\nlines" # why\nexport C=\'$${x}\'\nHOME\n' };
  const job = await jobOf(`${MINIMAL}env_file: .env\nenvironment: [A=2, HOME, NOT_SET]\n`, { files });
  assert.deepEqual(job.executors[0]?.env, { A: '2', B: 'two\nlines', C: '$$${x}', HOME: '/home/ada' });
  const draft = await draftOf(`${MINIMAL}env: {NOT_SET: }\n`);
  assert.deepEqual(draft.notes, ['NOT_SET is not set in your environment, so tasks do not have it']);
  assert.deepEqual(await problemsOf(`${MINIMAL}env_file: [a.env]\n`), [
    '3:11 env_file: there is no file /home/ada/project/a.env',
  ]);
});

test('an environment that no program can be started with is refused', async () => {
  const [large] = await problemsOf(`${MINIMAL}env: {A: ${'x'.repeat(200_000)}}\n`);
  assert.match(large ?? '', /env: A has 195 KiB; Linux starts no program with a variable above 128 KiB/);
  const many = Array.from({ length: 100 }, (_, n) => `A${n}=${'x'.repeat(20_000)}`).join('\n');
  const files = { '/home/ada/project/.env': many };
  const [total] = await problemsOf(`${MINIMAL}env_file: .env\n`, aJobFileContext({ files }));
  assert.match(total ?? '', /an environment of 1954 KiB; at most 1,024 KiB can be passed/);
});

test('secrets are references; their values are in no answer', async () => {
  const text = `${MINIMAL}secrets: {TOKEN: "env:TOKEN", /run/key: "file:key.pem"}\n`;
  const draft = await draftOf(text);
  assert.deepEqual(draft.spec.jobs[0]?.secrets, {
    TOKEN: { source: 'env', name: 'TOKEN' },
    '/run/key': { source: 'file', name: '/home/ada/project/key.pem' },
  });
  assert.deepEqual(draft.secretVariables, ['TOKEN']);
  assert.ok(!JSON.stringify(draft).includes('not-shown'));
  assert.deepEqual(
    await problemsOf(`${MINIMAL}secrets: {A: "aws-secret:arn", B: "env:TOKN", c/d: "env:TOKEN", E: plain}\n`),
    [
      '3:14 secrets.A: aws-secret: is not supported yet by backend local; use env:NAME or file:PATH',
      '3:35 secrets.B: TOKN is not set in your environment; nearest: TOKEN',
      '3:47 secrets.c/d: expected the name of a variable or an absolute path in the container',
      '3:68 secrets.E: expected env:NAME or file:PATH, got "plain"',
    ],
  );
});

test('jobs depend on one another; unknown names and cycles are told', async () => {
  const file = (a: string, c: string) =>
    `name: many\nx-base: &base {image: busybox}\njobs:\n  a: {<<: *base, depends_on: ${a}}\n  b: {<<: *base, depends_on: [a]}\n  c: {<<: *base, depends_on: ${c}}\n`;
  const draft = await draftOf(file('[]', '{b: any-end}'));
  assert.deepEqual(
    draft.spec.jobs.map((job) => [job.name, job.executors[0]?.image, job.dependsOn]),
    [
      ['a', 'busybox', []],
      ['b', 'busybox', [{ job: 'a', condition: 'succeeded' }]],
      ['c', 'busybox', [{ job: 'b', condition: 'any-end' }]],
    ],
  );
  assert.deepEqual(await problemsOf(file('c', 'b')), ['4:30 jobs.a.depends_on: expected no cycle, got a → c → b → a']);
  assert.deepEqual(await problemsOf(file('dd', 'c')), [
    '4:30 jobs.a.depends_on: unknown job "dd"; jobs here: a, b, c',
    '6:30 jobs.c.depends_on: expected no cycle, got c → c',
  ]);
});

test('fields of a job beside `jobs`, names of digits and duplicate names are told', async () => {
  const text =
    'name: many\nimage: busybox\njobs:\n  a: {image: x}\n  7: {image: x}\n  A: {image: x}\n  a: {image: y}\n  b:\n';
  assert.deepEqual(await problemsOf(text), [
    '2:1 image: belongs into each job, since there are jobs',
    '5:3 jobs.7: expected a name with a letter: digits alone are the index of a task',
    '6:3 jobs.A: expected a name of a-z, 0-9 and "-", at most 63 characters, not beginning with "-", got "A"',
    '7:3 jobs.a: duplicate: it stands in line 4 already',
    '8:3 jobs.b: expected a mapping of fields such as image and command, got nothing',
  ]);
});

test('a run holds at most ten million tasks in all', async () => {
  const text =
    'name: many\njobs:\n  a: {image: x, array: {count: 6000000}}\n  b: {image: x, array: {count: 6000000}}\n';
  assert.deepEqual(await problemsOf(text), ['2:1 jobs: expected at most 10,000,000 tasks in a run, got 12,000,000']);
});

test('a deadline is stored absolute; one that is past or has no zone is refused', async () => {
  assert.equal((await draftOf(`${MINIMAL}deadline: 2h\n`)).spec.deadlineAtMs, NOW_MS + 7_200_000);
  assert.equal((await draftOf(`${MINIMAL}deadline: 2026-12-01T08:00Z\n`)).spec.deadlineAtMs, Date.UTC(2026, 11, 1, 8));
  assert.deepEqual(await problemsOf(`${MINIMAL}deadline: 2026-01-01T08:00Z\n`), [
    '3:11 deadline: expected an instant to come, got "2026-01-01T08:00Z": it is 2026-11-24T08:00Z',
  ]);
  assert.match((await problemsOf(`${MINIMAL}deadline: 2026-12-01T08:00\n`))[0] ?? '', /the zone is missing/);
  assert.match((await problemsOf(`${MINIMAL}deadline: 0s\n`))[0] ?? '', /expected an instant to come/);
});

test('what backend local cannot do yet is refused where ignoring it would mislead', async () => {
  assert.deepEqual(
    await problemsOf(
      `${MINIMAL}schedule: "0 0 * * *"\ncheckpoint: {path: a}\nqueue: night\nnotify: []\nregistry_auth: {}\nconstraints: [{attribute: arch, value: arm64}]\n`,
    ),
    [
      '3:1 schedule: not supported yet by backend local: it would run once, now',
      '4:1 checkpoint: not supported yet by backend local: nothing would be saved or brought back',
      '5:1 queue: not supported yet by backend local: there are no queues',
      '6:1 notify: not supported yet by backend local: nobody would be told',
      '7:1 registry_auth: not supported yet by backend local: logins come from your Docker configuration (docker login)',
      '8:15 constraints[0]: not supported yet by backend local without a weight: the rule would not be kept',
    ],
  );
  const draft = await draftOf(`${MINIMAL}spot_policy: spot\nregions: us-east-1\ninstances: {types: [c6a.*]}\n`);
  assert.deepEqual(draft.notes, ['no effect on backend local: spot_policy, instances, regions']);
});

test('executors run in place of image and command', async () => {
  const job = await jobOf(
    'name: a\nimage: base\nenv: {A: 1, B: 1}\nexecutors:\n  - {command: [x], stdout: out.txt, ignore_error: true}\n  - {image: other, env: {B: 2}, stdin: out.txt}\n',
  );
  assert.deepEqual(
    job.executors.map((one) => [one.image, one.command, one.env, one.stdin, one.stdout, one.ignoreError]),
    [
      ['base', ['x'], { A: '1', B: '1' }, null, 'out.txt', true],
      ['other', null, { A: '1', B: '2' }, 'out.txt', null, false],
    ],
  );
  assert.deepEqual(await problemsOf('name: a\ncommand: [x]\nexecutors: [{}]\n'), [
    '2:1 command: expected it in each executor, since there are executors',
    '3:13 executors[0].image: expected the name of an image; it is missing',
  ]);
});

test('JSON is read too, and keys named like parts of JavaScript are names like others', async () => {
  const job = await jobOf('{\n\t"name": "a",\n\t"image": "busybox",\n\t"env": {"constructor": "x", "toString": 1}\n}');
  assert.deepEqual({ ...job.executors[0]?.env }, { constructor: 'x', toString: '1' });
  assert.match((await problemsOf(`${MINIMAL}__proto__: {}\n`))[0] ?? '', /^3:1 __proto__: unknown field/);
});

test('a file that is no mapping, or nothing, says what a job file is', async () => {
  for (const text of ['', '# only a comment\n', '[]', 'hello', '5']) {
    assert.match(
      (await problemsOf(text))[0] ?? '',
      /expected a mapping of fields such as name, image and command, got/,
    );
  }
});

test('syntax errors point at their line', async () => {
  assert.match((await problemsOf('name: a\nimage: "busybox\ncommand: x\n'))[0] ?? '', /^2:8 /);
  assert.match((await problemsOf('name: a\nimage: busybox\nenv: {A: 1\ncommand: x\n'))[0] ?? '', /^3:6 /);
  assert.match((await problemsOf('name: a\n\timage: busybox\n'))[0] ?? '', /^2:\d .*tab/i);
  assert.match((await problemsOf('name: a\nimage busybox\ntimeout: 5m\n'))[0] ?? '', /^2:1 /);
});

test('aliases that expand without end are refused with their line', async () => {
  const levels = Array.from(
    { length: 12 },
    (_, n) => `  l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`,
  );
  const [bomb] = await problemsOf(`${MINIMAL}x-bomb:\n  l0: &l0 [a, b]\n${levels.join('\n')}\n`);
  assert.match(bomb ?? '', /^\d+:\d+ x-bomb\.l\d+\[\d+\]: aliases expand to more than 100,000 values here$/);
  const merges = Array.from(
    { length: 12 },
    (_, n) => `  l${n + 1}: &l${n + 1} {<<: [${Array(10).fill(`*l${n}`).join(', ')}]}`,
  );
  assert.match(
    (await problemsOf(`${MINIMAL}x-bomb:\n  l0: &l0 {a: b}\n${merges.join('\n')}\n`))[0] ?? '',
    /aliases expand to more than 100,000 values here$/,
  );
  assert.match((await problemsOf(`${MINIMAL}env: &a {A: *a}\n`))[0] ?? '', /^3:13 env\.A: alias \*a holds itself/);
  assert.match(
    (await problemsOf(`${MINIMAL}x-a: &base 1\nenv: {A: *bse}\n`))[0] ?? '',
    /unknown alias \*bse; nearest: \*base/,
  );
});

test('a file of 10 MiB is refused by its size, and one nested a thousand deep by its depth', async () => {
  assert.deepEqual(await problemsOf('a'.repeat(10 * 2 ** 20)), [
    '1:1 : expected a job file of at most 1 MiB, got 10.0 MiB; long lists of items belong into a file of their own: array: {file: items.csv}',
  ]);
  assert.match(
    (await problemsOf(`${MINIMAL}x-a: ${'['.repeat(200)}${']'.repeat(200)}\n`))[0] ?? '',
    /nested more than 100 levels deep/,
  );
  assert.match(
    (await problemsOf(`${MINIMAL}x-a: ${'['.repeat(100_000)}\n`))[0] ?? '',
    /nested more than 100 levels deep/,
  );
  assert.match(
    (await problemsOf(`${MINIMAL}x-a:\n  ${'- '.repeat(50_000)}a\n`))[0] ?? '',
    /nested more than 100 levels deep/,
  );
});

test('of a thousand problems a hundred are listed', async () => {
  const many = Array.from({ length: 1000 }, (_, n) => `unknown${n}: 1`).join('\n');
  const problems = await problemsOf(`${MINIMAL}${many}\n`);
  assert.equal(problems.length, 101);
  assert.match(problems.at(-1) ?? '', /at least 100 more problems/);
});

test('the error of a file has the code, the problems and a next command', () => {
  const error = jobFileError([], '', 'x.yaml');
  assert.ok(error instanceof DistributoError);
  assert.equal(error.code, 'JOB_FILE_INVALID');
  assert.match(error.hint ?? '', /^distributo config schema/);
});

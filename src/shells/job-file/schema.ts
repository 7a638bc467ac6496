// Every field of the job file: its form, its default in words, what it means. The parser runs these schemas field by field;
// the JSON Schema, the editors' completion and docs/job-file.md come from the same descriptions.

import { z } from 'zod';
import {
  cpu,
  duration,
  expected,
  fields,
  formedText,
  instant,
  listOf,
  mapOf,
  money,
  oneOf,
  oneOrMore,
  size,
  text,
  wholeNumber,
  yesOrNo,
} from './field-types.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

export const nameField = () =>
  formedText('a name of a-z, 0-9 and "-", at most 63 characters, not beginning with "-"', NAME);

const argv = () =>
  z
    .union([z.string(), z.array(text('a list of arguments'))], {
      error: expected('a list of arguments, or a text that is split as a shell does'),
    })
    .meta({ examples: [['python3', 'work.py', '${index}'], 'python3 work.py ${index}'] });

const environment = () =>
  z.union(
    [z.record(z.string(), text('text').nullable()), z.array(formedText('NAME=value or NAME', /^[^=\0]+(?:=[^\0]*)?$/))],
    { error: expected('a mapping of names to values, or a list of NAME=value') },
  );

const envFile = () =>
  oneOrMore(
    z.union([z.string(), fields({ path: z.string(), required: yesOrNo().optional() })], {
      error: expected('the path of a file'),
    }),
    'the path of a file, or a list of them',
  );

const transfers = (kind: string) =>
  listOf(
    fields({
      url: text(`a URL (file, http, https, s3) or a local path`).describe(
        'file, http, https or s3 URL, or a local path from where you stand. Template.',
      ),
      path: text('a path in the workspace').describe('Path in the workspace; a folder where it ends with /. Template.'),
    }),
    `a list of ${kind}, each with url and path`,
  );

const mount = () =>
  z.union(
    [
      z.string(),
      fields({
        type: oneOf(['bind', 'volume', 'tmpfs'])
          .optional()
          .describe('Default: bind where source is a path, else volume.'),
        source: text('a path or the name of a volume')
          .optional()
          .describe('A path (from where you stand) or a volume. Template.'),
        target: text('an absolute path in the container').describe('Absolute path in the container. Template.'),
        read_only: yesOrNo().optional().describe('Default: false.'),
      }),
    ],
    { error: expected('source:target[:ro], or a mapping of type, source, target, read_only') },
  );

const resources = () =>
  fields({
    cpu: cpu().optional().describe('vCPU of one task: 0.5, 500m, "2 vCPU". Default: 1.'),
    memory: size().optional().describe('Memory limit of one task. Default: 1GiB.'),
    disk: size().optional().describe('Disk of one task, for placing. Default: none.'),
    gpu: wholeNumber('a whole number of GPUs from 0', 0, 1024).optional().describe('GPUs of one task. Default: 0.'),
    shm_size: size().optional().describe("Size of /dev/shm. Default: the engine's, 64 MiB."),
    ports: listOf(wholeNumber('a port from 1 to 65535', 1, 65_535), 'a list of ports')
      .optional()
      .describe('Host ports that a task needs for itself. Default: none.'),
  });

const array = () =>
  fields({
    count: wholeNumber('a whole number above 0', 1).optional().describe('This many tasks; ${index} is 0, 1, 2, …'),
    range: fields({
      from: wholeNumber('a whole number', -Number.MAX_SAFE_INTEGER).optional().describe('First ${start}. Default: 0.'),
      to: wholeNumber('a whole number', -Number.MAX_SAFE_INTEGER).describe('End, not included.'),
      step: wholeNumber('a whole number above 0', 1).optional().describe('Size of a part. Default: 1.'),
    })
      .optional()
      .describe('Parts of a range: ${start} included, ${end} not; the last part is cut at `to`.'),
    items: listOf(
      z.union([text('a plain value'), mapOf(text('a plain value'), 'a mapping of plain values')], {
        error: expected('a plain value, or a mapping of plain values'),
      }),
      'a list of at least one item',
      1,
    )
      .optional()
      .describe('One task an item: ${item}, or ${item.field} where items are mappings.'),
    matrix: mapOf(
      listOf(text('a plain value'), 'a list of at least one value', 1),
      'a mapping of axes to lists of values',
    )
      .optional()
      .describe("Every combination of the axes' values: ${item.axis}. The last axis turns fastest."),
    file: formedText('the path of a .csv, .jsonl or .ndjson file', /\.(?:csv|jsonl|ndjson)$/i)
      .optional()
      .describe('One task a line of a CSV file with a header, or of a JSON lines file: ${item.field}.'),
  });

const secretReference = () =>
  formedText('env:NAME or file:PATH', /^(?:env|file|aws-secret|aws-ssm):.+$/).describe(
    'env:NAME of your environment, or file:PATH.',
  );

const executor = () =>
  fields({
    image: text('the name of an image').optional().describe("Default: the job's image."),
    entrypoint: argv().optional().describe("Default: the image's. Template."),
    command: argv().optional().describe("Default: the image's. Template."),
    env: environment().optional().describe("Added to the job's env. Template values."),
    environment: environment().optional().describe('Another name for env.'),
    workdir: text('a path').optional().describe("Default: the job's workdir."),
    stdin: text('a path in the workspace').optional().describe('File that is read as standard input. Template.'),
    stdout: text('a path in the workspace').optional().describe('File that standard output is written to. Template.'),
    stderr: text('a path in the workspace').optional().describe('File that standard error is written to. Template.'),
    ignore_error: yesOrNo().optional().describe('Go on with the next executor after a failure. Default: false.'),
  });

/** Words of `retry.on`; `exit:N` besides. */
export const RETRY_CAUSES = ['error', 'oom', 'image-pull', 'start', 'timeout', 'interruption', 'no-capacity'] as const;

const retry = () =>
  fields({
    attempts: wholeNumber('a whole number from 1 to 100', 1, 100)
      .optional()
      .describe('Counted tries, the first included. Default: 1.'),
    on: oneOrMore(
      formedText(
        `a cause of ${RETRY_CAUSES.join(', ')} or exit:N`,
        new RegExp(`^(?:${RETRY_CAUSES.join('|')}|exit:(?:[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5]))$`),
      ),
      'a list of causes',
    )
      .optional()
      .describe('Causes that are tried again. Default: error, oom, image-pull, start, timeout.'),
    backoff: duration('allowed')
      .optional()
      .describe('Wait before the second try; doubled for each further one. Default: 10s.'),
    max_interruptions: wholeNumber('a whole number from 0', 0)
      .optional()
      .describe('Interruptions allowed. Default: no limit.'),
    oom_memory_factor: z
      .number({ error: expected('a number from 1 to 10') })
      .min(1, { error: expected('a number from 1 to 10') })
      .max(10, { error: expected('a number from 1 to 10') })
      .optional()
      .describe('Memory is multiplied by this after running out of it. Default: 1.'),
  });

const CONDITIONS = ['succeeded', 'any-end'] as const;

const dependsOn = () =>
  z.union(
    [
      z.string(),
      z.array(z.string({ error: expected('the name of a job') })),
      z.record(
        z.string(),
        z.union([oneOf(CONDITIONS), fields({ condition: oneOf(CONDITIONS) })], {
          error: expected('succeeded or any-end'),
        }),
      ),
    ],
    { error: expected('names of jobs, or a mapping of names to succeeded or any-end') },
  );

const ulimit = z.union(
  [
    wholeNumber('a whole number from -1', -1),
    fields({ soft: wholeNumber('a whole number from -1', -1), hard: wholeNumber('a whole number from -1', -1) }),
  ],
  { error: expected('a whole number, or a mapping of soft and hard') },
);

const container = () =>
  fields({
    pids_limit: wholeNumber('a whole number above 0', 1)
      .optional()
      .describe("Most processes in a container. Default: the engine's."),
    ulimits: z
      .record(formedText('the name of a limit such as nofile', /^[a-z]+$/), ulimit, {
        error: expected('a mapping of limits'),
      })
      .optional()
      .describe("Limits of a process: {nofile: 65536}. Default: the engine's."),
    extra_hosts: listOf(formedText('host:address', /^[^:\s=]+[:=]\S+$/), 'a list of host:address')
      .optional()
      .describe('Lines for /etc/hosts. Default: none.'),
  });

/** Fields of one job. */
export const JOB_FIELDS = {
  image: text('the name of an image').describe('Image of the container. May hold ${parameter}.'),
  entrypoint: argv().describe(
    "Program that is started; a text is split as a shell does. Default: the image's. Template.",
  ),
  command: argv().describe("Its arguments; a text is split as a shell does. Default: the image's. Template."),
  env: environment().describe(
    'Environment: a mapping, or a list of NAME=value; NAME alone takes your own value. Template values.',
  ),
  environment: environment().describe('Another name for env.'),
  env_file: envFile().describe('File of NAME=value lines, or a list of them; env wins.'),
  secrets: mapOf(secretReference(), 'a mapping of variables or absolute paths to env:NAME or file:PATH').describe(
    'Variable or absolute path in the container to env:NAME or file:PATH. Values are never stored.',
  ),
  workdir: text('a path').describe(
    "Folder in which the program starts. Default: /workspace where files are staged, else the image's. Template.",
  ),
  working_dir: text('a path').describe('Another name for workdir.'),
  user: text('a user, uid, uid:gid or host').describe(
    "User in the container; host is your own uid:gid. Default: the image's.",
  ),
  executors: listOf(executor(), 'a list of at least one executor', 1).describe(
    'Several containers one after the other in one workspace, in place of image and command.',
  ),
  resources: resources().describe('What one task needs.'),
  array: array().describe(
    'How many tasks, and what differs between them; exactly one of count, range, items, matrix, file. Default: one task.',
  ),
  inputs: transfers('inputs').describe('Files and folders brought into the workspace before the start. Default: none.'),
  outputs: transfers('outputs').describe('Files and folders taken out after success. Default: none.'),
  mounts: listOf(mount(), 'a list of mounts').describe(
    'Folders and volumes in the container: source:target[:ro] or a mapping. Default: none.',
  ),
  depends_on: dependsOn().describe('Jobs that must have ended before: all succeeded, or any-end. Default: none.'),
  checkpoint: fields({
    path: text('a path').optional(),
    url: text('a URL').optional(),
    signal: formedText('a signal such as SIGUSR1', /^SIG[A-Z0-9]+$/).optional(),
    every: duration().optional(),
  }).describe('Saved state of a task.'),
  estimate: fields({
    duration: duration().optional().describe('Expected run time of one task.'),
    peak_memory: size().optional().describe('Expected peak memory of one task.'),
  }).describe('What you expect of one task, for forecasts and plans.'),
  priority: wholeNumber('a whole number from 0 to 100', 0, 100).describe('Higher starts first. Default: 50.'),
  queue: nameField().describe('Queue that the job waits in.'),
  constraints: listOf(
    fields({
      attribute: text('the name of an attribute'),
      op: oneOf(['=', '!=', '<', '<=', '>', '>=', 'in', 'not-in', 'matches']).optional(),
      value: z.union([text('a value'), z.array(text('a value'))], { error: expected('a value, or a list of them') }),
      weight: z
        .number({ error: expected('a number from -100 to 100') })
        .min(-100, { error: expected('a number from -100 to 100') })
        .max(100, { error: expected('a number from -100 to 100') })
        .optional(),
    }),
    'a list of constraints',
  ).describe('Rules for the machine of a task; with a weight it is a preference.'),
  spread: z
    .union([text('the name of an attribute'), fields({ attribute: text('the name of an attribute') })], {
      error: expected('the name of an attribute'),
    })
    .describe('Attribute over whose values tasks are spread.'),
  retry: retry().describe('What is tried again, and how often.'),
  timeout: duration().describe('Longest run time of one attempt. Default: no limit.'),
  start_timeout: duration().describe("Longest time from an attempt's reservation to its start. Default: no limit."),
  stop_grace_period: duration('allowed').describe('Time between SIGTERM and SIGKILL. Default: 10s.'),
  platform: formedText('a platform such as linux/amd64', /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/).describe(
    "Platform of the image. Default: the engine's.",
  ),
  pull: oneOf(['missing', 'always', 'never']).describe('When the image is pulled. Default: missing.'),
  registry_auth: mapOf(text('text'), 'a mapping').describe("Login of the image's registry."),
  network: text('bridge, none, host or the name of a network').describe(
    'bridge, none, host or the name of a network. Default: bridge.',
  ),
  init: yesOrNo().describe('A small init process that passes signals and reaps children. Default: true.'),
  public_ip: yesOrNo().describe('Whether bought machines get a public address.'),
  container: container().describe('Further switches of the container.'),
} as const;

const PARAMETER_VALUE = 'text, or nothing where --set must give it';

/** Fields of the run, and of each job where they stand in it. */
export const SHARED_FIELDS = {
  parameters: mapOf(text(PARAMETER_VALUE).nullable(), 'a mapping of names to values').describe(
    'Names for templates; --set NAME=value changes one. Without a value --set must give it. Default: none.',
  ),
} as const;

export const JOB_AND_SHARED_FIELDS = { ...SHARED_FIELDS, ...JOB_FIELDS };

/** Fields of the run; beside `jobs` they alone stand at the top. */
export const RUN_FIELDS = {
  name: nameField().describe('Name of the run; its number is added: screening-7.'),
  deadline: instant().describe('When all must be done: 2026-12-01T08:00Z or 2h from submission. Default: none.'),
  budget: money().describe('Most money that may be spent. Default: no limit.'),
  spot_policy: oneOf(['auto', 'spot', 'on-demand']).describe('Which market machines are bought on. Default: auto.'),
  instances: fields({
    types: oneOrMore(text('an instance type'), 'a list of instance types').optional(),
    exclude: oneOrMore(text('an instance type'), 'a list of instance types').optional(),
    families: oneOrMore(text('a family'), 'a list of families').optional(),
    arch: oneOf(['x86_64', 'arm64']).optional(),
    min_generation: wholeNumber('a whole number above 0', 1).optional(),
    max_price: money().optional(),
  }).describe('Which machines may be bought.'),
  regions: oneOrMore(text('a region'), 'a list of regions').describe('Regions in which machines may be bought.'),
  zones: oneOrMore(text('a zone'), 'a list of zones').describe('Zones in which machines may be bought.'),
  max_duration: duration().describe('Longest time for the whole run. Default: no limit.'),
  schedule: z
    .union([z.string(), fields({ cron: text('a cron expression'), timezone: text('a time zone').optional() })], {
      error: expected('a cron expression'),
    })
    .describe('When the run starts again and again.'),
  notify: listOf(z.unknown(), 'a list of notifications').describe('Who is told about the end.'),
  labels: mapOf(text(), 'a mapping of names to texts').describe('Any names and texts; shown and kept. Default: none.'),
} as const;

export type JobFields = { -readonly [Key in keyof typeof JOB_FIELDS]?: z.output<(typeof JOB_FIELDS)[Key]> } & {
  -readonly [Key in keyof typeof SHARED_FIELDS]?: z.output<(typeof SHARED_FIELDS)[Key]>;
};
export type RunFields = { -readonly [Key in keyof typeof RUN_FIELDS]?: z.output<(typeof RUN_FIELDS)[Key]> };

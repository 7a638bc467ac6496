// `check`: looks for what would stop a run, before it does; each finding with its fix.

import { createReadStream } from 'node:fs';
import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DistributoError } from '../../../domain/errors.ts';
import { expandTask } from '../../../domain/interpolate.ts';
import type { Job, Target } from '../../../domain/job.ts';
import { chooseTarget, findMissingImages, openObjects, refuseForRuntime } from '../../compose.ts';
import type { Settings } from '../../configuration/settings.ts';
import { EXIT } from '../../exit-codes.ts';
import type { RunDraft } from '../../job-file/parse-job-file.ts';
import { chunkRows, readItems } from '../../job-file/read-items.ts';
import { describeTooLarge, findTooLarge, helpFor } from '../../job-file/submission-checks.ts';
import { formatBytes, formatMemory, formatVcpu } from '../../terminal/format.ts';
import { wrapText } from '../../terminal/text-width.ts';
import type { Call, CommandModule } from '../command.ts';
import { type Context, wantsText } from '../context.ts';
import { parseFor, readJobFileText } from '../read-job-file.ts';
import { collectTexts } from '../usage.ts';

export type Finding = {
  readonly what: string;
  /** `skipped`: of no matter here, and why. */
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly text: string;
  /** What to do; null where nothing is to be done. */
  readonly fix: string | null;
};

export const command: CommandModule = {
  define: (command) =>
    void command
      .argument('[file]', 'a job file: its fields, image, inputs and outputs too')
      .option('--set <name=value>', 'give a parameter a value; may be repeated', collectTexts)
      .option('--runtime <kind>', 'auto, docker or process')
      .option('--s3-endpoint <url>', 'an S3-compatible server'),
  examples: [
    ['distributo check', 'this machine'],
    ['distributo check job.yaml', 'and whether this job could run on it'],
  ],
  async execute(context, call) {
    const findings: Finding[] = [];
    for await (const finding of look(context, call)) {
      findings.push(finding);
      if (wantsText(context)) context.print(renderFinding(finding, context));
    }
    const failed = findings.filter((finding) => finding.state === 'failed').length;
    if (!wantsText(context)) context.print(JSON.stringify({ schema: 'distributo/check/1', failed, findings }));
    else
      context.print(
        failed === 0 ? ['', 'nothing stands in the way'] : ['', `${failed} of ${findings.length} would stop a run`],
      );
    return failed === 0 ? EXIT.ok : EXIT.ownError;
  },
};

const ok = (what: string, text: string): Finding => ({ what, state: 'ok', text, fix: null });
const failed = (what: string, text: string, fix: string | null): Finding => ({ what, state: 'failed', text, fix });
const warning = (what: string, text: string, fix: string | null): Finding => ({ what, state: 'warning', text, fix });

export function renderFinding(finding: Finding, context: Context): string[] {
  const { style } = context;
  const signs = {
    ok: style.green(style.sign.ok),
    warning: style.yellow(style.sign.warning),
    failed: style.red(style.sign.failed),
    skipped: style.dim('-'),
  };
  const [first = '', ...more] = wrapText(finding.text, Math.min(context.width, 100) - 16);
  const pad = ' '.repeat(13);
  const fix =
    finding.fix === null
      ? []
      : wrapText(finding.fix, Math.min(context.width, 100) - 22).map(
          (line, at) => `${pad}${at === 0 ? 'fix: ' : '     '}${style.cyan(line)}`,
        );
  return [
    `${signs[finding.state]} ${finding.what.padEnd(10)} ${first}`,
    ...more.map((line) => `${pad}${line}`),
    ...fix,
  ];
}

async function* look(context: Context, call: Call): AsyncGenerator<Finding> {
  yield ok('node', `${process.versions.node} on ${process.platform}/${process.arch}`);
  const text = (name: string): string | undefined => call.options[name] as string | undefined;
  const { settings, files } = await context.configure({ runtime: text('runtime'), s3_endpoint: text('s3Endpoint') });
  const read = files.filter((file) => file.isRead).map((file) => file.path);
  yield ok('settings', read.length === 0 ? 'defaults; no configuration file' : read.join(', '));
  yield await checkState(settings);
  const { target, notices, docker } = await chooseTarget({
    env: context.env,
    runtime: settings.runtime,
    s3Endpoint: settings.s3Endpoint,
  });
  if (docker === null) yield { what: 'docker', state: 'skipped', text: 'not asked: the runtime is process', fix: null };
  else {
    const where = `${docker.endpoint} (chosen by ${docker.chosenBy})`;
    if (docker.trouble === null) yield ok('docker', `answers at ${where}`);
    else if (target.runtime === 'docker')
      yield failed('docker', `${docker.trouble.message}`, docker.trouble.hint ?? null);
    else yield warning('docker', docker.trouble.message, docker.trouble.hint ?? null);
  }
  for (const notice of notices) yield warning('runtime', notice, null);
  if (docker?.trouble != null && target.runtime === 'docker') return;
  yield* checkMachine(context, target);
  if (call.args[0] !== undefined) yield* checkJobFile(context, call, target, settings);
}

async function checkState({ stateDirectory, freeDiskMinMib }: Settings): Promise<Finding> {
  try {
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
    await access(stateDirectory, constants.W_OK);
    const disk = await statfs(stateDirectory);
    const free = disk.bavail * disk.bsize;
    const what = `${stateDirectory}, ${formatBytes(free)} free`;
    if (free >= freeDiskMinMib * 1024 * 1024) return ok('state', what);
    return failed(
      'state',
      `${what}; nothing starts below ${formatMemory(freeDiskMinMib)}`,
      'distributo prune, or free space on that disk',
    );
  } catch (error) {
    return failed(
      'state',
      `${stateDirectory} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      'choose another: --state DIR or DISTRIBUTO_STATE=DIR',
    );
  }
}

async function* checkMachine(context: Context, target: Target): AsyncGenerator<Finding> {
  const client = await context.connect();
  const { pid } = await client.readController();
  yield ok('controller', `answers, process ${pid}`);
  const machine = await client.inspectTarget(target);
  const { capacity } = machine;
  const runtime = machine.runtimes.find((one) => (target.runtime === 'process') === (one.runtimeKey === 'process'));
  const gpus = capacity.gpus > 0 ? `, ${capacity.gpus} GPU` : '';
  yield ok(
    'machine',
    `${runtime?.label ?? machine.instanceId} gives ${formatVcpu(capacity.cpuUnits)} vCPU, ${formatMemory(capacity.memoryMib)}, ${formatMemory(capacity.diskMib)} of disk${gpus}`,
  );
  for (const caveat of runtime?.caveats ?? []) yield warning('limits', caveat, null);
}

async function* checkJobFile(
  context: Context,
  call: Call,
  target: Target,
  settings: Settings,
): AsyncGenerator<Finding> {
  const file = await readJobFileText(context, String(call.args[0]));
  const draft = await parseFor(context, file, target, (call.options.set as string[] | undefined) ?? []);
  yield ok('job file', `${file.name}: ${draft.spec.jobs.map((job) => job.name).join(', ')}`);
  for (const note of draft.notes) yield warning('job file', note, null);
  yield* checkRuntime(draft);
  const machine = await (await context.connect()).inspectTarget(target);
  for (const one of findTooLarge(draft.spec.jobs, { label: '', capacity: machine.capacity, total: machine.total })) {
    yield failed('size', describeTooLarge(one), helpFor(one));
  }
  for (const name of draft.secretVariables.filter((one) => context.env[one] === undefined)) {
    yield failed('secrets', `the variable ${name} is not set`, `export ${name}=…`);
  }
  for (const image of await findMissingImages(draft.spec)) {
    yield warning(
      'image',
      `${image} is not on this machine and would be pulled`,
      `docker pull ${image}   shows whether it can be`,
    );
  }
  const objects = await openObjects({ env: context.env, s3Endpoint: settings.s3Endpoint });
  for (const job of draft.spec.jobs) {
    const task = expandTask(job, 0, await firstItem(draft, job), context.directory);
    for (const input of task.inputs) {
      const found = await objects.stat(input.url).catch((error: unknown) => error as Error);
      if (found instanceof Error)
        yield failed('input', found.message, found instanceof DistributoError ? (found.hint ?? null) : null);
      else if (found === undefined) yield failed('input', `${input.url} is not there`, 'check the url of inputs');
      else yield ok('input', input.url);
    }
    for (const output of task.outputs) yield await checkOutput(output.url);
  }
}

async function* checkRuntime(draft: RunDraft): AsyncGenerator<Finding> {
  try {
    await refuseForRuntime(draft.spec);
  } catch (error) {
    if (!(error instanceof DistributoError)) throw error;
    for (const fact of error.details.facts as string[]) yield failed('runtime', fact, error.hint ?? null);
  }
}

async function firstItem(draft: RunDraft, job: Job): Promise<readonly string[] | null> {
  const source = draft.itemSources.get(job.name);
  if (source === undefined) return null;
  const chunks =
    source.kind === 'rows'
      ? chunkRows(source.rows)
      : readItems(createReadStream(source.path), source.format, source.path);
  for await (const chunk of chunks) return (JSON.parse(chunk.json) as string[][])[0] ?? null;
  return null;
}

/** The nearest folder that is there must be writable; what lies beyond is made when the time comes. */
async function checkOutput(url: string): Promise<Finding> {
  if (!url.startsWith('file://')) return ok('output', `${url} (written when a task succeeds)`);
  for (let folder = dirname(fileURLToPath(url)); ; folder = dirname(folder)) {
    const trouble = await access(folder, constants.W_OK).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code ?? 'unknown',
    );
    if (trouble === null) return ok('output', fileURLToPath(url));
    if (trouble !== 'ENOENT' || folder === '/')
      return failed(
        'output',
        `${folder} cannot be written (${trouble})`,
        `chmod u+w ${folder}, or another place: --set output=DIR`,
      );
  }
}

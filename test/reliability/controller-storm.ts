// R8: the controller is killed with -9 again and again at random instants (while it starts, while it works, while it ends),
// with runs submitted in between. Afterwards each task has started once and ended once, each submission made one run, and
// nothing is left on the machine.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient } from '../../src/shells/api/client.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../support/docker-image.ts';
import { waitFor } from '../support/wait-for.ts';
import { type ControllerProcess, spawnControllerProcess } from './controller-process.ts';
import { quantile, type Row, type RowOptions, type RowReport, randomFrom } from './row.ts';
import { countMarks, dockerGround, processGround, type StormGround } from './storm-ground.ts';

const TASKS_PER_RUN = 12;
/** Longest life of a controller from where its end is drawn: its spawn, or its first answer. */
const LIFE_MS_MAX = 1000;
const END_MS_MAX = 120_000;

export const controllerStorm: Row = async (options) => {
  const half = { ...options, trials: Math.ceil(options.trials / 2), seconds: options.seconds / 2 };
  const docker = await dockerStorm(half);
  // Without an engine the whole storm goes over processes.
  const process = await processStorm(docker.trials === 0 ? options : half);
  return {
    trials: process.trials + docker.trials,
    faults: process.faults + docker.faults,
    violations: [...process.violations, ...docker.violations],
    figures: { ...process.figures, ...docker.figures },
    skipped: docker.skipped ?? [],
  };
};

export const processStorm: Row = (options) => storm(processGround, options);

export const dockerStorm: Row = async (options) => {
  const engine = await findTestEngine();
  if (engine.unavailable !== null) {
    return {
      trials: 0,
      faults: 0,
      violations: [],
      figures: {},
      skipped: [`only over processes: ${engine.unavailable}`],
    };
  }
  try {
    return await storm((marks) => dockerGround(marks, engine.target, BUSYBOX_IMAGE), options);
  } finally {
    await engine.client.close();
  }
};

async function storm(groundOf: (marks: string) => StormGround, options: RowOptions): Promise<RowReport> {
  const random = randomFrom(options.seed);
  const untilMs = performance.now() + options.seconds * 1000;
  const folder = await mkdtemp(join(tmpdir(), 'distributo-r8-'));
  const marks = join(folder, 'marks');
  await mkdir(marks);
  const ground = groundOf(marks);
  const world: World = { ground, stateDirectory: join(folder, 'state'), keys: [], runs: new Map() };
  const violations: string[] = [];
  const readyMs: number[] = [];
  let kills = 0;
  let last: ControllerProcess | undefined;
  try {
    while (kills < options.trials && performance.now() < untilMs) {
      last = spawnControllerProcess(world.stateDirectory);
      if (kills % 2 === 0) world.keys.push(`${options.seed}-${kills}`);
      const working = work(last, world, readyMs);
      // Every third dies while it starts; the others some time after they could act, however slow the machine is.
      if (kills % 3 !== 2) await last.report;
      await new Promise((resolve) => setTimeout(resolve, random() * LIFE_MS_MAX));
      await last.kill();
      kills++;
      const problem = await working;
      if (problem !== undefined) violations.push(`${ground.name}, kill ${kills}: ${problem}`);
    }
    last = spawnControllerProcess(world.stateDirectory);
    violations.push(...(await settle(last, world)).map((problem) => `${ground.name}: ${problem}`));
  } finally {
    await last?.kill();
    if (violations.length === 0) await rm(folder, { recursive: true, force: true });
    else violations.push(`${ground.name}: kept for a look: ${folder} (seed ${options.seed})`);
  }
  return {
    trials: kills,
    faults: kills,
    violations,
    figures: {
      [`${ground.name}Tasks`]: world.keys.length * TASKS_PER_RUN,
      [`${ground.name}ReadyMsMedian`]: Math.round(quantile(readyMs, 0.5)),
      [`${ground.name}ReadyMsP99`]: Math.round(quantile(readyMs, 0.99)),
    },
  };
}

type World = {
  readonly ground: StormGround;
  readonly stateDirectory: string;
  /** Submission keys, whether their answer came or not. */
  readonly keys: string[];
  /** Key → run, where an answer came. */
  readonly runs: Map<string, string>;
};

/** What clients do while it lives: submit what has no answer yet. A problem in words, if one shows. */
async function work(controller: ControllerProcess, world: World, readyMs: number[]): Promise<string | undefined> {
  const report = await controller.report;
  if (report === undefined) {
    const { code, signal } = await controller.exit;
    return signal === 'SIGKILL'
      ? undefined
      : `it ended by itself (${code ?? signal}): ${controller.output().slice(0, 500)}`;
  }
  if (report.kind !== 'ready') return `it did not start: ${report.error.code} ${report.error.message}`;
  readyMs.push(report.afterMs);
  const problems = await submitAll(report.socket, world);
  return problems[0];
}

async function submitAll(socketPath: string, world: World): Promise<string[]> {
  const client = createApiClient({ socketPath });
  try {
    for (const key of world.keys) {
      const known = world.runs.get(key);
      if (known !== undefined) continue;
      const { run } = await client.submitRun({ spec: world.ground.specOf(key, TASKS_PER_RUN), submissionKey: key });
      world.runs.set(key, run);
    }
    return [];
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === 'CONTROLLER_UNREACHABLE' ? [] : [`a submission was refused: ${code} ${message}`];
  } finally {
    client.close();
  }
}

/** The storm is over: everything must come to its end, and the marks must say the same as the answers. */
async function settle(controller: ControllerProcess, world: World): Promise<string[]> {
  const report = await controller.report;
  if (report?.kind !== 'ready') return [`the last controller did not start: ${JSON.stringify(report)}`];
  const problems = await submitAll(report.socket, world);
  const client = createApiClient({ socketPath: report.socket });
  try {
    await waitFor('every run to end', async () => (await client.listRuns()).runs.length === 0, END_MS_MAX).catch(
      async (error: Error) => {
        for (const { run } of (await client.listRuns()).runs) {
          const { headline, because } = await client.explain(run);
          problems.push(`${error.message}; ${headline} ${because.join('; ')}`);
        }
      },
    );
    const { runs } = await client.listRuns({ all: true, limit: 10_000 });
    if (runs.length !== world.keys.length) problems.push(`${runs.length} runs of ${world.keys.length} submissions`);
    for (const { run, state, tasks } of runs) {
      if (state !== 'succeeded') problems.push(`${run} is ${state}: ${JSON.stringify(tasks)}`);
    }
    problems.push(...checkMarks(world));
    const { ownerId } = await client.readController();
    await waitFor('leftovers to go', async () => (await world.ground.leftovers(ownerId)).length === 0, 20_000).catch(
      () => undefined,
    );
    problems.push(...(await world.ground.leftovers(ownerId)));
  } finally {
    client.close();
  }
  return problems;
}

function checkMarks({ ground, keys }: World): string[] {
  const problems: string[] = [];
  const marks = ground.marks;
  const { starts, ends } = countMarks(marks);
  for (const key of keys) {
    for (let index = 0; index < TASKS_PER_RUN; index++) {
      const name = `${key}-${index}`;
      const [started, ended] = [starts.get(name) ?? 0, ends.get(name) ?? 0];
      if (started === 0 || ended === 0) problems.push(`lost: ${name} started ${started} and ended ${ended} times`);
      if (started > 1 || ended > 1) problems.push(`repeated: ${name} started ${started} and ended ${ended} times`);
    }
  }
  return problems;
}

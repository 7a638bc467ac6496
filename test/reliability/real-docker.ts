// R18: containers run on the real Docker engine while their controller is killed with -9. The next one takes up every one
// of them, starts none again, and leaves none behind.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from '../../src/shells/api/client.ts';
import { BUSYBOX_IMAGE, findTestEngine } from '../support/docker-image.ts';
import { waitFor } from '../support/wait-for.ts';
import { type ControllerProcess, spawnControllerProcess } from './controller-process.ts';
import type { Row } from './row.ts';
import { countMarks, dockerGround } from './storm-ground.ts';

const CONTAINERS = 10;

export const realDocker: Row = async ({ trials, seconds }) => {
  const engine = await findTestEngine();
  if (engine.unavailable !== null) {
    return { trials: 0, faults: 0, violations: [], figures: {}, skipped: [engine.unavailable] };
  }
  const untilMs = performance.now() + seconds * 1000;
  const violations: string[] = [];
  let rounds = 0;
  let adopted = 0;
  for (; rounds < trials && (rounds === 0 || performance.now() < untilMs); rounds++) {
    const folder = await mkdtemp(join(tmpdir(), 'distributo-r18-'));
    try {
      const round = await killAndAdopt(folder, engine.target);
      adopted += round.adopted;
      violations.push(...round.problems.map((problem) => `round ${rounds}: ${problem}`));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  await engine.client.close();
  return { trials: rounds, faults: rounds, violations, figures: { adopted, containers: rounds * CONTAINERS } };
};

async function countAttempts(client: ApiClient, run: string) {
  const { tasks } = await client.listTasks(run);
  return { attempts: tasks.reduce((sum, task) => sum + task.attempts, 0) };
}

async function killAndAdopt(folder: string, target: Parameters<typeof dockerGround>[1]) {
  const marks = join(folder, 'marks');
  const stateDirectory = join(folder, 'state');
  await mkdir(marks);
  const ground = dockerGround(marks, target, BUSYBOX_IMAGE);
  const problems: string[] = [];
  const started: ControllerProcess[] = [];
  const start = async () => {
    const controller = spawnControllerProcess(stateDirectory);
    started.push(controller);
    const report = await controller.report;
    if (report?.kind !== 'ready') throw new Error(`no controller: ${JSON.stringify(report)} ${controller.output()}`);
    return { controller, client: createApiClient({ socketPath: report.socket }) };
  };
  try {
    const first = await start();
    // They end when they are told to, so that all run at the kill however slow the machine is.
    const go = join(marks, 'go');
    const spec = ground.specOf('adopt', CONTAINERS, `until [ -e ${go} ]; do sleep 0.1; done`);
    const { run } = await first.client.submitRun({ spec });
    await waitFor('all containers to have begun', () => countMarks(marks).starts.size === CONTAINERS);
    const { ownerId } = await first.client.readController();
    // A container writes its mark a moment before the engine counts it as running.
    await waitFor('the engine to count them', async () => (await ground.countRunning(ownerId)) === CONTAINERS);
    first.client.close();
    await first.controller.kill();
    const orphans = await ground.countRunning(ownerId);
    if (orphans !== CONTAINERS) problems.push(`only ${orphans} of ${CONTAINERS} ran when the controller was dead`);
    const second = await start();
    await writeFile(go, '');
    await waitFor('the run to end', async () => (await second.client.readRun(run)).endedAtMs !== null);
    const { tasks } = await second.client.readRun(run);
    if (tasks.succeeded !== CONTAINERS) problems.push(`${tasks.succeeded} of ${CONTAINERS} succeeded`);
    const { starts, ends } = countMarks(marks);
    for (const [name, times] of starts) if (times !== 1) problems.push(`repeated: ${name} started ${times} times`);
    for (const [name, times] of ends) if (times !== 1) problems.push(`repeated: ${name} ended ${times} times`);
    const { attempts } = await countAttempts(second.client, run);
    if (attempts !== CONTAINERS) problems.push(`${attempts} attempts for ${CONTAINERS} tasks`);
    await waitFor('leftovers to go', async () => (await ground.leftovers(ownerId)).length === 0, 20_000).catch(
      () => undefined,
    );
    problems.push(...(await ground.leftovers(ownerId)));
    second.client.close();
    return { problems, adopted: problems.length === 0 ? CONTAINERS : Math.min(orphans, tasks.succeeded) };
  } finally {
    for (const one of started) await one.kill();
  }
}

// R13: controllers that start at once on one state directory. Exactly one acts; each other says who holds it within a second
// of its own start. Rounds of two, new and used directories by turns, and one round of fifty: there the second begins where
// as many bare Node processes, started at once on this machine in the same run, would have ended.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient } from '../../src/shells/api/client.ts';
import { type ControllerProcess, spawnControllerProcess } from './controller-process.ts';
import { quantile, type Row } from './row.ts';

const ANSWER_MS_MAX = 1000;
const CROWD = 50;

export const twoStarts: Row = async ({ trials, seconds }) => {
  const untilMs = performance.now() + seconds * 1000;
  const folder = await mkdtemp(join(tmpdir(), 'distributo-r13-'));
  const violations: string[] = [];
  const answersMs: number[] = [];
  const readyMs: number[] = [];
  let rounds = 0;
  let losers = 0;
  let bareCrowdMs = 0;
  try {
    // The crowd first: a row that runs out of time has had its hardest round.
    const sizes = [...(trials >= CROWD ? [CROWD] : []), ...Array.from({ length: trials }, () => 2)];
    for (const size of sizes) {
      if (performance.now() > untilMs) break;
      const stateDirectory = join(folder, String(Math.floor(rounds / 2)));
      const crowdMs = size === 2 ? 0 : await endBareProcesses(size);
      bareCrowdMs = Math.max(bareCrowdMs, crowdMs);
      const round = await startAtOnce(stateDirectory, size, ANSWER_MS_MAX + crowdMs);
      for (const problem of round.problems) violations.push(`round ${rounds} of ${size}: ${problem}`);
      answersMs.push(...round.answersMs);
      if (round.readyMs !== null) readyMs.push(round.readyMs);
      losers += round.answersMs.length;
      rounds++;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    trials: rounds,
    faults: losers,
    violations,
    figures: {
      answerMsMedian: quantile(answersMs, 0.5),
      answerMsMax: quantile(answersMs, 1),
      bareCrowdMs,
      readyMsMedian: quantile(readyMs, 0.5),
      readyMsMax: quantile(readyMs, 1),
    },
  };
};

/** How long this machine needs to start so many processes of Node that do nothing, until the last has ended. */
async function endBareProcesses(size: number): Promise<number> {
  const fromMs = performance.now();
  const children = Array.from({ length: size }, () => spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }));
  await Promise.all(children.map((child) => once(child, 'exit')));
  return Math.round(performance.now() - fromMs);
}

async function startAtOnce(stateDirectory: string, size: number, answerMsMax: number) {
  const problems: string[] = [];
  const answersMs: number[] = [];
  const started = Array.from({ length: size }, () => spawnControllerProcess(stateDirectory));
  try {
    const reports = await Promise.all(started.map((one) => one.report));
    const ready = reports.filter((report) => report?.kind === 'ready');
    const [winner] = ready;
    if (ready.length !== 1) problems.push(`${ready.length} controllers act`);
    for (const [at, report] of reports.entries()) {
      if (report?.kind === 'ready') continue;
      if (report?.kind !== 'held') {
        const one = started[at] as ControllerProcess;
        problems.push(
          `a loser ended with ${JSON.stringify(report ?? (await one.exit))}: ${one.output().slice(0, 500)}`,
        );
        continue;
      }
      const { pid, afterMs } = report.error.details as { pid: number | null; afterMs: number };
      answersMs.push(afterMs);
      if (winner?.kind === 'ready' && pid !== winner.pid) problems.push(`a loser names ${pid}, not ${winner.pid}`);
      if (afterMs > answerMsMax) problems.push(`a loser answered ${afterMs} ms after its start`);
    }
    if (winner?.kind === 'ready') problems.push(...(await checkActing(winner.socket, winner.pid)));
    return { problems, answersMs, readyMs: winner?.afterMs ?? null };
  } finally {
    await Promise.all(started.map((one) => one.kill()));
  }
}

async function checkActing(socketPath: string, pid: number): Promise<string[]> {
  const client = createApiClient({ socketPath });
  try {
    const view = await client.readController();
    return view.pid === pid ? [] : [`the socket is answered by ${view.pid}, the winner is ${pid}`];
  } finally {
    client.close();
  }
}

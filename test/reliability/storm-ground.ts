// Where a storm takes place: tasks that leave a mark at each start and end, on processes or on Docker, and a look at what is
// left of them afterwards. The marks are files of their own, so that no answer of ours is believed.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSpec, Target } from '../../src/domain/job.ts';
import { DEFAULT_CONTAINER } from '../support/an-order.ts';
import { askDocker } from '../support/docker-api.ts';
import { aRunSpec, PROCESS_TARGET } from '../support/run-spec.ts';

export type StormGround = {
  readonly name: 'process' | 'docker';
  readonly target: Target;
  /** The folder of the marks. */
  readonly marks: string;
  /** A run of `count` tasks; `key` is part of each mark's name. */
  specOf(key: string, count: number, work?: string): RunSpec;
  /** What is left of our attempts, in words. */
  leftovers(ownerId: string): Promise<readonly string[]>;
};

const CPU_UNITS = 64;

/** Between 0.1 and 2.7 s, by its index: some end while no controller lives. */
const SLEEPS = 'sleep $((INDEX % 3)).$((INDEX * 3 % 7 + 1))';

const scriptOf = (marks: string, key: string, work: string): string =>
  [`echo $$ >> ${marks}/start-${key}-$INDEX`, work, `echo end >> ${marks}/end-${key}-$INDEX`].join('; ');

export function processGround(marks: string): StormGround {
  return {
    name: 'process',
    target: PROCESS_TARGET,
    marks,
    specOf: (key, count, work) => specOf(PROCESS_TARGET, marks, key, count, '', work),
    leftovers: async () => processesNaming(marks).map((line) => `process left: ${line}`),
  };
}

export type DockerGround = StormGround & { countRunning(ownerId: string): Promise<number> };

export function dockerGround(marks: string, target: Target, image: string): DockerGround {
  const socket = target.endpoint.replace(/^unix:\/\//, '');
  return {
    name: 'docker',
    target,
    marks,
    specOf: (key, count, work) => specOf(target, marks, key, count, image, work),
    async countRunning(ownerId) {
      const filters = filterOf(ownerId);
      return ((await askDocker(socket, 'GET', `/containers/json?filters=${filters}`)) as unknown[]).length;
    },
    async leftovers(ownerId) {
      const filters = filterOf(ownerId);
      const containers = (await askDocker(socket, 'GET', `/containers/json?all=1&filters=${filters}`)) as {
        Names: string[];
      }[];
      const { Volumes } = (await askDocker(socket, 'GET', `/volumes?filters=${filters}`)) as {
        Volumes: { Name: string }[] | null;
      };
      return [
        ...containers.map(({ Names }) => `container left: ${Names.join(' ')}`),
        ...(Volumes ?? []).map(({ Name }) => `volume left: ${Name}`),
      ];
    },
  };
}

const filterOf = (ownerId: string): string =>
  encodeURIComponent(JSON.stringify({ label: [`distributo:owner=${ownerId}`] }));

function specOf(target: Target, marks: string, key: string, count: number, image: string, work = SLEEPS): RunSpec {
  return aRunSpec({
    name: `storm-${key}`,
    target,
    image,
    array: { kind: 'count', count },
    env: { INDEX: '${index}' },
    command: ['sh', '-c', scriptOf(marks, key, work)],
    job: {
      resources: { cpuUnits: CPU_UNITS, memoryMib: 16, diskMib: 0, gpus: 0 },
      container: {
        ...DEFAULT_CONTAINER,
        pull: 'never',
        mounts: image === '' ? [] : [{ type: 'bind', source: marks, target: marks, readOnly: false }],
      },
      // A container that our own restart ends counts as an interruption and is not a failure of the task.
      retry: { attempts: 1, on: [], backoffMs: 0, maxInterruptions: null, oomMemoryFactor: 1 },
    },
  });
}

/** How often each task started and ended, by its marks. */
export function countMarks(marks: string): {
  readonly starts: Map<string, number>;
  readonly ends: Map<string, number>;
} {
  const starts = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const name of readdirSync(marks)) {
    const [kind, ...rest] = name.split('-');
    const lines = readFileSync(join(marks, name), 'utf8').trimEnd().split('\n').length;
    if (kind === 'start') starts.set(rest.join('-'), lines);
    if (kind === 'end') ends.set(rest.join('-'), lines);
  }
  return { starts, ends };
}

/** Command lines of living processes that name a path. */
function processesNaming(path: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (line.includes(path) && statSync(`/proc/${pid}`)) found.push(`${pid} ${line.slice(0, 200)}`);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

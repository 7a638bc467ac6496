// Says what of a job a plain process cannot keep, so that it is refused at its submission instead of running otherwise than
// it was asked to. What may be ignored without misleading anyone is a caveat of the runtime (describe-machine.ts).

import type { ContainerOptions, Executor, Job } from '../../domain/job.ts';

export type ProcessHost = {
  /** As in OCI platforms: `linux/amd64`. */
  readonly platform: string;
  readonly uid: number;
  readonly gid: number;
};

const INSTEAD = 'use --runtime docker';

/** One sentence a field, each naming it; none: the process runtime can run the job. */
export function findProcessRefusals(job: Job, host: ProcessHost = thisHost()): string[] {
  return [
    ...job.executors.flatMap((executor, at) => executorRefusals(executor, job.executors.length > 1 ? at : null)),
    ...job.inputs.flatMap((input) => pathRefusals('inputs.path', input.path)),
    ...job.outputs.flatMap((output) => pathRefusals('outputs.path', output.path)),
    ...containerRefusals(job.container, host),
    ...secretRefusals(Object.keys(job.secrets)),
  ];
}

export const thisHost = (): ProcessHost => ({
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  uid: process.getuid?.() ?? -1,
  gid: process.getgid?.() ?? -1,
});

export const commandOf = (executor: Executor): readonly string[] => [
  ...(executor.entrypoint ?? []),
  ...(executor.command ?? []),
];

/** `at`: which of several executors; null where there is one. */
export function executorRefusals(executor: Executor, at: number | null): string[] {
  const field = (name: string): string => (at === null ? name : `executors[${at}].${name}`);
  const refusals = (['workdir', 'stdin', 'stdout', 'stderr'] as const).flatMap((name) =>
    pathRefusals(field(name), executor[name]),
  );
  if (commandOf(executor).length === 0) {
    refusals.push(
      `${field('command')}: there is none, and a process has no image to take one from; give the whole command or ${INSTEAD}`,
    );
  }
  return refusals;
}

/** Variables only: a secret's file has an absolute path, which would lie outside the workspace. */
export function secretRefusals(targets: readonly string[]): string[] {
  return targets
    .filter((target) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(target))
    .map((target) =>
      target.startsWith('/')
        ? `secrets: ${target} would be written outside the workspace; give it as a variable or ${INSTEAD}`
        : `secrets: ${target} is not a name that a shell passes on; use letters, digits and _`,
    );
}

function pathRefusals(field: string, path: string | null): string[] {
  if (!path?.startsWith('/')) return [];
  return [
    `${field}: ${path} is absolute; a process works in a directory of its own: give a path relative to it or ${INSTEAD}`,
  ];
}

function containerRefusals(container: ContainerOptions, host: ProcessHost): string[] {
  const refusals: string[] = [];
  const refuse = (field: string, why: string): void => {
    refusals.push(`${field}: ${why}; leave it out or ${INSTEAD}`);
  };
  if (!isOwnUser(container.user, host)) {
    refuse('user', `a process runs as you (${host.uid}:${host.gid}), not as ${container.user}`);
  }
  if (container.platform !== null && container.platform !== host.platform) {
    refuse('platform', `a process runs on ${host.platform}, not on ${container.platform}`);
  }
  if (container.network === 'none') refuse('network', 'a process cannot be cut off from the network');
  else if (container.network !== 'bridge' && container.network !== 'host') {
    refuse('network', `a process uses the machine's own network, not ${container.network}`);
  }
  if (container.shmSizeMib !== null) refuse('shm_size', "a process uses the machine's own /dev/shm");
  if (container.pidsLimit !== null) refuse('pids_limit', 'the number of processes cannot be limited');
  if (container.ulimits.length > 0) refuse('ulimits', 'they are not set for a process');
  if (container.extraHosts.length > 0) refuse('extra_hosts', "a process uses the machine's own /etc/hosts");
  for (const mount of container.mounts) {
    const what = mount.type === 'bind' ? `${mount.source} at ${mount.target}` : `a ${mount.type} at ${mount.target}`;
    refuse('mounts', `a process has no mounts (${what}); it sees the machine's files at their own paths`);
  }
  return refusals;
}

function isOwnUser(user: string | null, { uid, gid }: ProcessHost): boolean {
  if (user === null || user === 'host') return true;
  return user === String(uid) || user === `${uid}:${gid}` || (uid === 0 && (user === 'root' || user === 'root:root'));
}

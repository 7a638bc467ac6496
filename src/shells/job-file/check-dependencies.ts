// Checks which job waits for which: every name is known, and no job waits for itself.

import type { Job } from '../../domain/job.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import type { FieldPath } from './problem.ts';
import type { Report } from './read-fields.ts';

/** `pathOf` gives the place of one dependency of a job. Each cycle is told once, at its first job in the order of the file. */
export function checkDependencies(
  jobs: readonly Pick<Job, 'name' | 'dependsOn'>[],
  pathOf: (job: string, other: string) => FieldPath,
  report: Report,
): void {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const awaited = new Set(jobs.flatMap((job) => job.dependsOn.map((one) => one.job)));
  for (const job of jobs) {
    for (const { job: other } of job.dependsOn) {
      if (byName.has(other)) continue;
      const nearest = nearestName(other, byName.keys());
      const names = jobs.length < 2 ? 'it is the only job' : `jobs here: ${[...byName.keys()].slice(0, 20).join(', ')}`;
      const hint = nearest === undefined ? names : `nearest: ${nearest}`;
      const path = pathOf(job.name, other);
      report(path, `unknown job ${JSON.stringify(other)}; ${hint}`, { nearest, key: path.at(-1) === other });
      // Which of the two is mistyped cannot be known: both are told.
      if (nearest === undefined || awaited.has(nearest)) continue;
      report(['jobs', nearest], `named ${nearest} here, but ${other} in depends_on of ${job.name}`, {
        key: true,
        nearest: other,
      });
    }
  }
  const done = new Set<string>();
  for (const job of jobs) {
    const cycle = findCycle(job.name, byName, done);
    if (cycle === undefined) continue;
    const path = pathOf(cycle[0] as string, cycle[1] as string);
    report(path, `expected no cycle, got ${cycle.join(' → ')}`, { key: path.at(-1) === cycle[1] });
  }
}

/** Depth first without recursion; `done` grows by every job that leads to no new cycle. */
function findCycle(
  start: string,
  byName: ReadonlyMap<string, Pick<Job, 'name' | 'dependsOn'>>,
  done: Set<string>,
): readonly string[] | undefined {
  if (done.has(start)) return undefined;
  const path: { readonly name: string; next: number }[] = [{ name: start, next: 0 }];
  const places = new Map([[start, 0]]);
  let found: readonly string[] | undefined;
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const other = byName.get(top.name)?.dependsOn[top.next]?.job;
    top.next += 1;
    if (other === undefined) {
      done.add(top.name);
      places.delete(top.name);
      path.pop();
      continue;
    }
    const at = places.get(other);
    if (at !== undefined) found ??= [...path.slice(at).map((step) => step.name), other];
    else if (byName.has(other) && !done.has(other)) {
      places.set(other, path.length);
      path.push({ name: other, next: 0 });
    }
  }
  return found;
}

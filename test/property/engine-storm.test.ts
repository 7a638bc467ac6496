// The engine under random storms: crashes, silence, lost containers, interruptions, failures, cancels and retries in any
// order. Laws are checked at every step, and after the storm every task must have ended.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EngineHouse } from '../support/engine-house.ts';
import { aJob, aRunSpec, aSubmission } from '../support/run-spec.ts';

const STEPS = [
  'wait',
  'exit-0',
  'exit-1',
  'interrupt',
  'vanish',
  'crash',
  'deaf-crash',
  'silence',
  'cancel-task',
  'retry',
  'pause',
  'resume',
] as const;
type Step = { readonly what: (typeof STEPS)[number]; readonly which: number; readonly ms: number };

const storms: fc.Arbitrary<{ tasks: number; steps: Step[] }> = fc.record({
  tasks: fc.integer({ min: 1, max: 12 }),
  steps: fc.array(
    fc.record({ what: fc.constantFrom(...STEPS), which: fc.nat(20), ms: fc.integer({ min: 1, max: 3000 }) }),
    { minLength: 1, maxLength: 25 },
  ),
});

class Storm {
  readonly house: EngineHouse;
  readonly tasks: number;
  /** Tasks of which a success was seen by the machine and told to a live engine. */
  constructor(house: EngineHouse, tasks: number) {
    this.house = house;
    this.tasks = tasks;
  }

  async take(step: Step): Promise<void> {
    const { machine } = this.house;
    const running = machine.running();
    const name = running[step.which % Math.max(running.length, 1)]?.order.name ?? '';
    switch (step.what) {
      case 'exit-0':
      case 'exit-1':
        machine.exit(name, step.what === 'exit-0' ? 0 : 1);
        break;
      case 'interrupt':
        machine.end(name, { state: 'interrupted', cause: 'engine', exitCode: 137, reason: 'engine restarted' });
        break;
      case 'vanish':
        machine.vanish(name);
        await this.house.restart();
        break;
      case 'crash':
        await this.house.restart();
        break;
      case 'deaf-crash':
        machine.isDeaf = true;
        await this.house.clock.advance(step.ms);
        machine.isDeaf = false;
        await this.house.restart();
        break;
      case 'silence':
        machine.setReachable(false);
        await this.house.clock.advance(step.ms);
        machine.setReachable(true);
        break;
      default:
        await this.order(step);
    }
    await this.house.clock.advance(step.ms);
  }

  async order(step: Step): Promise<void> {
    const give: Record<string, () => Promise<unknown>> = {
      'cancel-task': () =>
        this.house.order((engine) => engine.cancel(`trial-1/main/${step.which % this.tasks}`, 'you')),
      retry: () => this.house.order((engine) => engine.retry('trial-1')),
      pause: () => this.house.order((engine) => engine.pause('trial-1', 'you')),
      resume: () => this.house.order((engine) => engine.resume('trial-1')),
    };
    await give[step.what]?.().catch((error: { code?: string }) => assert.equal(error.code, 'CONFLICT'));
  }

  async check(): Promise<void> {
    const { machine, fatal } = this.house;
    assert.deepEqual(fatal, []);
    assert.equal(new Set(machine.starts).size, machine.starts.length, 'an attempt was started twice');
    const live = machine.running().map(({ order }) => order.name.split('#')[0]);
    assert.equal(new Set(live).size, live.length, 'a task has two live attempts');
    const used = machine.running().reduce((sum, { order }) => sum + order.resources.cpuUnits, 0);
    assert.ok(used <= machine.capacity.cpuUnits, 'the machine was given more than it has');
    const run = await this.house.engine.getRun('trial-1');
    const { total, waiting, running, succeeded, failed, cancelled } = run.tasks;
    assert.equal(waiting + running + succeeded + failed + cancelled, total);
    for (const job of run.jobs) assert.equal(job.waitsFor !== null, job.tasks.waiting > 0, 'what waits has a reason');
  }

  async end(): Promise<void> {
    this.house.machine.script = () => ({ afterMs: 100, exitCode: 0 });
    await this.order({ what: 'resume', which: 0, ms: 0 });
    for (const { order } of this.house.machine.running()) this.house.machine.exit(order.name, 0);
    await this.house.clock.advance(300_000);
    for (const { order } of this.house.machine.running()) this.house.machine.exit(order.name, 0);
    await this.house.clock.advance(300_000);
    const run = await this.house.engine.getRun('trial-1');
    assert.equal(run.tasks.waiting + run.tasks.running, 0, `${run.state}: ${JSON.stringify(run.tasks)}`);
    assert.equal(this.house.machine.containers.size, 0, 'something is left on the machine');
  }
}

test('no storm breaks a law, and after it every task has ended and nothing is left', async (t) => {
  await fc.assert(
    fc.asyncProperty(storms, async ({ tasks, steps }) => {
      const cleanups: (() => unknown)[] = [];
      const house = await EngineHouse.build(
        { after: (clean) => cleanups.push(clean as () => unknown) },
        { script: () => 'runs' },
      );
      try {
        const retry = { attempts: 2, on: ['error'], backoffMs: 1000, maxInterruptions: null, oomMemoryFactor: 1 };
        const job = aJob({
          array: { kind: 'count', count: tasks },
          job: { retry, resources: { cpuUnits: 1024, memoryMib: 10, diskMib: 0, gpus: 0 } },
        });
        await house.order((engine) => engine.submit(aSubmission(aRunSpec({ jobs: [job] }))));
        const storm = new Storm(house, tasks);
        for (const step of steps) {
          await storm.take(step);
          await storm.check();
        }
        await storm.end();
        await storm.check();
      } finally {
        for (const clean of cleanups.reverse()) await clean();
      }
    }),
    { numRuns: Number(process.env.STORMS ?? 60) },
  );
  t.diagnostic('60 storms');
});

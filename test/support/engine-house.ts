// A real engine on a real SQLite store, a machine in memory and a clock that stands still. `crash` drops the engine as
// kill -9 does: the store keeps what was durable, the machine what it was told. The store's connection outlives the engine,
// since SQLite commits at once and nothing of a commit is ever under way when an engine is dropped.

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStore } from '../../src/adapters/sqlite/open-store.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine-api.ts';
import type { EngineParts } from '../../src/engine/engine-parts.ts';
import type { Batch, History, Store } from '../../src/ports/store.ts';
import { scratchFolder } from './scratch.ts';
import { type Script, ScriptedMachine, ScriptedRuntime } from './scripted-runtime.ts';
import { VirtualClock } from './virtual-clock.ts';

type Settings = { readonly capacity?: ConstructorParameters<typeof ScriptedMachine>[1]; readonly script?: Script };

export class EngineHouse {
  readonly clock = new VirtualClock();
  readonly machine: ScriptedMachine;
  readonly log: string[] = [];
  readonly fatal: unknown[] = [];
  freeBytes = 1e12;
  readSecretFile: EngineParts['readSecretFile'] = async (path) => `content of ${path}`;
  /** Called before each commit; may throw as a store does. */
  onCommit: (batch: Batch) => void = () => undefined;
  #store: (Store & History) | null = null;
  #engine: Engine | null = null;
  #life = { isOver: false };
  #runtimes: ScriptedRuntime[] = [];

  private constructor(settings: Settings) {
    this.machine = new ScriptedMachine(this.clock, settings.capacity, settings.script);
  }

  static async build(context: Pick<TestContext, 'after'>, settings: Settings = {}): Promise<EngineHouse> {
    const house = new EngineHouse(settings);
    const folder = await scratchFolder(context);
    house.#store = await openStore(join(folder, 'store.db'), { nowMs: () => house.clock.nowMs() });
    context.after(() => house.close());
    await house.start();
    return house;
  }

  get engine(): Engine {
    if (this.#engine === null) throw new Error('no engine lives');
    return this.#engine;
  }

  get store(): Store & History {
    if (this.#store === null) throw new Error('no store is open');
    return this.#store;
  }

  get forgotten(): readonly { readonly attemptId: string; readonly keepWorkspace: boolean }[] {
    return this.#runtimes.flatMap((runtime) => runtime.forgotten);
  }

  async start(): Promise<void> {
    const life = { isOver: false };
    this.#life = life;
    const creating = createEngine(this.#parts(this.store, life));
    await this.clock.advance(10);
    this.#engine = await creating;
    await this.clock.advance(10);
  }

  #parts(store: Store & History, life: { readonly isOver: boolean }): EngineParts {
    const commit = async (batch: Batch): Promise<void> => {
      if (life.isOver) await new Promise<never>(() => undefined);
      this.onCommit(batch);
      await store.commit(batch);
    };
    return {
      store: new Proxy(store, { get: (target, name) => (name === 'commit' ? commit : bindTo(target, name)) }),
      clock: this.clock,
      openRuntime: async () => {
        const runtime = new ScriptedRuntime(this.machine);
        this.#runtimes.push(runtime);
        return runtime;
      },
      readSecretFile: (path) => this.readSecretFile(path),
      freeDiskBytes: async () => this.freeBytes,
      disk: { remove: async () => undefined, measure: async () => [], prune: async () => ({ freedBytes: 0 }) },
      settings: { freeDiskBytesMin: 1_073_741_824 },
      log: (message) => this.log.push(message),
      onFatal: (error) => this.fatal.push(error),
    };
  }

  /** Nothing survives but the store's file and the machine. */
  async crash(): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.close();
    this.#life.isOver = true;
    this.#engine = null;
  }

  async restart(): Promise<void> {
    await this.crash();
    await this.start();
  }

  /** An order of a user, with the time that its recording needs. */
  async order<T>(give: (engine: Engine) => Promise<T>): Promise<T> {
    const answer = give(this.engine);
    answer.catch(() => undefined);
    await this.clock.advance(50);
    return answer;
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    await this.crash();
    await this.#store?.close();
  }
}

function bindTo(target: Store & History, name: string | symbol): unknown {
  const value = Reflect.get(target, name) as unknown;
  return typeof value === 'function' ? value.bind(target) : value;
}

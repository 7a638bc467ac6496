// Frames a suite that needs a Docker engine: skipped aloud where none answers, failed where CI=true.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DockerRuntimeOptions } from '../../src/adapters/docker/docker-runtime.ts';
import { DockerHouse } from './docker-house.ts';
import { findTestEngine, type TestEngine } from './docker-image.ts';

export type Available = Extract<TestEngine, { readonly unavailable: null }>;
export type Suite = { readonly engine: Available; readonly house: () => DockerHouse };

export async function dockerSuite(
  name: string,
  tests: (suite: Suite) => void,
  options: Partial<DockerRuntimeOptions> = {},
): Promise<void> {
  const engine = await findTestEngine();
  if (engine.unavailable !== null) {
    describe(name, process.env.CI === 'true' ? {} : { skip: engine.unavailable }, () => {
      it('has a Docker engine', () => assert.fail(engine.unavailable ?? ''));
    });
    return;
  }
  describe(name, () => {
    let house: DockerHouse | undefined;
    before(async () => {
      house = await DockerHouse.build(engine.target, options);
    });
    after(() => house?.clear());
    tests({
      engine,
      house: () => {
        assert(house);
        return house;
      },
    });
  });
}

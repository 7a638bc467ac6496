import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aJobFileContext } from '../../../test/support/a-job-file-context.ts';
import { DistributoError } from '../../domain/errors.ts';
import { parseJobFile } from './parse-job-file.ts';
import { refuseTooLarge } from './submission-checks.ts';

const MACHINE = {
  label: 'Docker 27.5',
  capacity: { cpuUnits: 2048, memoryMib: 7000, diskMib: 50_000, gpus: 0 },
  total: { cpuUnits: 2048, memoryMib: 7800, diskMib: 60_000, gpus: 0 },
};

async function specOf(resources: string) {
  const parsed = await parseJobFile(`name: a\nimage: b\nresources: ${resources}\n`, aJobFileContext());
  assert.ok('draft' in parsed);
  return parsed.draft.spec;
}

test('a task of exactly the size of the machine may be submitted', async () => {
  refuseTooLarge(await specOf('{cpu: 2, memory: 7000MiB, disk: 50000MiB}'), MACHINE);
});

test('a task larger than the machine is refused with both sizes and the smallest change, for every dimension', async () => {
  const spec = await specOf('{cpu: 2.5, memory: 8GiB, gpu: 1}');
  assert.throws(
    () => refuseTooLarge(spec, MACHINE),
    (error: unknown) => {
      assert.ok(error instanceof DistributoError);
      assert.equal(error.code, 'JOB_UNPLACEABLE');
      assert.deepEqual(error.message.split('\n'), [
        'a task of a asks 2.5 vCPU; the largest machine gives 2 vCPU',
        'a task of a asks 8,192 MiB of memory; the largest machine gives 7,000 MiB of memory',
        'a task of a asks 1 GPU; the largest machine gives 0 GPUs',
      ]);
      assert.deepEqual(error.hint?.split('\n'), [
        'write at most resources.cpu: 2 for a',
        'write at most resources.memory: 7000MiB for a',
        'leave resources.gpu of a out: the machine has none',
      ]);
      return true;
    },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anExecutor, anOrder, type OrderParts } from '../../../test/support/an-order.ts';
import { containerSpec, hasWorkspace, type SpecWorld } from './container-spec.ts';

const order = (parts: Partial<OrderParts> = {}) =>
  anOrder({
    attemptId: 'abc',
    target: { backend: 'local', runtime: 'docker', endpoint: 'unix:///x' },
    executors: [anExecutor('tool:1', ['run'])],
    ...parts,
  });

const world = (more: Partial<SpecWorld> = {}): SpecWorld => ({
  ownership: { ownerId: 'me', clusterName: 'default' },
  engine: { keeps: { cpu: true, memory: true, pids: true }, isRootless: false, logDriver: 'local' },
  image: { Id: 'sha256:0', Config: { Entrypoint: ['/entry'], Cmd: ['of-image'] } },
  gpuIds: [],
  hasInit: true,
  ...more,
});

type Spec = Record<string, unknown> & { HostConfig: Record<string, unknown> };
const specOf = (parts: Partial<OrderParts> = {}, more: Partial<SpecWorld> = {}) =>
  containerSpec(order(parts), 0, world(more)) as Spec;

test('processor and memory are limited, and swap adds nothing', () => {
  const { HostConfig } = specOf({ resources: { cpuUnits: 1536, memoryMib: 100 } });
  assert.equal(HostConfig.NanoCpus, 1_500_000_000);
  assert.equal(HostConfig.Memory, 100 * 1024 * 1024);
  assert.equal(HostConfig.MemorySwap, HostConfig.Memory);
});

test('a limit that the engine would refuse is not asked of it', () => {
  const engine = { keeps: { cpu: false, memory: false, pids: false }, isRootless: true, logDriver: null } as const;
  const { HostConfig } = specOf({ container: { pidsLimit: 5 } }, { engine });
  for (const name of ['NanoCpus', 'Memory', 'MemorySwap', 'PidsLimit', 'LogConfig'])
    assert.ok(!(name in HostConfig), name);
});

test('GPUs are given by their ids, in the words of the driver that has them', () => {
  const nvidia = specOf({}, { gpuIds: ['GPU-1', 'GPU-2'] });
  assert.deepEqual(nvidia.HostConfig.DeviceRequests, [
    { Driver: 'nvidia', DeviceIDs: ['GPU-1', 'GPU-2'], Capabilities: [['gpu']] },
  ]);
  assert.equal((nvidia.Labels as Record<string, string>)['distributo:gpus'], 'GPU-1,GPU-2');
  const cdi = specOf({}, { gpuIds: ['nvidia.com/gpu=0'] });
  assert.deepEqual(cdi.HostConfig.DeviceRequests, [{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=0'] }]);
});

test('an attempt has a volume only where something has to pass through it', () => {
  const transfer = { url: 'file:///x', path: 'x' };
  const executor = anExecutor('tool:1', ['run']);
  assert.equal(hasWorkspace(order()), false);
  assert.equal(hasWorkspace(order({ inputs: [transfer] })), true);
  assert.equal(hasWorkspace(order({ outputs: [transfer] })), true);
  assert.equal(hasWorkspace(order({ executors: [executor, executor] })), true);
  assert.deepEqual(specOf().HostConfig.Mounts, []);
  assert.ok(!('WorkingDir' in specOf()));
  assert.equal(specOf({ inputs: [transfer] }).WorkingDir, '/workspace');
});

test('streams that are files wrap the command that the image or the job gives', () => {
  const withOut = (more: object) => specOf({ executors: [anExecutor('tool:1', [], { stdout: "it's.txt", ...more })] });
  const shell = ['/bin/sh', '-c', `exec "$@" >'/workspace/it'\\''s.txt'`, 'sh'];
  assert.deepEqual(withOut({ command: null }).Entrypoint, shell);
  assert.deepEqual(withOut({ command: null }).Cmd, ['/entry', 'of-image']);
  assert.deepEqual(withOut({ command: ['x'] }).Cmd, ['/entry', 'x']);
  assert.deepEqual(
    withOut({ entrypoint: ['/mine'], command: null }).Cmd,
    ['/mine'],
    'as Docker: no command of the image',
  );
});

test('the user `host` is the owner of the run, and root inside a rootless engine', () => {
  const parts = { container: { user: 'host' }, owner: { uid: 5, gid: 6 } };
  assert.equal(specOf(parts).User, '5:6');
  assert.equal(specOf(parts, { engine: { ...world().engine, isRootless: true } }).User, '0:0');
});

test('a secret variable wins over a plain one, and a secret file is in no configuration', () => {
  const executors = [anExecutor('tool:1', ['run'], { env: { TOKEN: 'plain', A: '1' } })];
  const spec = specOf({ executors, secrets: { TOKEN: 'secret', '/run/key': 'file-canary' } });
  assert.ok((spec.Env as string[]).includes('TOKEN=secret'));
  assert.ok(!(spec.Env as string[]).includes('TOKEN=plain'));
  assert.ok(!JSON.stringify(spec).includes('file-canary'));
});

test('ports of the machine are bound, and on the host’s network need no binding', () => {
  const ports = specOf({ container: { ports: [8080], network: 'bridge' } });
  assert.deepEqual(ports.HostConfig.PortBindings, { '8080/tcp': [{ HostPort: '8080' }] });
  assert.ok(!('PortBindings' in specOf({ container: { ports: [8080], network: 'host' } }).HostConfig));
});

test('values that no kernel takes are refused before anything is made', () => {
  const env = { BIG: 'x'.repeat(128 * 1024) };
  assert.throws(() => specOf({ executors: [anExecutor('tool:1', ['run'], { env })] }), {
    code: 'START_FAILED',
    message: /the largest value 129 KiB; the kernel takes 128 KiB for one value/,
    hint: /as a file/,
  });
});

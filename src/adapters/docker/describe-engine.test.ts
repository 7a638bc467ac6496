import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEngine, type LocalView, normalisePlatform } from './describe-engine.ts';
import type { EngineInfo } from './engine-types.ts';

const GIB = 1024 ** 3;

const info = (more: Partial<EngineInfo> = {}): EngineInfo => ({
  ID: 'ABCD',
  Name: 'box',
  NCPU: 4,
  MemTotal: 8 * GIB,
  OSType: 'linux',
  Architecture: 'x86_64',
  ServerVersion: '27.5',
  CgroupVersion: '2',
  CgroupDriver: 'systemd',
  MemoryLimit: true,
  SwapLimit: true,
  CpuCfsQuota: true,
  PidsLimit: true,
  Plugins: { Log: ['json-file', 'local'] },
  ...more,
});
const here: LocalView = { hostname: 'box', cpus: 4, disk: { totalBytes: 100 * GIB, freeBytes: 50 * GIB } };
const socket = { endpoint: 'unix:///var/run/docker.sock', runtimeKey: 'docker:unix:///var/run/docker.sock' };

test('gives out the machine less a reserve that keeps it usable', () => {
  const { description } = describeEngine(info(), socket, here, []);
  assert.deepEqual(description.total, { cpuUnits: 4096, memoryMib: 8192, diskMib: 102_400, gpus: 0 });
  assert.deepEqual(description.capacity, { cpuUnits: 4096, memoryMib: 8192 - 819, diskMib: 51_200 - 5_120, gpus: 0 });
  assert.equal(description.instanceId, 'local');
  assert.equal(description.platform, 'linux/amd64');
  assert.equal(description.label, 'Docker 27.5');
});

test('the reserve is at least 256 MiB, at most 2 GiB, and never more than half', () => {
  const memory = (bytes: number) =>
    describeEngine(info({ MemTotal: bytes }), socket, here, []).description.capacity.memoryMib;
  assert.equal(memory(2 * GIB), 2048 - 256);
  assert.equal(memory(64 * GIB), 65_536 - 2048);
  assert.equal(memory(GIB / 4), 128);
});

test('an engine elsewhere is an instance of its own, also behind a socket of this machine', () => {
  const idOf = (more: Partial<EngineInfo>, endpoint: string) =>
    describeEngine(info(more), { ...socket, endpoint }, here, []).description.instanceId;
  assert.match(idOf({}, 'tcp://box:2375'), /^docker-[0-9a-f]{8}$/);
  assert.match(idOf({ Name: 'docker-desktop' }, 'unix:///x'), /^docker-[0-9a-f]{8}$/);
  assert.match(idOf({ NCPU: 2 }, 'unix:///x'), /^docker-[0-9a-f]{8}$/);
  assert.equal(idOf({}, 'tcp://a:1'), idOf({}, 'tcp://b:1'), 'one engine by two endpoints is one instance');
});

test('says which limits the engine cannot keep, and why', () => {
  const caveats = (more: Partial<EngineInfo>) => describeEngine(info(more), socket, here, []).description.caveats;
  const always = caveats({});
  assert.equal(always.length, 2, always.join('; '));
  assert.ok(caveats({ SwapLimit: false, CgroupVersion: '1' }).includes('memory is limited, swap is not (cgroup v1)'));
  const rootless = caveats({ SecurityOptions: ['name=rootless'], CgroupDriver: 'none' });
  assert.ok(rootless.includes('CPU is counted, not limited (rootless Docker without delegated cgroups)'));
  assert.ok(rootless.includes('memory is counted, not limited (rootless Docker without delegated cgroups)'));
});

test('platforms that are the same are written the same', () => {
  assert.equal(normalisePlatform('linux/x86_64'), 'linux/amd64');
  assert.equal(normalisePlatform('linux/arm64/v8'), 'linux/arm64');
  assert.equal(normalisePlatform('aarch64'), 'linux/arm64');
  assert.equal(normalisePlatform('linux/arm/v7'), 'linux/arm/v7');
  assert.equal(normalisePlatform('linux/armv7l'), 'linux/arm/v7');
});

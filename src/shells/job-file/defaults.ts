// What a field means that is not written. docs/job-file.md says the same in words; a test compares the two.

export const DEFAULTS = {
  cpuUnits: 1024,
  memoryMib: 1024,
  diskMib: 0,
  gpus: 0,
  priority: 50,
  pull: 'missing',
  network: 'bridge',
  init: true,
  retryAttempts: 1,
  retryOn: ['error', 'oom', 'image-pull', 'start', 'timeout'],
  backoffMs: 10_000,
  oomMemoryFactor: 1,
  stopGracePeriodMs: 10_000,
} as const;

/**
 * Fields that backend local refuses, since leaving them out would mislead, and why. Those that only say what may be bought
 * (spot_policy, instances, regions, zones, spread, public_ip, constraints with a weight) are checked and have no effect here.
 */
export const UNSUPPORTED_FIELDS = {
  checkpoint: 'nothing would be saved or brought back',
  queue: 'there are no queues',
  registry_auth: 'logins come from your Docker configuration (docker login)',
  schedule: 'it would run once, now',
  notify: 'nobody would be told',
} as const;

/** Checked, and without effect on backend local, which buys nothing and has one machine. */
export const IDLE_FIELDS = ['spot_policy', 'instances', 'regions', 'zones', 'spread', 'public_ip'] as const;

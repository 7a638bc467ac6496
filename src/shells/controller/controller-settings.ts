// What a controller is told when it starts, beside its state directory. It travels as an argument: no secret in it.

import type { Settings } from '../configuration/settings.ts';

export type ControllerSettings = Pick<
  Settings,
  'keepWorkspacesMs' | 'keepLogsMs' | 'idleEndMs' | 'logLimitMib' | 'freeDiskMinMib'
>;

export const DEFAULT_CONTROLLER_SETTINGS: ControllerSettings = {
  keepWorkspacesMs: 24 * 3_600_000,
  keepLogsMs: 30 * 24 * 3_600_000,
  idleEndMs: 60_000,
  logLimitMib: 64,
  freeDiskMinMib: 1024,
};

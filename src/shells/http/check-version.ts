// A request of another release is refused. From a newer one the controller takes it as its end: it finishes its cycle, and
// the newer client starts a controller of its own, which copies and migrates the store. An older one is told to update.

import type { IncomingHttpHeaders } from 'node:http';
import { DistributoError } from '../../domain/errors.ts';
import { API_HEADER, API_NUMBER, compareVersions, VERSION_HEADER } from '../api/version.ts';
import type { ControllerSelf } from './handlers.ts';

export function checkVersion(headers: IncomingHttpHeaders, version: string, self: Pick<ControllerSelf, 'stop'>): void {
  const theirVersion = headers[VERSION_HEADER];
  const theirNumber = headers[API_HEADER];
  // A client without the headers (curl, a script) takes the API as it is.
  if (typeof theirVersion !== 'string' || typeof theirNumber !== 'string') return;
  if (theirVersion === version && theirNumber === String(API_NUMBER)) return;
  const isNewer = compareVersions(theirVersion, version) > 0 || Number(theirNumber) > API_NUMBER;
  if (isNewer) setImmediate(() => self.stop(`version ${theirVersion} takes over from ${version}`));
  throw new DistributoError(
    'CONTROLLER_VERSION',
    `the controller is version ${version}, this command is version ${theirVersion}`,
    {
      retryable: isNewer,
      hint: isNewer
        ? 'the old controller ends after its cycle and containers go on: try again'
        : `use version ${version} or newer; or distributo controller stop, if the store was not migrated since`,
      details: { version, apiNumber: API_NUMBER, pid: process.pid, isEnding: isNewer },
    },
  );
}

// Refuses a system that Distributo does not run on, before anything else is tried.

import { DistributoError } from '../../domain/errors.ts';

const NODE_MAJOR = 20;
const NODE_MINOR = 19;

export function checkPlatform(platform: string, nodeVersion: string): void {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < NODE_MAJOR || (major === NODE_MAJOR && minor < NODE_MINOR)) {
    throw new DistributoError(
      'PLATFORM_UNSUPPORTED',
      `Node ${nodeVersion} is too old: ${NODE_MAJOR}.${NODE_MINOR} or newer is needed`,
      {
        hint: 'install Node 20 or newer from nodejs.org or your distribution',
      },
    );
  }
  if (platform === 'linux' || platform === 'darwin') return;
  throw new DistributoError(
    'PLATFORM_UNSUPPORTED',
    `Distributo does not run on ${platform}: it runs on Linux and macOS`,
    {
      hint:
        platform === 'win32'
          ? 'on Windows use WSL 2: wsl --install, then the same commands inside'
          : 'use a Linux machine',
    },
  );
}

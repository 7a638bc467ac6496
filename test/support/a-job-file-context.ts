// What a submitting command passes to the parser, with files that lie in memory.

import type { JobFileContext } from '../../src/shells/job-file/job-scope.ts';

export const NOW_MS = Date.UTC(2026, 10, 24, 8);

export function aJobFileContext(
  changes: Partial<JobFileContext> & { readonly files?: Readonly<Record<string, string>> } = {},
): JobFileContext {
  const { files = {}, ...rest } = changes;
  return {
    fileName: 'job.yaml',
    directory: '/home/ada/project',
    nowMs: NOW_MS,
    set: {},
    env: { HOME: '/home/ada', TOKEN: 'not-shown' },
    target: { backend: 'local', runtime: 'docker', endpoint: 'unix:///var/run/docker.sock' },
    owner: { uid: 1000, gid: 1000 },
    openFile: (path) => inMemory(path, files),
    ...rest,
  };
}

async function* inMemory(path: string, files: Readonly<Record<string, string>>): AsyncGenerator<Uint8Array> {
  const content = files[path];
  if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
  yield Buffer.from(content);
}

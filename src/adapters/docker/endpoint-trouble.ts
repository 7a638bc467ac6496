// Why no engine answers at an endpoint, in words that name the endpoint, how it was chosen and what to do. Decides nothing.

import { DistributoError } from '../../domain/errors.ts';

export type ReachedBy = { readonly endpoint: string; readonly chosenBy?: string | undefined };

export function unreachable(reached: ReachedBy, error: unknown): DistributoError {
  const { why, hint } = explain(reached.endpoint, error);
  const origin = reached.chosenBy === undefined ? '' : ` (chosen by ${reached.chosenBy})`;
  return new DistributoError(
    'CONTAINERS_UNREACHABLE',
    `no Docker engine answers at ${reached.endpoint}${origin}: ${why}`,
    {
      hint,
      retryable: true,
      details: { endpoint: reached.endpoint, code: codeOf(error) ?? null },
      cause: error,
    },
  );
}

function explain(endpoint: string, error: unknown): { why: string; hint: string } {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (endpoint.startsWith('unix://')) return explainSocket(endpoint.slice('unix://'.length), code, message);
  if (endpoint.startsWith('ssh://')) {
    return {
      why: message,
      hint: `try by hand: ssh ${endpoint.slice('ssh://'.length)} docker version; the key must work without a question`,
    };
  }
  const why =
    code === 'ECONNREFUSED'
      ? 'nobody listens there'
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'the host name is not known'
        : code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT'
          ? 'the host does not answer'
          : message;
  return {
    why,
    hint: 'check the endpoint with: docker version; choose another with DOCKER_HOST or docker context use',
  };
}

function explainSocket(path: string, code: string | undefined, message: string): { why: string; hint: string } {
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      why: `you have no permission on ${path}, which belongs to the group docker`,
      hint: 'join the group, then log in again: sudo usermod -aG docker "$USER"',
    };
  }
  const isStopped = code === 'ENOENT' || code === 'ECONNREFUSED';
  if (isStopped && /\/\.docker\/(run|desktop)\//.test(path)) {
    return { why: 'Docker Desktop is stopped', hint: desktopHint() };
  }
  if (code === 'ENOENT') return { why: 'the socket does not exist', hint: startHint(path) };
  if (code === 'ECONNREFUSED') return { why: 'the socket is there, but the engine is stopped', hint: startHint(path) };
  return { why: message, hint: startHint(path) };
}

const desktopHint = (): string =>
  process.platform === 'darwin'
    ? 'start it with: open -a Docker'
    : 'start it with: systemctl --user start docker-desktop';

function startHint(path: string): string {
  if (path.includes('podman')) return 'start it with: systemctl --user start podman.socket';
  if (path.startsWith('/run/user/')) return 'start it with: systemctl --user start docker';
  if (process.platform === 'darwin') return 'start Docker Desktop with: open -a Docker';
  return 'start it with: sudo systemctl start docker (or, without systemd: sudo service docker start)';
}

/** The system's code of a failure, also inside a vendor's error and of the first of several addresses. */
export function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string' && !code.startsWith('UND_ERR_SOCKET')) return code;
    if (at instanceof AggregateError && at.errors[0] !== undefined) return codeOf(at.errors[0]);
  }
  return undefined;
}

// What a web server's answer means: statuses in words, which failures may pass, checksums in headers.

import type { IncomingHttpHeaders } from 'undici/types/header.js';
import { DistributoError } from '../../domain/errors.ts';

export const isRetryableStatus = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505);

/** `Retry-After`: seconds, or a date. */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** Lower-case hex, where a header states the SHA-256 of the whole file (RFC 9530, and what came before it). */
export function sha256Of(headers: IncomingHttpHeaders): string | null {
  const modern = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(String(headers['repr-digest'] ?? ''))?.[1];
  const older = /(?:^|,)\s*sha-256=([A-Za-z0-9+/=]+)/i.exec(String(headers.digest ?? ''))?.[1];
  const amazon = headers['x-amz-checksum-sha256'];
  const base64 = modern ?? older ?? (typeof amazon === 'string' && !amazon.includes('-') ? amazon : undefined);
  if (base64 === undefined) return null;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === 32 ? bytes.toString('hex') : null;
}

/** Of a refusal: what it is and what to check. `name` is the URL as it may be shown. */
export function explainStatus(name: string, status: number): DistributoError {
  const [what, hint] = explanation(status);
  return new DistributoError('INPUT_UNREADABLE', `${name} ${what}`, {
    hint,
    retryable: isRetryableStatus(status),
    details: { url: name, status },
  });
}

function explanation(status: number): readonly [string, string] {
  if (status === 401) return ['needs a login (401)', 'put a signed or public address in its url'];
  if (status === 403) return ['may not be read (403)', 'check that its link is still valid: signed links expire'];
  if (status === 404 || status === 410) return [`does not exist (${status})`, 'check the spelling of its url'];
  if (status === 407) return ['is behind a proxy that needs a login (407)', 'put the login into HTTPS_PROXY'];
  if (status === 429)
    return ['is refused for now: too many requests (429)', 'run fewer tasks at once, or fetch it once'];
  if (status >= 500) return [`could not be served: the server failed (${status})`, 'try again later: distributo retry'];
  return [`was answered with status ${status}`, 'open the address in a browser and see what it says'];
}

export function unreachable(name: string, error: unknown, tries: number): DistributoError {
  const { code } = error as { code?: string };
  const [what, hint] = TROUBLES[code ?? ''] ?? [
    error instanceof Error ? error.message : String(error),
    'check the address',
  ];
  return new DistributoError('INPUT_UNREADABLE', `${name} could not be reached: ${what} (${tries} tries)`, {
    hint,
    retryable: true,
    details: { url: name, reason: code ?? null },
    cause: error,
  });
}

const CHECK_NETWORK = 'check the network of this machine, and HTTPS_PROXY where a proxy is needed';
const TROUBLES: Readonly<Record<string, readonly [string, string]>> = {
  ENOTFOUND: ['no such host', 'check the spelling of its url'],
  EAI_AGAIN: ['the name server does not answer', CHECK_NETWORK],
  ECONNREFUSED: ['nothing listens there', 'check host and port, and that the server runs'],
  ECONNRESET: ['the connection was cut', CHECK_NETWORK],
  UND_ERR_SOCKET: ['the connection was cut', CHECK_NETWORK],
  UND_ERR_CONNECT_TIMEOUT: ['no answer in time', CHECK_NETWORK],
  UND_ERR_HEADERS_TIMEOUT: ['no answer in time', CHECK_NETWORK],
  ETIMEDOUT: ['no answer in time', CHECK_NETWORK],
  ENETUNREACH: ['no way to that network', CHECK_NETWORK],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'tell who runs the server'],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    'its certificate is self-signed',
    'set NODE_EXTRA_CA_CERTS to the file of its authority',
  ],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is self-signed', 'set NODE_EXTRA_CA_CERTS to the file of its authority'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'its certificate cannot be checked',
    'set NODE_EXTRA_CA_CERTS to the file of its authority',
  ],
};

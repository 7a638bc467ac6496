// Chooses by a URL's scheme who reaches it. Each is loaded at its first use: most runs never touch S3.

import { DistributoError, type ErrorCode } from '../../domain/errors.ts';
import type { AwsCredentials } from '../../domain/job.ts';
import { schemeOf, type TransferDirection, transferTrouble } from '../../domain/transfer-url.ts';
import type { Objects } from '../../ports/objects.ts';
import { displayUrl } from '../../workspace/display-url.ts';
import type { AwsSettings } from './aws-settings.ts';
import { createFileObjects } from './file.ts';
import type { HttpSettings } from './http.ts';

export type ObjectsSettings = {
  /** The submitting client's; travels with the run. */
  readonly aws?: AwsSettings;
  /** Keys of the client's environment, held in memory. As with the SDK, a profile that is named comes before them. */
  readonly credentials?: AwsCredentials;
  readonly http?: HttpSettings;
};

export function createObjects(settings: ObjectsSettings = {}): Objects {
  const { aws, credentials } = settings;
  const file = createFileObjects();
  let http: Promise<Objects> | undefined;
  let s3: Promise<Objects> | undefined;
  const objectsFor = async (url: string, direction: TransferDirection): Promise<Objects> => {
    const trouble = transferTrouble(url, direction);
    const scheme = schemeOf(url);
    if (trouble !== undefined) throw refusal(url, scheme, direction, trouble);
    if (scheme === 'file') return file;
    if (scheme === 's3') {
      const keys = credentials === undefined || aws?.profile !== undefined ? {} : { credentials };
      s3 ??= import('./s3.ts').then(({ createS3Objects }) => createS3Objects({ ...aws, ...keys }));
      return await s3;
    }
    http ??= import('./http.ts').then(({ createHttpObjects }) => createHttpObjects(settings.http));
    return await http;
  };
  return {
    stat: async (url) => await (await objectsFor(url, 'input')).stat(url),
    write: async (url, content, options) => await (await objectsFor(url, 'output')).write(url, content, options),
    async *list(url) {
      yield* (await objectsFor(url, 'input')).list(url);
    },
    async *read(url) {
      yield* (await objectsFor(url, 'input')).read(url);
    },
  };
}

type Client = {
  readonly target: { readonly aws?: AwsSettings & { readonly hasKeys?: boolean } };
  readonly awsCredentials: AwsCredentials | null;
};

/**
 * Objects for each client's AWS surroundings: runs of several clients share a controller and a runtime, not their profiles and
 * keys. The same surroundings get the same objects, and with them the same connections.
 */
export function createObjectsByClient(
  settings: Omit<ObjectsSettings, 'aws' | 'credentials'> = {},
): (client: Client) => Objects {
  const known = new Map<string, Objects>();
  return ({ target, awsCredentials }) => {
    const { hasKeys: _hasKeys, ...aws } = target.aws ?? {};
    const key = JSON.stringify([Object.entries(aws).sort(([a], [b]) => (a < b ? -1 : 1)), awsCredentials]);
    const credentials = awsCredentials === null ? {} : { credentials: awsCredentials };
    const objects = known.get(key) ?? createObjects({ ...settings, aws, ...credentials });
    known.set(key, objects);
    return objects;
  };
}

function refusal(
  url: string,
  scheme: string,
  direction: TransferDirection,
  { what, hint }: { readonly what: string; readonly hint: string },
): DistributoError {
  const isKnown = scheme === 'file' || scheme === 's3' || (scheme.startsWith('http') && direction === 'input');
  const code: ErrorCode = !isKnown ? 'NOT_SUPPORTED' : direction === 'input' ? 'INPUT_UNREADABLE' : 'OUTPUT_UNWRITABLE';
  return new DistributoError(code, `${displayUrl(url)} ${what}`, { hint });
}

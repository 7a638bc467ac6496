// Chooses by a URL's scheme who reaches it. Each is loaded at its first use: most runs never touch S3.

import { DistributoError } from '../../domain/errors.ts';
import type { Objects } from '../../ports/objects.ts';
import { displayUrl } from '../../workspace/display-url.ts';
import type { AwsCredentials, AwsSettings } from './aws-settings.ts';
import { createFileObjects } from './file.ts';
import type { HttpSettings } from './http.ts';

export type ObjectsSettings = {
  /** The submitting client's; travels with the run. */
  readonly aws?: AwsSettings;
  /** Keys of the client's environment, held in memory; without them the SDK looks where it always does. */
  readonly credentials?: AwsCredentials;
  readonly http?: HttpSettings;
};

export function createObjects(settings: ObjectsSettings = {}): Objects {
  const file = createFileObjects();
  let http: Promise<Objects> | undefined;
  let s3: Promise<Objects> | undefined;
  const objectsFor = (url: string): Objects | Promise<Objects> => {
    switch (schemeOf(url)) {
      case 'file':
        return file;
      case 'http':
      case 'https':
        http ??= import('./http.ts').then(({ createHttpObjects }) => createHttpObjects(settings.http));
        return http;
      case 's3':
        s3 ??= import('./s3.ts').then(({ createS3Objects }) =>
          createS3Objects({
            ...settings.aws,
            ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
          }),
        );
        return s3;
      default:
        throw new DistributoError('NOT_SUPPORTED', `no way is known to reach ${displayUrl(url)}`, {
          hint: 'use a file://, http://, https:// or s3:// URL',
        });
    }
  };
  return {
    stat: async (url) => await (await objectsFor(url)).stat(url),
    write: async (url, content, options) => await (await objectsFor(url)).write(url, content, options),
    async *list(url) {
      yield* (await objectsFor(url)).list(url);
    },
    async *read(url) {
      yield* (await objectsFor(url)).read(url);
    },
  };
}

const schemeOf = (url: string): string => /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? '';

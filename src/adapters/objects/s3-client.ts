// Opens the client of S3, lazily: loading the SDK takes longer than most commands.

import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { AwsCredentials } from '../../domain/job.ts';
import type { Sleep } from '../../workspace/bounded-flow.ts';
import type { AwsSettings } from './aws-settings.ts';

export type S3Settings = AwsSettings & {
  readonly credentials?: AwsCredentials;
  readonly sleep?: Sleep;
  readonly attemptsMax?: number;
};

/** Signs requests where no region is set; redirects lead to a bucket's own. */
const REGION_UNTIL_TOLD = 'us-east-1';
const ATTEMPTS_MAX = 5;

export async function openS3Client(
  settings: S3Settings,
): Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> {
  const [sdk, { defaultProvider }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/credential-provider-node'),
  ]);
  const { profile = 'default', credentialsFile: filepath, configFile: configFilepath } = settings;
  // A profile is always named: without one the SDK would take keys from the environment of this process, which are those of
  // whoever started it. Files are read again each time, so that a new login is seen.
  const files = {
    ...(filepath === undefined ? {} : { filepath }),
    ...(configFilepath === undefined ? {} : { configFilepath }),
  };
  const credentials = settings.credentials ?? defaultProvider({ profile, ...files, ignoreCache: true, logger: SILENT });
  const open = (region: string | undefined): S3Client =>
    withoutNodeWarning(() => new sdk.S3Client({ ...configOf(settings, region), credentials }));
  const client = open(settings.region);
  try {
    await client.config.region();
    return { sdk, client };
  } catch {
    client.destroy();
    return { sdk, client: open(REGION_UNTIL_TOLD) };
  }
}

function configOf(settings: S3Settings, region: string | undefined): S3ClientConfig {
  const { profile, endpoint } = settings;
  return {
    maxAttempts: settings.attemptsMax ?? ATTEMPTS_MAX,
    followRegionRedirects: true,
    // The content is checked as a whole, over all resumptions; see verify-content.ts.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 15_000,
      requestTimeout: 120_000,
      throwOnRequestTimeout: true,
      socketTimeout: 60_000,
      httpAgent: { maxSockets: 64 },
      httpsAgent: { maxSockets: 64 },
    },
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: !/\.amazonaws\.com(\.cn)?(:|\/|$)/.test(endpoint) }),
  };
}

const nothing = (): void => undefined;
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

const QUIET = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

/** The SDK warns once of the Node version we support on purpose; other warnings stay. */
function withoutNodeWarning<T>(open: () => T): T {
  const before = process.env[QUIET];
  process.env[QUIET] = 'true';
  try {
    return open();
  } finally {
    if (before === undefined) delete process.env[QUIET];
    else process.env[QUIET] = before;
  }
}

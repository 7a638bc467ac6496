// The submitting client's AWS surroundings: what travels with a run and is stored, apart from keys, which live in memory only.

import type { AwsCredentials } from '../../domain/job.ts';

/** Holds no secret; stored with the run. */
export type AwsSettings = {
  readonly profile?: string;
  readonly region?: string;
  /** For S3-compatible stores; null: Amazon's own. */
  readonly endpoint?: string;
  /** Where the client keeps its profiles, if not in ~/.aws. */
  readonly configFile?: string;
  readonly credentialsFile?: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** `endpoint` is the command line's `--s3-endpoint`, which comes before the variables. */
export function awsSettingsOf(environment: Environment, endpoint?: string): AwsSettings {
  const of = (...names: readonly string[]): string | undefined =>
    names.map((name) => environment[name]).find((value) => value !== undefined && value !== '');
  const found = {
    profile: of('AWS_PROFILE'),
    region: of('AWS_REGION', 'AWS_DEFAULT_REGION'),
    endpoint: endpoint ?? of('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'),
    configFile: of('AWS_CONFIG_FILE'),
    credentialsFile: of('AWS_SHARED_CREDENTIALS_FILE'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

export function awsCredentialsOf(environment: Environment): AwsCredentials | undefined {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = environment;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

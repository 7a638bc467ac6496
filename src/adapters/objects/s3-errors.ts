// What S3, or the way to it, says when it refuses: in our words, with what to do next. No name of the SDK's errors leaves here.

import { DistributoError, type ErrorCode } from '../../domain/errors.ts';
import type { AwsSettings } from './aws-settings.ts';

export type S3Place = {
  readonly bucket: string;
  readonly key: string;
  readonly url: string;
  readonly settings: AwsSettings;
};

type SdkError = {
  readonly name?: string;
  readonly Code?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: unknown;
  readonly $response?: { readonly statusCode?: number };
};

/** Nothing of that key; said by a HEAD, which tells no more. */
export const isMissing = (error: unknown): boolean => {
  const { name, $metadata } = error as SdkError;
  return name === 'NotFound' || name === 'NoSuchKey' || $metadata?.httpStatusCode === 404;
};

export function translateS3(error: unknown, place: S3Place, code: ErrorCode): DistributoError {
  if (error instanceof DistributoError) return error;
  const { name = '', Code, code: systemCode, message = '', $metadata, $response } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  const names: string[] = [name, Code ?? '', systemCode ?? '', status === undefined ? '' : String(status)];
  if (/checksum mismatch/i.test(message)) names.push('ChecksumMismatch');
  const known = names.map((one) => EXPLANATIONS[one]).find((one) => one !== undefined);
  const isTransient =
    names.some((one) => TRANSIENT.has(one)) ||
    (status !== undefined && status >= 500) ||
    /timed? ?out|socket hang up|aborted/i.test(message);
  const verb = code === 'OUTPUT_UNWRITABLE' ? 'be written' : 'be read';
  const [what, hint] = known?.(place) ?? [
    message.split('\n')[0] || `status ${status}`,
    isTransient ? 'try again later: distributo retry' : 'check bucket, key and endpoint',
  ];
  return new DistributoError(code, `${place.url} could not ${verb}: ${what}`, {
    hint,
    retryable: isTransient,
    details: { url: place.url, reason: Code ?? name, status: status ?? null },
    // Only its words: the SDK's errors carry requests, and those signatures.
    cause: new Error(`${name}: ${message}`),
  });
}

const who = ({ settings }: S3Place): string =>
  settings.profile === undefined ? 'the credentials in use' : `the credentials of profile ${settings.profile}`;

const where = ({ settings }: S3Place): string =>
  settings.endpoint === undefined
    ? settings.region === undefined
      ? 'at Amazon S3'
      : `at Amazon S3 (${settings.region})`
    : `at ${settings.endpoint}`;

const login = ({ settings }: S3Place): string =>
  `aws sso login${settings.profile === undefined ? '' : ` --profile ${settings.profile}`}, or export new keys; then: distributo retry`;

type Explain = (place: S3Place) => readonly [string, string];

const denied: Explain = (place) => [
  `access denied (403)`,
  `${who(place)} need s3:GetObject, s3:PutObject and s3:ListBucket on ${place.bucket}; see: aws sts get-caller-identity`,
];
const expired: Explain = (place) => [`${who(place)} have expired`, login(place)];
const wrongKeys: Explain = (place) => [
  `${who(place)} are not known ${where(place)}`,
  'check the keys: aws sts get-caller-identity',
];
const noCredentials: Explain = ({ settings }) => [
  settings.profile === undefined ? 'no AWS credentials were found' : `profile ${settings.profile} gives no credentials`,
  'run: aws configure, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where you submit',
];
const wrongRegion: Explain = (place) => [
  `bucket ${place.bucket} lies in another region than ${place.settings.region ?? 'the one in use'}`,
  `set AWS_REGION to the region of the bucket: aws s3api get-bucket-location --bucket ${place.bucket}`,
];
const noHost: Explain = (place) => [
  `no host of that name ${where(place)}`,
  'check --s3-endpoint, AWS_ENDPOINT_URL_S3 and the region',
];
const refused: Explain = (place) => [
  `nothing listens ${where(place)}`,
  'check --s3-endpoint and AWS_ENDPOINT_URL_S3, and that the store runs',
];
const cut: Explain = (place) => [`the connection ${where(place)} was cut`, 'check the network; then: distributo retry'];
const slow: Explain = (place) => [`no answer in time ${where(place)}`, 'check the network; then: distributo retry'];
const full: Explain = (place) => [
  `the store ${where(place)} has no room left`,
  'free space there; then: distributo retry',
];

const EXPLANATIONS: Readonly<Record<string, Explain>> = {
  NoSuchBucket: ({ bucket, settings, ...place }) => [
    `bucket ${bucket} does not exist ${where({ bucket, settings, ...place })}`,
    `create it: aws s3 mb s3://${bucket}, or correct the url${settings.endpoint === undefined ? '' : ' or the endpoint'}`,
  ],
  InvalidBucketName: ({ bucket }) => [`${bucket} is no valid bucket name`, 'correct the url: s3://bucket/key'],
  NoSuchKey: () => ['it does not exist', 'check the spelling of its url'],
  NotFound: () => ['it does not exist', 'check the spelling of its url'],
  PreconditionFailed: () => ['it changed while it was read', 'try again once it no longer changes'],
  InvalidObjectState: () => ['it lies in an archive class (Glacier)', 'restore it first: aws s3api restore-object'],
  KeyTooLongError: () => ['its key is longer than 1,024 bytes', 'choose a shorter key'],
  AccessDenied: denied,
  Forbidden: denied,
  AllAccessDisabled: denied,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  InvalidToken: wrongKeys,
  InvalidAccessKeyId: wrongKeys,
  SignatureDoesNotMatch: wrongKeys,
  UnrecognizedClientException: wrongKeys,
  CredentialsProviderError: noCredentials,
  TokenProviderError: noCredentials,
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  RequestTimeTooSkewed: () => ['the clock of this machine is wrong', 'set the clock: timedatectl set-ntp true'],
  ChecksumMismatch: () => [
    'its content does not match the SHA-256 the store states: it was damaged on its way',
    'try again; if it stays, something between damages it',
  ],
  SlowDown: (place) => [`too many requests ${where(place)}`, 'run fewer tasks at once; then: distributo retry'],
  XMinioStorageFull: full,
  QuotaExceeded: full,
  InsufficientStorage: full,
  ENOTFOUND: noHost,
  ECONNREFUSED: refused,
  ECONNRESET: cut,
  EPIPE: cut,
  TimeoutError: slow,
  ETIMEDOUT: slow,
  '301': wrongRegion,
  '401': wrongKeys,
  '403': denied,
};

/** May pass by itself. */
const TRANSIENT = new Set([
  'ChecksumMismatch',
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'ThrottlingException',
  'Throttling',
  'TimeoutError',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'PreconditionFailed',
  'ERR_STREAM_PREMATURE_CLOSE',
  '429',
]);

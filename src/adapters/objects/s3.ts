// Objects of S3 and stores that speak like it: s3://bucket/key, the key as it is, not encoded. A prefix is a directory. Small
// files are one PUT, larger ones a multipart upload of which nothing is seen until it is complete.

import type { GetObjectCommandOutput, HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { DistributoError } from '../../domain/errors.ts';
import type { ListedObject, ObjectStat, Objects, ObjectWriteOptions } from '../../ports/objects.ts';
import { type Sleep, sleep } from '../../workspace/bounded-flow.ts';
import { ofSize, readWhole } from '../../workspace/file-content.ts';
import { verified } from '../../workspace/verify-content.ts';
import { openS3Client, type S3Settings } from './s3-client.ts';
import { isMissing, type S3Place, translateS3 } from './s3-errors.ts';

const MIB = 1024 * 1024;
/** Up to here one PUT; the body is held, so that the SDK can send it again. */
const SINGLE_PUT_BYTES_MAX = 8 * MIB;
const PART_BYTES = 8 * MIB;
const PARTS_AT_ONCE = 2;
/** S3 takes 10,000 parts; a few are left for rounding. */
const PARTS_MAX = 9_900;
const READ_TRIES_MAX = 5;

type Sdk = typeof import('@aws-sdk/client-s3');
type Connection = { readonly sdk: Sdk; readonly client: S3Client };

export function createS3Objects(settings: S3Settings): Objects {
  let opening: Promise<Connection> | undefined;
  const connect = (): Promise<Connection> => {
    opening ??= openS3Client(settings);
    return opening;
  };
  const place = (url: string): S3Place => ({ ...parseS3Url(url), url, settings });

  return {
    stat: (url) => statObject(connect, place(url)),
    list: (url) => listPrefix(connect, place(url)),
    read: (url) => readObject(connect, place(url), settings.sleep ?? sleep),
    write: (url, content, options) => writeObject(connect, place(url), content, options),
  };
}

type Connect = () => Promise<Connection>;

export function parseS3Url(url: string): { readonly bucket: string; readonly key: string } {
  const [, bucket, key = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/is.exec(url) ?? [];
  if (bucket !== undefined) return { bucket, key };
  throw new DistributoError('INPUT_UNREADABLE', `${url} names no bucket`, { hint: 'write s3://bucket/key' });
}

async function statObject(connect: Connect, place: S3Place): Promise<ObjectStat | undefined> {
  const { bucket, key } = place;
  const { sdk, client } = await connect();
  if (key !== '' && !key.endsWith('/')) {
    try {
      const head = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }));
      const sizeBytes = head.ContentLength ?? null;
      return { kind: 'file', sizeBytes, sha256: sha256Of(head), etag: etagOf(head), mode: null };
    } catch (error) {
      // A HEAD says neither why nor what: the listing below does, with the same rights.
      if (!isMissing(error)) await explainHead(client, sdk, place, error);
    }
  }
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  try {
    const listing = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }));
    const isThere = key === '' || (listing.Contents ?? []).length > 0;
    return isThere ? { kind: 'directory', sizeBytes: null, sha256: null, etag: null, mode: null } : undefined;
  } catch (error) {
    throw translateS3(error, place, 'INPUT_UNREADABLE');
  }
}

/** Throws what a listing says of the trouble, or the HEAD's own error where listing works. */
async function explainHead(client: S3Client, sdk: Sdk, place: S3Place, error: unknown): Promise<never> {
  try {
    await client.send(new sdk.ListObjectsV2Command({ Bucket: place.bucket, Prefix: place.key, MaxKeys: 1 }));
  } catch (listing) {
    throw translateS3(listing, place, 'INPUT_UNREADABLE');
  }
  throw translateS3(error, place, 'INPUT_UNREADABLE');
}

async function* listPrefix(connect: Connect, place: S3Place): AsyncGenerator<ListedObject> {
  const { bucket, key } = place;
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const { sdk, client } = await connect();
  // Encoded, since XML cannot carry every character of a key.
  const query = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' } as const;
  try {
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const page = await client.send(
        new sdk.ListObjectsV2Command({ ...query, ...(token === undefined ? {} : { ContinuationToken: token }) }),
      );
      for (const found of page.Contents ?? []) {
        const path = decodeKey(found.Key ?? '').slice(prefix.length);
        const isFolderMark = (path === '' || path.endsWith('/')) && (found.Size ?? 0) === 0;
        if (!isFolderMark) yield { path, sizeBytes: found.Size ?? 0, mode: null };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    }
  } catch (error) {
    throw translateS3(error, place, 'INPUT_UNREADABLE');
  }
}

const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));

function readObject(connect: Connect, place: S3Place, pause: Sleep): AsyncIterable<Uint8Array> {
  const stated: Stated = { sizeBytes: null, sha256: null, md5: null, etag: null };
  return verified(readResuming(connect, place, stated, pause), place.url, () => stated);
}

type Stated = { sizeBytes: number | null; sha256: string | null; md5: string | null; etag: string | null };

async function* readResuming(
  connect: Connect,
  place: S3Place,
  stated: Stated,
  pause: Sleep,
): AsyncGenerator<Uint8Array> {
  const { sdk, client } = await connect();
  let offset = 0;
  for (let fruitless = 0; stated.sizeBytes === null || offset < stated.sizeBytes; ) {
    const before = offset;
    // The same object or none: a new version would be glued to the old one's beginning.
    const resume =
      offset === 0 ? {} : { Range: `bytes=${offset}-`, ...(stated.etag === null ? {} : { IfMatch: stated.etag }) };
    try {
      const got = await client.send(
        new sdk.GetObjectCommand({ Bucket: place.bucket, Key: place.key, ChecksumMode: 'ENABLED', ...resume }),
      );
      if (offset === 0) note(stated, got, place);
      for await (const chunk of got.Body as AsyncIterable<Uint8Array>) {
        offset += chunk.length;
        yield chunk;
      }
      if (stated.sizeBytes === null || offset >= stated.sizeBytes) return;
    } catch (error) {
      const translated = translateS3(error, place, 'INPUT_UNREADABLE');
      if (!translated.retryable || fruitless + 1 >= READ_TRIES_MAX) throw translated;
    }
    fruitless = offset > before ? 1 : fruitless + 1;
    if (fruitless >= READ_TRIES_MAX) return; // the check of the size tells the rest
    await pause(500 * 2 ** (fruitless - 1), NEVER);
  }
}

const NEVER = new AbortController().signal;

function note(stated: Stated, got: GetObjectCommandOutput, place: S3Place): void {
  stated.sizeBytes = got.ContentLength ?? null;
  stated.sha256 = sha256Of(got);
  stated.etag = got.ETag ?? null;
  stated.md5 = place.settings.endpoint === undefined ? md5Of(got) : null;
}

type Described = Pick<
  HeadObjectCommandOutput,
  'ETag' | 'ChecksumSHA256' | 'ServerSideEncryption' | 'SSECustomerAlgorithm'
>;

const etagOf = ({ ETag }: Described): string | null => ETag?.replaceAll('"', '') ?? null;

/** Of the whole object; a multipart upload has a checksum of checksums, `…-3`, which says nothing of the bytes in a row. */
function sha256Of({ ChecksumSHA256 }: Described): string | null {
  if (ChecksumSHA256 === undefined || ChecksumSHA256.includes('-')) return null;
  return Buffer.from(ChecksumSHA256, 'base64').toString('hex');
}

/** Amazon's ETag is the MD5 only of objects put at once and not encrypted with a key of KMS or the caller's. */
export function md5Of(described: Described): string | null {
  const etag = etagOf(described);
  const isPlain = described.ServerSideEncryption === undefined || described.ServerSideEncryption === 'AES256';
  return etag !== null && /^[0-9a-f]{32}$/.test(etag) && isPlain && described.SSECustomerAlgorithm === undefined
    ? etag
    : null;
}

async function writeObject(
  connect: Connect,
  place: S3Place,
  content: AsyncIterable<Uint8Array>,
  { sizeBytes }: ObjectWriteOptions,
): Promise<void> {
  const { sdk, client } = await connect();
  const target = { Bucket: place.bucket, Key: place.key, ChecksumAlgorithm: 'SHA256' } as const;
  const checked = ofSize(content, sizeBytes, 'OUTPUT_UNWRITABLE', place.url);
  if (place.key === '') return; // the bucket itself, as an empty directory
  try {
    if (sizeBytes <= SINGLE_PUT_BYTES_MAX) {
      await client.send(
        new sdk.PutObjectCommand({ ...target, Body: await readWhole(checked), ContentLength: sizeBytes }),
      );
      return;
    }
    const [{ Upload }, { Readable }] = await Promise.all([import('@aws-sdk/lib-storage'), import('node:stream')]);
    const partSize = Math.max(PART_BYTES, Math.ceil(sizeBytes / PARTS_MAX));
    const Body = Readable.from(checked, { objectMode: false });
    // Gives the upload up, and with it the parts that were sent, where content or connection fails.
    await new Upload({
      client,
      params: { ...target, Body },
      partSize,
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: false,
    }).done();
  } catch (error) {
    throw translateS3(error, place, 'OUTPUT_UNWRITABLE');
  }
}

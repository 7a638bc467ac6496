// Files and folders by URL: file, http(s), s3. What staging reads inputs from and publishes outputs to.

export type ObjectStat = {
  readonly kind: 'file' | 'directory';
  /** null where the server does not say. */
  readonly sizeBytes: number | null;
  /** Lower-case hex; null where not known. */
  readonly sha256: string | null;
  readonly etag: string | null;
  /** Permission bits of a local file; null elsewhere. */
  readonly mode: number | null;
};

export type ListedObject = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Permission bits of a local file; null elsewhere. */
  readonly mode: number | null;
};

export interface Objects {
  /** undefined: there is nothing. A prefix with objects below it is a directory. */
  stat(url: string): Promise<ObjectStat | undefined>;
  /** Every file below a directory, by path relative to it, each folder's files in the order of their names. */
  list(url: string): AsyncIterable<ListedObject>;
  /** Streams; retried and resumed inside; checked against size, ETag and SHA-256 where they are known. Throws INPUT_UNREADABLE. */
  read(url: string): AsyncIterable<Uint8Array>;
  /**
   * Published at once or not at all. `sizeBytes` is what `content` will give. A URL that ends in `/`, with no content, makes
   * an empty directory. Throws OUTPUT_UNWRITABLE.
   */
  write(url: string, content: AsyncIterable<Uint8Array>, options: ObjectWriteOptions): Promise<void>;
}

export type ObjectWriteOptions = {
  readonly sizeBytes: number;
  readonly mode?: number;
  /** Local files are given to this user where we may. */
  readonly owner?: { readonly uid: number; readonly gid: number };
};

// The files of one attempt, wherever they lie: a directory, or a container's file system behind an engine's archive API.

export type WorkspaceEntry = {
  /** Relative to the path that was asked for, `/` between parts, never with `..`. Empty for a single file itself. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly sizeBytes: number;
  readonly mode: number;
  /** Read once, in order, before the next entry is asked for; skipped where it is not read. Empty for a directory. */
  readonly content: AsyncIterable<Uint8Array>;
};

export interface WorkspaceFiles {
  /** Writes entries below `path` (relative to the workspace's root, or absolute inside a container); parents are made. */
  write(path: string, entries: AsyncIterable<WorkspaceEntry>): Promise<void>;
  /**
   * What lies at `path`, a directory before what is in it; nothing there gives no entry. Links inside the workspace are
   * followed; one that leaves it throws PATH_ESCAPES, and so does a device, socket or pipe.
   */
  read(path: string): AsyncIterable<WorkspaceEntry>;
}

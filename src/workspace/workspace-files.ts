// The files of one attempt, wherever they lie: a directory, or a container's file system behind an engine's archive API.

export type WorkspaceEntry = {
  /** Relative to the path that was asked for, `/` between parts, never with `..`. Empty for a single file itself. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly sizeBytes: number;
  readonly mode: number;
  /** Read once, in order, before the next entry is asked for. Empty for a directory. */
  readonly content: AsyncIterable<Uint8Array>;
};

export interface WorkspaceFiles {
  /** Writes entries below `path` (relative to the workspace's root, or absolute inside a container); parents are made. */
  write(path: string, entries: AsyncIterable<WorkspaceEntry>): Promise<void>;
  /** What lies at `path`; nothing there gives no entry. A link that leaves the workspace throws PATH_ESCAPES. */
  read(path: string): AsyncIterable<WorkspaceEntry>;
}

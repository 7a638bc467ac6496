// Brings inputs into an attempt's workspace before its first executor and takes outputs out after its last. Streams: memory is
// bounded by a few small files and chunks, whatever the sizes. Where the files lie and how URLs are reached is not known here.

import { DistributoError, type ErrorCode } from '../domain/errors.ts';
import type { Transfer } from '../domain/job.ts';
import type { Objects } from '../ports/objects.ts';
import { Crew, type Sleep, sleep, withRetries } from './bounded-flow.ts';
import { bringIn } from './bring-in.ts';
import { displayUrl } from './display-url.ts';
import { type Owner, takeOut } from './take-out.ts';
import type { WorkspaceFiles } from './workspace-files.ts';

export type StagingOptions = {
  readonly sleep?: Sleep;
  /** After a failed executor: what is there is taken out, and what is not there is no second failure. */
  readonly skipMissing?: boolean;
};

/** Transfers at once; each may hold a few small files or chunks in memory. */
const TRANSFERS_AT_ONCE = 4;

/** Throws INPUT_UNREADABLE or PATH_ESCAPES at the first input that cannot be had; the others are given up. */
export async function stageIn(
  inputs: readonly Transfer[],
  files: WorkspaceFiles,
  objects: Objects,
  signal: AbortSignal,
  options: StagingOptions = {},
): Promise<void> {
  const giveUp = new AbortController();
  const either = AbortSignal.any([signal, giveUp.signal]);
  let failure: DistributoError | undefined;
  await transferAll(inputs, async (input) => {
    if (either.aborted) return;
    try {
      await withRetries(() => bringIn(input, files, objects, either), either, options.sleep ?? sleep);
    } catch (error) {
      if (either.aborted) return;
      const what = `input ${displayUrl(input.url)} could not be brought to ${input.path}`;
      failure = asDistributoError(error, 'INPUT_UNREADABLE', what);
      giveUp.abort();
    }
  });
  signal.throwIfAborted();
  if (failure !== undefined) throw failure;
}

/**
 * Throws OUTPUT_MISSING, OUTPUT_UNWRITABLE or PATH_ESCAPES; an output that fails does not keep the others from being published.
 * Each file is published at once or not at all; a second call with the same outputs writes the same again.
 */
export async function stageOut(
  outputs: readonly Transfer[],
  files: WorkspaceFiles,
  objects: Objects,
  owner: Owner | null,
  signal: AbortSignal,
  options: StagingOptions = {},
): Promise<void> {
  const failures = new Map<number, DistributoError>();
  await transferAll(outputs, async (output, at) => {
    if (signal.aborted) return;
    // What an earlier try has published is not sent again.
    const published = new Set<string>();
    const skipMissing = options.skipMissing === true;
    try {
      const once = () => takeOut({ output, files, objects, owner, signal, published, skipMissing });
      await withRetries(once, signal, options.sleep ?? sleep);
    } catch (error) {
      const what = `output ${output.path} could not be written to ${displayUrl(output.url)}`;
      failures.set(at, asDistributoError(error, 'OUTPUT_UNWRITABLE', what));
    }
  });
  signal.throwIfAborted();
  if (failures.size > 0) throw oneOf([...failures].sort(([a], [b]) => a - b).map(([, failure]) => failure));
}

async function transferAll(transfers: readonly Transfer[], transfer: (one: Transfer, at: number) => Promise<void>) {
  const crew = new Crew(TRANSFERS_AT_ONCE);
  for (const [at, one] of transfers.entries()) await crew.add(() => transfer(one, at));
  await crew.end();
}

/** The first failure, telling of the others. */
function oneOf(failures: readonly DistributoError[]): DistributoError {
  const [first] = failures as readonly [DistributoError];
  if (failures.length === 1) return first;
  return new DistributoError(first.code, `${first.message} (and ${failures.length - 1} more of this task's outputs)`, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    retryable: failures.every((failure) => failure.retryable),
    details: { ...first.details, failures: failures.map((failure) => failure.message) },
    cause: first,
  });
}

function asDistributoError(error: unknown, code: ErrorCode, what: string): DistributoError {
  if (error instanceof DistributoError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new DistributoError(code, `${what}: ${why}`, { cause: error });
}

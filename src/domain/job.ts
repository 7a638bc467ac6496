// What was asked for: a run of jobs, each a template and a number of tasks. This is the job file after parsing, with every
// default filled in, every relative path and instant made absolute, every unit turned into ours, and no secret in it.
// Strings marked "template" may hold ${index}, ${start}, ${end}, ${item}, ${item.field} and ${parameter}; see interpolate.ts.

import type { Resources } from './resources.ts';

/** Where a run's tasks run. */
export type Target = {
  readonly backend: 'local';
  readonly runtime: 'docker' | 'process';
  /** Docker: the endpoint found as Docker's own CLI finds it (`unix:///…`, `tcp://…`, `ssh://…`). Process: empty. */
  readonly endpoint: string;
  /** Docker over TLS: a folder with ca.pem, cert.pem, key.pem. */
  readonly tlsDirectory?: string;
  /** Process: the submitting client's PATH. */
  readonly path?: string;
  /** The submitting client's AWS settings for s3:// URLs. Never keys. */
  readonly aws?: {
    readonly profile?: string;
    readonly region?: string;
    readonly endpoint?: string;
    /** Where the client keeps its profiles, if not in ~/.aws. */
    readonly configFile?: string;
    readonly credentialsFile?: string;
    /** Its environment has keys: they are passed beside the run, live in memory, and are passed again after a restart. */
    readonly hasKeys?: boolean;
  };
  /** The submitting client's Docker configuration folder, for registry logins. */
  readonly dockerConfigDirectory?: string;
};

/** Keys of the submitting client's environment. Memory only: never stored, logged or put into a label. */
export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
};

/** The variables that a run with `hasKeys` cannot do without. */
export const AWS_KEY_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

/** The key of the runtime that serves a target; attempts and instances carry it. */
export const runtimeKeyOf = (target: Target): string =>
  target.runtime === 'docker' ? `docker:${target.endpoint}` : 'process';

/** How a job's tasks differ. Items lie in the store, in chunks, under the job. */
export type ArraySpec =
  | { readonly kind: 'single' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'range'; readonly from: number; readonly to: number; readonly step: number }
  | { readonly kind: 'matrix'; readonly axes: readonly { readonly name: string; readonly values: readonly string[] }[] }
  /** `fields` empty: each item is one plain value, `${item}`; else one value a field, `${item.field}`. */
  | { readonly kind: 'items'; readonly itemSetId: string; readonly count: number; readonly fields: readonly string[] };

/** Items travel and are stored in chunks of this many; a chunk is a JSON array of arrays of strings, in field order. */
export const ITEMS_PER_CHUNK = 1000;

export const TASKS_PER_RUN_MAX = 10_000_000;

/** A reference to a secret, never its value. `env`: in the submitting client's environment. */
export type SecretReference = { readonly source: 'env' | 'file'; readonly name: string };

export type Executor = {
  readonly image: string;
  /** Template; null = the image's own. */
  readonly entrypoint: readonly string[] | null;
  /** Template; null = the image's own. */
  readonly command: readonly string[] | null;
  /** Template values. */
  readonly env: Readonly<Record<string, string>>;
  /** Template; null = /workspace where there is a workspace, else the image's own. */
  readonly workdir: string | null;
  /** Templates: paths of files, relative to the workspace. */
  readonly stdin: string | null;
  readonly stdout: string | null;
  readonly stderr: string | null;
  /** True: its failure does not end the task. */
  readonly ignoreError: boolean;
};

/** An input brought into the workspace, or an output taken out. Both are templates. `url`: file://, http(s)://, s3://. */
export type Transfer = { readonly url: string; readonly path: string };

export type Mount = {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  /** bind: absolute path on the machine; volume: its name; tmpfs: empty. Template. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
};

export type RetryPolicy = {
  /** Counted tries, the first included. */
  readonly attempts: number;
  /** Causes that are tried again: `error`, `oom`, `image-pull`, `start`, `timeout`, `exit:N`… */
  readonly on: readonly string[];
  readonly backoffMs: number;
  /** null: no limit. */
  readonly maxInterruptions: number | null;
  /** Memory is multiplied by this after an out-of-memory end; 1 = never. */
  readonly oomMemoryFactor: number;
};

export type Dependency = { readonly job: string; readonly condition: 'succeeded' | 'any-end' };

export type Ulimit = { readonly name: string; readonly soft: number; readonly hard: number };

/** What a container needs beyond its executors; a process honours what it can and refuses the rest at submission. */
export type ContainerOptions = {
  readonly user: string | null;
  readonly shmSizeMib: number | null;
  readonly pidsLimit: number | null;
  readonly ulimits: readonly Ulimit[];
  readonly platform: string | null;
  readonly pull: 'missing' | 'always' | 'never';
  /** `bridge`, `none`, `host` or a network's name. */
  readonly network: string;
  readonly extraHosts: readonly string[];
  readonly init: boolean;
  readonly mounts: readonly Mount[];
  /** Host ports that the task needs for itself. */
  readonly ports: readonly number[];
};

export type Job = {
  readonly name: string;
  readonly array: ArraySpec;
  readonly taskCount: number;
  readonly executors: readonly Executor[];
  readonly resources: Resources;
  readonly container: ContainerOptions;
  /** TARGET (a variable's name or an absolute path) → reference. */
  readonly secrets: Readonly<Record<string, SecretReference>>;
  readonly inputs: readonly Transfer[];
  readonly outputs: readonly Transfer[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly dependsOn: readonly Dependency[];
  readonly retry: RetryPolicy;
  /** null = none. `timeoutMs` counts from the executor's start, `startTimeoutMs` from the attempt's reservation. */
  readonly timeoutMs: number | null;
  readonly startTimeoutMs: number | null;
  readonly stopGracePeriodMs: number;
  readonly estimateDurationMs: number | null;
  readonly priority: number;
};

/** The job file of one run, ready to be submitted. */
export type RunSpec = {
  readonly name: string;
  readonly target: Target;
  readonly jobs: readonly Job[];
  readonly labels: Readonly<Record<string, string>>;
  readonly deadlineAtMs: number | null;
  readonly budgetMicros: number | null;
  readonly maxDurationMs: number | null;
  /** Where the job file lay and was called from, for messages and results. */
  readonly source: { readonly file: string | null; readonly directory: string };
  /** User and group id of the submitting client: results belong to them. null: not known. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
};

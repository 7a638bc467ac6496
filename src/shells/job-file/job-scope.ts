// What is known while one job of a file is built: where it stands, which names its templates may use, how problems are told.

import { arrayNames } from '../../domain/array.ts';
import {
  compileTemplate,
  fillPartly,
  fillTemplate,
  namesIn,
  printTemplate,
  refuseUnknownNames,
  type Template,
} from '../../domain/interpolate.ts';
import type { ArraySpec, Target } from '../../domain/job.ts';
import type { FieldPath } from './problem.ts';
import type { Report } from './read-fields.ts';

/** What the submitting command knows and passes; nothing is looked up elsewhere, so that parsing can be tested. */
export type JobFileContext = {
  /** As shown in messages; null for standard input. */
  readonly fileName: string | null;
  /** Where the command was called: relative paths count from here. Absolute. */
  readonly directory: string;
  readonly nowMs: number;
  /** `--set NAME=value`. */
  readonly set: Readonly<Record<string, string>>;
  /** The submitting client's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly target: Target;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** The bytes of a file, in parts; rejects as Node's file system does. */
  readonly openFile: (path: string) => AsyncIterable<Uint8Array>;
};

export class JobScope {
  readonly context: JobFileContext;
  readonly path: FieldPath;
  readonly report: Report;
  readonly notes: string[];
  readonly parameters: ReadonlyMap<string, string>;
  /** Names that stand in templates and are known; unknown ones with the nearest that is. */
  readonly used = new Set<string>();
  readonly unknown = new Map<string, string | undefined>();
  /** Per-task names; null where the array is wrong: then names are not checked. */
  readonly #taskNames: readonly string[] | null;

  constructor(options: {
    readonly context: JobFileContext;
    readonly path: FieldPath;
    readonly report: Report;
    readonly notes: string[];
    readonly parameters: ReadonlyMap<string, string>;
    readonly array: ArraySpec | null;
  }) {
    this.context = options.context;
    this.path = options.path;
    this.report = options.report;
    this.notes = options.notes;
    this.parameters = options.parameters;
    this.#taskNames = options.array === null ? null : arrayNames(options.array);
  }

  /** Tells a problem of a field of this job. */
  refuse(
    path: FieldPath,
    message: string,
    options?: { readonly nearest?: string | undefined; readonly key?: boolean },
  ): void {
    this.report([...this.path, ...path], message, options);
  }

  /** Checks a template and gives it back as it was. */
  template(text: string, path: FieldPath): string {
    this.compile(text, path);
    return text;
  }

  compile(text: string, path: FieldPath): Template {
    const compiled = compileTemplate(text);
    if ('refusal' in compiled) {
      this.refuse(path, compiled.refusal);
      return [text];
    }
    if (this.#taskNames !== null) {
      const known = [...this.#taskNames, ...this.parameters.keys()];
      for (const unknown of refuseUnknownNames(compiled.template, known)) {
        this.refuse(path, unknown.refusal, { nearest: unknown.nearest });
        this.unknown.set(unknown.name, unknown.nearest);
      }
      for (const name of namesIn(compiled.template)) this.used.add(name);
    }
    return compiled.template;
  }

  /** A template with its parameters filled in, so that what it begins with can be seen. */
  fillParameters(text: string, path: FieldPath): Template {
    return fillPartly(this.compile(text, path), this.parameters);
  }

  /** A text that is the same for all tasks: parameters alone may stand in it. */
  fillConstant(text: string, path: FieldPath, what: string): string {
    const template = this.fillParameters(text, path);
    if (template.every((part) => typeof part === 'string')) return fillTemplate(template, new Map());
    this.refuse(path, `expected ${what} that is the same for all tasks: parameters alone may stand in it`);
    return printTemplate(template);
  }
}

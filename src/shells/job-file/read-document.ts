// Turns the text of a job file (YAML, of which JSON is a part) into plain values, and knows where each of them stands. Aliases
// and merge keys are followed here, with a limit on what they expand to. What the values mean is not decided here.

import type { YAMLMap, YAMLSeq } from 'yaml';
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml';
import { nearestName } from '../../domain/nearest-name.ts';
import { type FieldPath, makeProblem, type Place, type Problem } from './problem.ts';
import { placeSyntaxError } from './syntax-error.ts';

/** Above this a file is refused unread: long lists belong into `array: {file: …}`. */
export const JOB_FILE_BYTES_MAX = 1024 * 1024;

/** Values that aliases may add to those written in the file. */
const ALIASED_VALUES_MAX = 100_000;

const DEPTH_MAX = 100;
const TOO_DEEP = `nested more than ${DEPTH_MAX} levels deep`;
/** The parser recurses: far more open brackets than this would end its stack. */
const OPEN_BRACKETS_MAX = 1000;

export type SourceDocument = {
  readonly value: unknown;
  /** Where the value, or its key, stands; of what is missing, where the nearest thing around it stands. */
  readonly placeOf: (path: FieldPath, part: 'key' | 'value') => Place;
};

/** A document may have problems of its own (duplicate names, wrong aliases) and still be read on; null: it could not be read. */
export type ReadDocument = { readonly document: SourceDocument | null; readonly problems: readonly Problem[] };

export function readDocument(text: string): ReadDocument {
  const size = text.length > JOB_FILE_BYTES_MAX ? text.length : new TextEncoder().encode(text).length;
  if (size > JOB_FILE_BYTES_MAX) {
    const message = `expected a job file of at most 1 MiB, got ${(size / 2 ** 20).toFixed(1)} MiB; long lists of items belong into a file of their own: array: {file: items.csv}`;
    return { document: null, problems: [makeProblem(START, [], message)] };
  }
  const deepAt = findTooDeep(text);
  if (deepAt !== undefined) return { document: null, problems: [makeProblem({ ...deepAt, width: 1 }, [], TOO_DEEP)] };
  const lines = new LineCounter();
  try {
    const parsed = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      merge: false,
      logLevel: 'silent',
    });
    const [error] = parsed.errors;
    if (error?.message.includes('call stack')) throw new RangeError(error.message);
    if (error !== undefined) return { document: null, problems: [placeSyntaxError(text, lines, error)] };
    return new Reader(text, lines).read(parsed.contents);
  } catch (error) {
    if (error instanceof RangeError) return { document: null, problems: [makeProblem(START, [], TOO_DEEP)] };
    throw error;
  }
}

const START: Place = { line: 1, column: 1, width: 1 };

type Entry = { readonly key: Node; readonly value: Node | null };

class Reader {
  readonly #text: string;
  readonly #lines: LineCounter;
  readonly #problems: Problem[] = [];
  readonly #anchors = new Map<string, Node>();
  readonly #values = new Map<Node, { readonly value: unknown; readonly size: number }>();
  readonly #open = new Set<Node>();
  /** Of each value that holds others, the nodes they come from. */
  readonly #entries = new WeakMap<object, Map<string, Entry>>();
  readonly #elements = new WeakMap<object, readonly (Node | null)[]>();
  #aliased = 0;

  constructor(text: string, lines: LineCounter) {
    this.#text = text;
    this.#lines = lines;
  }

  read(root: Node | null): ReadDocument {
    const { value } = this.#convert(root, []);
    return {
      problems: this.#problems,
      document: { value, placeOf: (path, part) => this.#placeOf(root, value, path, part) },
    };
  }

  #convert(node: Node | null, path: FieldPath): { readonly value: unknown; readonly size: number } {
    if (node === null) return { value: null, size: 1 };
    if (path.length > DEPTH_MAX) {
      this.#refuse(node, path.slice(0, 1), TOO_DEEP);
      return { value: null, size: 1 };
    }
    if (isAlias(node)) return this.#follow(node, path);
    if ('anchor' in node && node.anchor !== undefined) this.#anchors.set(node.anchor as string, node);
    if (node.tag?.startsWith('!') === true) this.#refuse(node, path, `tags such as ${node.tag} are not known here`);
    this.#open.add(node);
    const converted = isMap(node)
      ? this.#convertMap(node as YAMLMap<Node, Node | null>, path)
      : isSeq(node)
        ? this.#convertSeq(node as YAMLSeq<Node | null>, path)
        : { value: scalarValue(node as Scalar), size: 1 };
    this.#open.delete(node);
    if (node.anchor !== undefined) this.#values.set(node, converted);
    return converted;
  }

  #follow(alias: Alias, path: FieldPath): { readonly value: unknown; readonly size: number } {
    const nothing = { value: null, size: 1 };
    const target = this.#anchors.get(alias.source);
    if (target === undefined) {
      const nearest = nearestName(alias.source, this.#anchors.keys());
      const hint = nearest === undefined ? 'no anchor of that name stands above' : `nearest: *${nearest}`;
      this.#refuse(alias, path, `unknown alias *${alias.source}; ${hint}`, nearest);
      return nothing;
    }
    if (this.#open.has(target)) {
      this.#refuse(alias, path, `alias *${alias.source} holds itself`);
      return nothing;
    }
    const converted = this.#values.get(target) ?? nothing;
    const before = this.#aliased;
    this.#aliased += converted.size;
    if (this.#aliased <= ALIASED_VALUES_MAX) return converted;
    if (before <= ALIASED_VALUES_MAX) {
      this.#refuse(
        alias,
        path,
        `aliases expand to more than ${ALIASED_VALUES_MAX.toLocaleString('en-US')} values here`,
      );
    }
    return nothing;
  }

  #convertSeq(node: YAMLSeq<Node | null>, path: FieldPath): { readonly value: unknown[]; readonly size: number } {
    const elements = node.items;
    let size = 1;
    const value = elements.map((element, position) => {
      const converted = this.#convert(element, [...path, position]);
      size += converted.size;
      return converted.value;
    });
    this.#elements.set(value, elements);
    return { value, size };
  }

  #convertMap(node: YAMLMap<Node, Node | null>, path: FieldPath): { readonly value: object; readonly size: number } {
    // No prototype: a key such as `__proto__` is a key like any other.
    const value = Object.create(null) as Record<string, unknown>;
    const entries = new Map<string, Entry>();
    const merged: { readonly source: Node; readonly value: unknown }[] = [];
    let size = 1;
    for (const pair of node.items) {
      const key = this.#keyOf(pair.key, path);
      if (key === undefined) continue;
      const source = pair.value ?? null;
      const converted = this.#convert(source, [...path, key]);
      size += converted.size;
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merged.push({ source: source ?? pair.key, value: converted.value });
        continue;
      }
      const first = entries.get(key);
      if (first !== undefined) {
        const { line } = this.#place(first.key);
        this.#refuse(pair.key, [...path, key], `duplicate: it stands in line ${line} already`);
        continue;
      }
      entries.set(key, { key: pair.key, value: source });
      value[key] = converted.value;
    }
    this.#entries.set(value, entries);
    for (const one of merged) this.#merge(one.source, one.value, value, entries, path);
    return { value, size };
  }

  /** `<<: *a` or `<<: [*a, *b]`: what is written here wins, then the earlier of the list. */
  #merge(
    node: Node,
    source: unknown,
    into: Record<string, unknown>,
    entries: Map<string, Entry>,
    path: FieldPath,
  ): void {
    for (const part of Array.isArray(source) ? (source as unknown[]) : [source]) {
      const from = typeof part === 'object' && part !== null ? this.#entries.get(part) : undefined;
      // An alias that was refused has been told.
      if (from === undefined && part === null && this.#problems.length > 0) return;
      if (from === undefined) {
        this.#refuse(node, [...path, '<<'], 'expected a mapping to merge, or a list of them');
        return;
      }
      for (const [key, entry] of from) {
        if (entries.has(key)) continue;
        entries.set(key, entry);
        into[key] = (part as Record<string, unknown>)[key];
      }
    }
  }

  #keyOf(key: Node | null, path: FieldPath): string | undefined {
    const value = key === null ? null : this.#convert(key, path).value;
    if (typeof value === 'object' && value !== null) {
      this.#refuse(key as Node, path, 'expected a name before the colon, got a list or a mapping');
      return undefined;
    }
    if (key === null) this.#problems.push(makeProblem(START, path, 'expected a name before the colon'));
    return key === null ? undefined : isScalar(key) && key.source !== undefined ? key.source : String(value);
  }

  #refuse(node: Node, path: FieldPath, message: string, nearest?: string): void {
    this.#problems.push(makeProblem(this.#place(node), path, message, nearest));
  }

  #place(node: Node): Place {
    const [from, to] = node.range ?? [0, 1];
    const { line, col } = this.#lines.linePos(from);
    const lineEnd = this.#text.indexOf('\n', from);
    const end = Math.min(to, lineEnd < 0 ? this.#text.length : lineEnd);
    return { line: Math.max(1, line), column: Math.max(1, col), width: Math.max(1, end - from) };
  }

  #placeOf(root: Node | null, rootValue: unknown, path: FieldPath, part: 'key' | 'value'): Place {
    let node: Node | null = root;
    let key: Node | null = null;
    let value = rootValue;
    for (const [depth, name] of path.entries()) {
      if (typeof value !== 'object' || value === null) break;
      const entry: Entry | undefined = Array.isArray(value)
        ? elementEntry(this.#elements.get(value)?.[Number(name)], node)
        : this.#entries.get(value)?.get(String(name));
      // Missing: the key of what it is missing from is the best place.
      if (entry === undefined) return key === null ? this.#placeOfNode(node) : this.#place(key);
      key = entry.key;
      node = entry.value;
      value = (value as Record<string | number, unknown>)[name];
      if (depth === path.length - 1) return this.#place(part === 'key' || node === null || isEmpty(node) ? key : node);
    }
    return this.#placeOfNode(node ?? key);
  }

  #placeOfNode(node: Node | null): Place {
    return node === null ? START : this.#place(node);
  }
}

/** `name:` with nothing behind it. */
const isEmpty = (node: Node): boolean =>
  node.range !== null && node.range !== undefined && node.range[0] === node.range[1];

const elementEntry = (element: Node | null | undefined, parent: Node | null): Entry | undefined =>
  element === undefined ? undefined : { key: element ?? (parent as Node), value: element };

/**
 * Numbers and booleans that are written otherwise than we would write them (`1.10`, `0x1F`, `True`) stay text, so that
 * nothing is lost where text is wanted; where a number is wanted they are refused or read as text.
 */
function scalarValue(node: Scalar): unknown {
  const { value, source } = node;
  if (typeof value === 'number' || typeof value === 'boolean') {
    return source === undefined || String(value) === source ? value : source;
  }
  return typeof value === 'string' || value === null ? value : String(value);
}

/** Brackets are counted before the parser, which recurses, sees them; quotes and comments are not minded. */
function findTooDeep(text: string): { readonly line: number; readonly column: number } | undefined {
  let depth = 0;
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x0a) {
      line += 1;
      lineStart = at + 1;
    } else if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > OPEN_BRACKETS_MAX) return { line, column: at - lineStart + 1 };
  }
  return undefined;
}

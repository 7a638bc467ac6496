// Streams the items of a CSV or JSON lines file as chunks of JSON text, as they travel and are stored. Memory is bounded by a
// few chunks, whatever the size of the file. Every refusal names the line.

import { DistributoError } from '../../domain/errors.ts';
import { ITEMS_PER_CHUNK, TASKS_PER_RUN_MAX } from '../../domain/job.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import { countLines, parseCsv, RECORD_CHARACTERS_MAX } from './csv-records.ts';

export type ItemFormat = 'csv' | 'json-lines';

export type ItemChunk = {
  /** A JSON array of at most ITEMS_PER_CHUNK arrays of texts, in field order. */
  readonly json: string;
  readonly count: number;
};

/** The values of one item, in field order. */
type Row = readonly string[];

const QUOTE_TROUBLE =
  'a quote is not closed, or closed before the end of its field; a quote inside quotes is written twice';

/** The names of the fields: the header of a CSV file, the keys of the first JSON line (none: plain values). */
export async function readItemFields(
  content: AsyncIterable<Uint8Array>,
  format: ItemFormat,
  name: string,
): Promise<readonly string[]> {
  const reader = new ItemReader(content, format, name);
  for await (const rows of reader.read()) if (rows.length > 0 || reader.fields.length > 0) break;
  return reader.fields;
}

/** All items, in chunks; JOB_FILE_INVALID where the file is not what it should be. */
export async function* readItems(
  content: AsyncIterable<Uint8Array>,
  format: ItemFormat,
  name: string,
): AsyncGenerator<ItemChunk> {
  let chunk: Row[] = [];
  let total = 0;
  for await (const rows of new ItemReader(content, format, name).read()) {
    for (const row of rows) {
      chunk.push(row);
      if (chunk.length < ITEMS_PER_CHUNK) continue;
      total += chunk.length;
      if (total > TASKS_PER_RUN_MAX) {
        throw invalid(name, null, `expected at most ${TASKS_PER_RUN_MAX.toLocaleString('en-US')} items`);
      }
      yield { json: JSON.stringify(chunk), count: chunk.length };
      chunk = [];
    }
  }
  if (chunk.length > 0) yield { json: JSON.stringify(chunk), count: chunk.length };
}

/** Items that stand in the job file itself, in the same chunks. */
export function* chunkRows(rows: readonly (readonly string[])[]): Generator<ItemChunk> {
  for (let from = 0; from < rows.length; from += ITEMS_PER_CHUNK) {
    const part = rows.slice(from, from + ITEMS_PER_CHUNK);
    yield { json: JSON.stringify(part), count: part.length };
  }
}

function invalid(name: string, line: number | null, message: string): DistributoError {
  const where = line === null ? name : `${name} line ${line.toLocaleString('en-US')}`;
  return new DistributoError('JOB_FILE_INVALID', `${where}: ${message}`, {
    hint: 'mend the file and submit again; nothing was submitted',
    details: { file: name, line },
  });
}

class ItemReader {
  readonly #content: AsyncIterable<Uint8Array>;
  readonly #format: ItemFormat;
  readonly #name: string;
  fields: readonly string[] = [];
  #line = 1;

  constructor(content: AsyncIterable<Uint8Array>, format: ItemFormat, name: string) {
    this.#content = content;
    this.#format = format;
    this.#name = name;
  }

  /** Items as they come; `fields` is set when the first part, which may be empty, is there. */
  async *read(): AsyncGenerator<readonly Row[], void, undefined> {
    let some = false;
    for await (const rows of this.#format === 'csv' ? this.#readCsv() : this.#readJsonLines()) {
      some ||= rows.length > 0;
      yield rows;
    }
    if (!some) {
      const what = this.#format === 'csv' ? 'expected a header and at least one line' : 'expected at least one line';
      throw invalid(this.#name, null, `${what}: the array would be empty`);
    }
  }

  /** Text without byte order mark, with `\n` as line end. */
  async *#readText(): AsyncGenerator<string> {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let heldReturn = '';
    let lines = 0;
    for await (const bytes of this.#content) {
      let text: string;
      try {
        text = heldReturn + decoder.decode(bytes, { stream: true });
      } catch {
        const good = Buffer.from(bytes).toString('utf8').split('\ufffd', 1)[0] as string;
        throw invalid(this.#name, lines + 1 + countLines(good), 'expected UTF-8 text');
      }
      heldReturn = text.endsWith('\r') ? '\r' : '';
      if (heldReturn !== '') text = text.slice(0, -1);
      if (text.includes('\r')) text = text.replaceAll('\r\n', '\n');
      lines += countLines(text);
      if (text !== '') yield text;
    }
    try {
      decoder.decode();
    } catch {
      throw invalid(this.#name, lines + 1, 'expected UTF-8 text');
    }
  }

  async *#readJsonLines(): AsyncGenerator<readonly Row[]> {
    let rest = '';
    let isFirst = true;
    const readLine = (text: string): Row | undefined => {
      const line = this.#line;
      this.#line += 1;
      if (text.trim() === '') return undefined;
      const values = this.#readJsonLine(text, line, isFirst);
      isFirst = false;
      return values;
    };
    for await (const text of this.#readText()) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      if (rest.length > RECORD_CHARACTERS_MAX) throw invalid(this.#name, this.#line, 'the line is longer than 1 MiB');
      const rows = lines.map(readLine).filter((row) => row !== undefined);
      if (rows.length > 0) yield rows;
    }
    const last = readLine(rest);
    if (last !== undefined) yield [last];
  }

  #readJsonLine(text: string, line: number, isFirst: boolean): readonly string[] {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw invalid(this.#name, line, `expected JSON (${(error as Error).message})`);
    }
    if (typeof value !== 'object' || value === null) {
      if (this.fields.length > 0) throw invalid(this.#name, line, 'expected an object, as in the first line');
      return [this.#plain(value, line, '')];
    }
    if (Array.isArray(value)) throw invalid(this.#name, line, 'expected an object or a plain value, got a list');
    const record = value as Record<string, unknown>;
    if (isFirst) this.fields = this.#checkFields(Object.keys(record), line);
    else if (this.fields.length === 0) throw invalid(this.#name, line, 'expected a plain value, as in the first line');
    const missing = this.fields.find((field) => !Object.hasOwn(record, field));
    if (missing !== undefined)
      throw invalid(this.#name, line, `expected the fields of the first line; ${missing} is missing`);
    if (Object.keys(record).length > this.fields.length) {
      const extra = Object.keys(record).find((key) => !this.fields.includes(key)) as string;
      const nearest = nearestName(extra, this.fields);
      throw invalid(this.#name, line, `unknown field ${extra}${nearest === undefined ? '' : `; nearest: ${nearest}`}`);
    }
    return this.fields.map((field) => this.#plain(record[field], line, field));
  }

  #plain(value: unknown, line: number, field: string): string {
    if (typeof value === 'string') return value;
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw invalid(
        this.#name,
        line,
        `${field === '' ? 'the number' : field} is too large to be kept exactly: write it in quotes`,
      );
    }
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    const what = value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
    throw invalid(this.#name, line, `expected a plain value${field === '' ? '' : ` for ${field}`}, got ${what}`);
  }

  #checkFields(fields: readonly string[], line: number): readonly string[] {
    if (fields.length === 0) throw invalid(this.#name, line, 'expected at least one field');
    fields.forEach((field, position) => {
      if (field.trim() === '') throw invalid(this.#name, line, `column ${position + 1} has no name`);
      if (field.includes('}'))
        throw invalid(this.#name, line, `expected a name without "}", got ${JSON.stringify(field)}`);
      if (fields.indexOf(field) !== position) throw invalid(this.#name, line, `duplicate column ${field}`);
    });
    return fields;
  }

  async *#readCsv(): AsyncGenerator<readonly Row[]> {
    for await (const parsed of parseCsv(this.#readText(), () => this.#unclosed())) {
      const rows: Row[] = [];
      const broken = parsed.errors[0]?.row ?? Number.POSITIVE_INFINITY;
      for (const [position, values] of parsed.data.entries()) {
        if (position >= broken) throw invalid(this.#name, this.#line, QUOTE_TROUBLE);
        if (values.length === this.fields.length && values.length > 1) rows.push(values);
        else if (values.length !== 1 || values[0]?.trim() !== '') this.#takeOdd(values, rows);
        this.#line += 1;
        if (parsed.hasQuotes) for (const value of values) if (value.includes('\n')) this.#line += countLines(value);
      }
      yield rows;
    }
  }

  /** The header, a record of one column, or one that does not fit. */
  #takeOdd(values: Row, rows: Row[]): void {
    if (this.fields.length === 0) this.fields = this.#readHeader(values, this.#line);
    else if (values.length !== this.fields.length) throw this.#ragged(values, this.#line);
    else rows.push(values);
  }

  #readHeader(values: readonly string[], line: number): readonly string[] {
    const names = values.map((value) => value.trim());
    const other = names.length === 1 ? [';', '\t', '|'].find((sign) => names[0]?.includes(sign)) : undefined;
    if (other === undefined) return this.#checkFields(names, line);
    throw invalid(this.#name, line, `expected columns separated by commas, got ${JSON.stringify(other)} between them`);
  }

  #ragged(values: readonly string[], line: number): DistributoError {
    return invalid(
      this.#name,
      line,
      `expected ${this.fields.length} columns (${this.fields.join(', ')}), got ${values.length}`,
    );
  }

  #unclosed(): DistributoError {
    return invalid(this.#name, this.#line, QUOTE_TROUBLE);
  }
}

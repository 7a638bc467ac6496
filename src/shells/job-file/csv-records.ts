// Cuts the text of a CSV file into records (RFC 4180) as it comes, with a bound on how long a record may be. Papa Parse reads
// them; what they mean is not decided here.

import Papa from 'papaparse';

/** A record longer than this is taken for one whose quote was never closed. */
export const RECORD_CHARACTERS_MAX = 1024 * 1024;

export type CsvPart = {
  /** Whether a record may hold a line end. */
  readonly hasQuotes: boolean;
  readonly data: readonly string[][];
  readonly errors: readonly { readonly code: string; readonly row?: number | undefined }[];
};

/** Whole records, part by part. Papa Parse reads each part at once: its own streams read on while the taker is slow. */
export async function* parseCsv(text: AsyncIterable<string>, unclosed: () => Error): AsyncGenerator<CsvPart> {
  let rest = '';
  for await (const one of text) {
    rest += one;
    const end = lastRecordEnd(rest);
    if (end > 0) {
      yield parseRecords(rest.slice(0, end));
      rest = rest.slice(end);
    }
    if (rest.length > RECORD_CHARACTERS_MAX) throw unclosed();
  }
  if (rest === '') return;
  const last = parseRecords(`${rest}\n`);
  if (last.errors.some((error) => error.code === 'MissingQuotes')) throw unclosed();
  yield last;
}

function parseRecords(text: string): CsvPart {
  const { data, errors } = Papa.parse<string[]>(text, { delimiter: ',', newline: '\n', quoteChar: '"', header: false });
  // What stands behind the last line end is no record, unless a wrong quote has swallowed that line end.
  if (errors.length === 0) data.pop();
  return { data, errors, hasQuotes: text.includes('"') };
}

/** Where the last record that is whole ends: behind a line end outside quotes. A quote opens only where a field begins. */
function lastRecordEnd(text: string): number {
  let end = 0;
  let from = 0;
  for (;;) {
    const quote = text.indexOf('"', from);
    const outside = text.lastIndexOf('\n', quote === -1 ? text.length : quote);
    if (outside >= from) end = outside + 1;
    if (quote === -1) return end;
    const before = quote === 0 ? '\n' : text[quote - 1];
    if (before !== ',' && before !== '\n') {
      from = quote + 1;
      continue;
    }
    let close = text.indexOf('"', quote + 1);
    while (close !== -1 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
    if (close === -1 || close === text.length - 1) return end;
    from = close + 1;
  }
}

/** How many line ends a text holds. */
export function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

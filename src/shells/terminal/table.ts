// Borderless tables: words left, numbers right, two spaces between, never a wrapped row. What does not fit is dropped
// column by column in the order the view gives, then names are cut; under 60 columns a row becomes `key  value` lines.

import { formatCount } from './format.ts';
import type { Style } from './style.ts';
import { cutEnd, cutMiddle, escapeLine, padEnd, padStart, stripStyle, textWidth, wrapText } from './text-width.ts';

export type Column<Row> = {
  /** Printed in upper case. */
  readonly header: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Columns with a number go, lowest first, where there is no room. Without one a column stays. */
  readonly dropOrder?: number;
  /** May be cut down to this many cells: names in the middle, sentences at their end. */
  readonly cut?: { readonly to: number; readonly at: 'middle' | 'end' };
  readonly paint?: (text: string, row: Row) => string;
};

export type TableOptions = {
  readonly width: number;
  readonly style: Style;
  readonly indent?: number;
  /** Without the header line: a table that goes on under another. */
  readonly hasNoHeader?: boolean;
};

const GAP = '  ';
const LINES_BELOW = 60;
const EMPTY = '-';

type Measured<Row> = { readonly column: Column<Row>; readonly cells: readonly string[]; width: number };

export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions,
): string[] {
  const indent = ' '.repeat(options.indent ?? 0);
  const room = options.width - indent.length;
  const measured = columns.map((column) => measure(column, rows));
  if (options.width < LINES_BELOW) return renderLines(measured, rows, options);
  const kept = dropColumns(measured, room);
  if (totalWidth(kept.map((item) => item.width)) > room && !cutColumns(kept, room)) {
    return renderLines(measured, rows, options);
  }
  const isLast = (at: number): boolean => at === kept.length - 1;
  const cell = (item: Measured<Row>, text: string, at: number): string =>
    item.column.align === 'right' ? padStart(text, item.width) : isLast(at) ? text : padEnd(text, item.width);
  const header = kept.map((item, at) => cell(item, item.column.header.toUpperCase(), at)).join(GAP);
  const lines = rows.map((row, index) =>
    kept
      .map((item, at) => {
        const text = cell(item, cutCell(item, item.cells[index] as string, options.style), at);
        return item.column.paint === undefined ? text : item.column.paint(text, row);
      })
      .join(GAP),
  );
  const all = options.hasNoHeader === true ? lines : [options.style.dim(header.trimEnd()), ...lines];
  return all.map((line) => (indent + line).trimEnd());
}

function measure<Row>(column: Column<Row>, rows: readonly Row[]): Measured<Row> {
  const cells = rows.map((row) => escapeLine(column.value(row)) || EMPTY);
  const width = cells.reduce((widest, cell) => Math.max(widest, textWidth(cell)), textWidth(column.header));
  return { column, cells, width };
}

const totalWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);

const leastWidth = <Row>(item: Measured<Row>): number =>
  item.column.cut === undefined
    ? item.width
    : Math.min(item.width, Math.max(item.column.cut.to, textWidth(item.column.header)));

/** Without the columns that must go so that the rest fits when its names are cut as far as allowed. */
function dropColumns<Row>(measured: readonly Measured<Row>[], room: number): Measured<Row>[] {
  let kept = [...measured];
  const droppable = measured
    .filter((item) => item.column.dropOrder !== undefined)
    .sort((a, b) => (a.column.dropOrder as number) - (b.column.dropOrder as number));
  for (const item of droppable) {
    if (totalWidth(kept.map(leastWidth)) <= room) break;
    kept = kept.filter((other) => other !== item);
  }
  return kept;
}

/** Narrows the widest of the columns that may be cut until the row fits; false where it cannot. */
function cutColumns<Row>(kept: readonly Measured<Row>[], room: number): boolean {
  let over = totalWidth(kept.map((item) => item.width)) - room;
  while (over > 0) {
    const widest = kept
      .filter((item) => item.width > leastWidth(item))
      .sort((a, b) => b.width - leastWidth(b) - (a.width - leastWidth(a)))[0];
    if (widest === undefined) return false;
    widest.width--;
    over--;
  }
  return true;
}

function cutCell<Row>(item: Measured<Row>, text: string, style: Style): string {
  if (item.column.cut === undefined) return text;
  return (item.column.cut.at === 'middle' ? cutMiddle : cutEnd)(text, item.width, style.sign.ellipsis);
}

function renderLines<Row>(measured: readonly Measured<Row>[], rows: readonly Row[], options: TableOptions): string[] {
  const keyWidth = Math.max(0, ...measured.map((item) => textWidth(item.column.header)));
  const valueWidth = Math.max(8, options.width - keyWidth - GAP.length);
  const lines: string[] = [];
  rows.forEach((row, index) => {
    if (index > 0) lines.push('');
    for (const { column, cells } of measured) {
      // Aligned for a column that is not there.
      const whole = (cells[index] as string).trim().replace(/ {2,}/g, ' ');
      const cut = column.cut?.at === 'end' ? cutEnd : cutMiddle;
      const text = column.align === 'right' ? whole : cut(whole, valueWidth, options.style.sign.ellipsis);
      const value = column.paint === undefined ? text : column.paint(text, row);
      lines.push(`${options.style.dim(padEnd(column.header.toLowerCase(), keyWidth))}${GAP}${value}`);
    }
  });
  return lines;
}

/** `key  value` lines of one thing, keys padded alike; a value that is too long goes on below itself. Values may be painted. */
export function renderPairs(
  pairs: readonly (readonly [key: string, value: string])[],
  options: { readonly style: Style; readonly indent?: number; readonly width?: number },
): string[] {
  const keyWidth = Math.max(0, ...pairs.map(([key]) => textWidth(key)));
  const indent = ' '.repeat(options.indent ?? 0);
  const room = Math.max(20, (options.width ?? Number.POSITIVE_INFINITY) - indent.length - keyWidth - GAP.length);
  return pairs.flatMap(([key, value]) => {
    // Painted values are short; breaking one would break its colour.
    const lines = textWidth(value) <= room || value !== stripStyle(value) ? [value] : packPieces(value, room);
    return lines.map((line, at) => `${indent}${padEnd(at === 0 ? key : '', keyWidth)}${GAP}${line}`.trimEnd());
  });
}

/** Breaks between the pieces of a value, which stand three spaces apart, before it breaks one. */
function packPieces(value: string, room: number): string[] {
  const lines: string[] = [];
  for (const piece of value.split('   ').flatMap((one) => wrapText(one, room))) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(last) + 3 + textWidth(piece) <= room)
      lines[lines.length - 1] = `${last}   ${piece}`;
    else lines.push(piece);
  }
  return lines;
}

/** `8,894 of 23,180` with both numbers aligned over many rows. */
export function alignOf(parts: readonly { readonly part: number; readonly total: number }[]): string[] {
  const widest = Math.max(0, ...parts.map(({ total }) => formatCount(total).length));
  const widestPart = Math.max(0, ...parts.map(({ part }) => formatCount(part).length));
  return parts.map(
    ({ part, total }) => `${padStart(formatCount(part), widestPart)} of ${padStart(formatCount(total), widest)}`,
  );
}

// One listing in the form that was asked for: table, wide, JSON, one JSON line an item, or names alone.

import { type Column, renderTable } from '../terminal/table.ts';
import { columnsOf } from '../terminal/terminal-stream.ts';
import { textWidth } from '../terminal/text-width.ts';
import { type Context, wantsText } from './context.ts';

export type Listing<Row> = {
  /** The documented object, with its schema. */
  readonly view: object;
  readonly rows: readonly Row[];
  readonly name: (row: Row) => string;
  readonly columns: readonly Column<Row>[];
  /** With `-o wide`, after the others. */
  readonly wideColumns?: readonly Column<Row>[];
  /** Said on stderr where there is nothing. */
  readonly empty: string;
};

export function printListing<Row>(context: Context, listing: Listing<Row>): void {
  const { output } = context.options;
  const { rows } = listing;
  if (output === 'json') context.print(JSON.stringify(listing.view));
  else if (output === 'ndjson') context.print(rows.map((row) => JSON.stringify(row)));
  else if (output === 'name') context.print(rows.map(listing.name));
  else if (rows.length === 0) context.say(listing.empty);
  else {
    const columns = output === 'wide' ? [...listing.columns, ...(listing.wideColumns ?? [])] : listing.columns;
    context.print(renderTable(columns, rows, { width: context.width, style: context.style }));
  }
}

/** One thing: its JSON, or the lines for people. */
export function printView(context: Context, view: object, lines: () => readonly string[]): void {
  if (wantsText(context)) context.print(lines());
  else context.print(JSON.stringify(view));
}

/** `Next:` lines, at most three, each with what it is for where there is room for that. On stderr. */
export function renderNext(context: Context, next: readonly (readonly [command: string, purpose: string])[]): string[] {
  if (next.length === 0) return [];
  const shown = next.slice(0, 3);
  const widest = Math.max(...shown.map(([command]) => command.length));
  const room = columnsOf(context.stderr);
  const style = context.messageStyle;
  return [
    'Next:',
    ...shown.map(([command, purpose]) => {
      if (2 + widest + 4 + textWidth(purpose) > room) return `  ${style.cyan(command)}`;
      return `  ${style.cyan(command.padEnd(widest))}    ${style.dim(purpose)}`;
    }),
  ];
}

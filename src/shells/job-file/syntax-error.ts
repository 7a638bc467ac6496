// Where a syntax error was made, as far as that can be told from where the parser noticed it, in our words. The parser often
// notices late: a quote or a bracket that is not closed, a comma left out, a line moved by a space.

import { type LineCounter, parseDocument, type YAMLParseError } from 'yaml';
import { makeProblem, type Problem } from './problem.ts';
import { isJsonLike, scanStructure } from './scan-structure.ts';

export function placeSyntaxError(text: string, lines: LineCounter, error: YAMLParseError): Problem {
  const noticed = Math.min(error.pos[0], Math.max(0, text.length - 1));
  const { at, message } = findCause(text, lines, noticed, error);
  const { line, col } = lines.linePos(at);
  return makeProblem({ line: Math.max(1, line), column: Math.max(1, col), width: 1 }, [], `not YAML: ${message}`);
}

type Cause = { readonly at: number; readonly message: string };

function findCause(text: string, lines: LineCounter, noticed: number, error: YAMLParseError): Cause {
  const lineOf = (offset: number) => lines.linePos(offset).line;
  const { longQuotes, bracket } = scanStructure(text);
  const isJson = isJsonLike(text);
  const quote = longQuotes.find(
    (one) => isJson || one.to >= text.length || (one.from <= noticed && lineOf(one.to) >= lineOf(noticed)),
  );
  if (quote !== undefined && quote.from <= noticed) {
    return { at: quote.from, message: `a quote that opens here is not closed before line ${lineOf(quote.to)}` };
  }
  if (isJson && !/^\s*[{[]/.test(text)) return { at: 0, message: 'a "{" is missing here' };
  if (bracket !== undefined && (isJson || lineOf(bracket.at) <= lineOf(noticed))) return bracket;
  if (!isJson && !/\b(?:tag|escape|alias|anchor)\b/i.test(error.message)) {
    const shifted = findShiftedLine(text, lineOf(noticed) - 1);
    if (shifted !== undefined)
      return { at: shifted, message: `${wordsOf(error)}; its indentation differs from the lines around it` };
  }
  if (/^Missing , /.test(error.message) && /[\w"'{[]/.test(text[noticed] ?? '')) {
    return { at: endBefore(text, noticed), message: 'a comma is missing here' };
  }
  return { at: noticed, message: wordsOf(error) };
}

/** The last sign before a place that is neither blank nor comment. */
function endBefore(text: string, at: number): number {
  let end = at;
  for (;;) {
    const before = text.slice(0, end).trimEnd();
    const lineStart = before.lastIndexOf('\n') + 1;
    const comment = /(?:^|\s)#.*$/.exec(before.slice(lineStart));
    if (comment === null) return Math.max(0, before.length - 1);
    end = lineStart + comment.index;
  }
}

/** Larger files are not parsed again and again to find the place. */
const REPAIRED_CHARACTERS_MAX = 64 * 1024;

/**
 * Where the line begins that was moved in or out: the one near the noticed place with which the file can be read when it is
 * indented as a line beside it is. Lines are counted from 0 here.
 */
function findShiftedLine(text: string, noticed: number): number | undefined {
  if (text.length > REPAIRED_CHARACTERS_MAX) return undefined;
  const lines = text.split('\n');
  const at = contentLine(lines, noticed, 1) ?? contentLine(lines, noticed, -1);
  if (at === undefined) return undefined;
  const above = contentLine(lines, at - 1, -1) ?? -1;
  const near = [at, contentLine(lines, at + 1, 1), above, contentLine(lines, above - 1, -1)].filter(
    (line) => line !== undefined && line >= 0,
  );
  const isOdd = (line: number) => (indentOf(lines[line]) ?? 0) % 2 !== 0 || /^ *\t/.test(lines[line] as string);
  const ordered = [...near.filter((line) => isOdd(line as number)), ...near.filter((line) => !isOdd(line as number))];
  for (const line of ordered as number[]) {
    const neighbours = [contentLine(lines, line - 1, -1), contentLine(lines, line + 1, 1)];
    const indents = new Set(neighbours.flatMap((one) => (one === undefined ? [] : [indentOf(lines[one]) ?? 0])));
    const [before = 0] = indents;
    indents.add(before + 2);
    indents.delete(indentOf(lines[line]) ?? 0);
    for (const indent of indents) {
      const repaired = lines.with(line, ' '.repeat(indent) + (lines[line] as string).trimStart()).join('\n');
      if (parseDocument(repaired, { logLevel: 'silent', prettyErrors: false }).errors.length > 0) continue;
      return lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + (indentOf(lines[line]) ?? 0);
    }
  }
  return undefined;
}

/** undefined for lines that are blank or comment. */
const indentOf = (line: string | undefined): number | undefined =>
  line === undefined || line.trim() === '' || line.trim().startsWith('#')
    ? undefined
    : line.length - line.trimStart().length;

function contentLine(lines: readonly string[], from: number, step: 1 | -1): number | undefined {
  for (let line = from; line >= 0 && line < lines.length; line += step)
    if (indentOf(lines[line]) !== undefined) return line;
  return undefined;
}

/** The parser's words where ours say no more. */
function wordsOf(error: YAMLParseError): string {
  if (error.code === 'TAB_AS_INDENT') return 'indentation is made of spaces, not of tabs';
  const { message } = error;
  return message.slice(0, 1).toLowerCase() + message.slice(1);
}

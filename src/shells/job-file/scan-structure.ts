// A coarse look at the quotes, brackets and indentation of a file that the YAML parser refused: where a quote was opened that
// swallows the following lines, and where brackets do not stand in pairs. It only decides which line is named.

export type QuoteSpan = { readonly from: number; readonly to: number };

export type Structure = {
  /** Quoted texts that reach over a line end, in order; `to` is the end of the file where one is never closed. */
  readonly longQuotes: readonly QuoteSpan[];
  /** The first bracket that has no partner, by what its line's indentation says. */
  readonly bracket: { readonly at: number; readonly message: string } | undefined;
};

type Open = {
  readonly sign: string;
  readonly at: number;
  readonly line: number;
  /** Of the line it stands in. */
  readonly indent: number;
};

const partnerOf = (sign: string): string => (sign === '[' ? ']' : '}');

const CLOSES: Readonly<Record<string, string>> = { ']': '[', '}': '{' };

/** Brackets throughout, even where the first of them was lost. */
export const isJsonLike = (text: string): boolean => /^\s*(?:[{[]|"[^"\n]*"\s*:[^\n]*,?\n)/.test(text);

export function scanStructure(text: string): Structure {
  return new Scanner(text).scan();
}

class Scanner {
  readonly #text: string;
  readonly #starts: number[] = [0];
  readonly #longQuotes: QuoteSpan[] = [];
  readonly #open: Open[] = [];
  #bracket: { at: number; message: string } | undefined;
  #at = 0;
  #line = 0;
  readonly #isJson: boolean;
  /** Spaces by which the file indents: those of its first line inside brackets. */
  readonly #unit: number;
  #oddClose: number | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#isJson = isJsonLike(text);
    this.#unit = /^\s*[{[]+[ \t]*\n+([ \t]+)\S/.exec(text)?.[1]?.length ?? 2;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  scan(): Structure {
    const { length } = this.#text;
    let isTokenStart = true;
    while (this.#at < length) {
      const sign = this.#text[this.#at] as string;
      const next = this.#text[this.#at + 1] ?? '\n';
      if (sign === '\n') {
        this.#line += 1;
        this.#at += 1;
        isTokenStart = true;
        if (this.#open.length === 0) this.#skipBlockScalar();
        else this.#checkLine();
      } else if (sign === '#' && /\s/.test(this.#text[this.#at - 1] ?? '\n')) this.#at = this.#lineEnd(this.#at);
      else if (isTokenStart && (sign === '"' || sign === "'")) {
        this.#skipQuote(sign);
        isTokenStart = false;
      } else if ((sign === '[' || sign === '{') && (isTokenStart || this.#open.length > 0)) {
        this.#open.push({ sign, at: this.#at, line: this.#line, indent: this.#indentOf(this.#line) });
        this.#at += 1;
        isTokenStart = true;
      } else if ((sign === ']' || sign === '}') && (isTokenStart || this.#open.length > 0)) {
        this.#close(sign);
        this.#at += 1;
        isTokenStart = false;
      } else {
        if (this.#isJson && isTokenStart && /[@`%!&*|>\\:?]/.test(sign))
          this.#blame(this.#at, `unexpected ${JSON.stringify(sign)}`);
        if (this.#isJson && isTokenStart && sign === '-' && /\s/.test(next)) this.#blame(this.#at, 'unexpected "-"');
        const isSeparator =
          (sign === ',' && this.#open.length > 0) || ((sign === ':' || sign === '-') && /\s/.test(next));
        if (isSeparator) isTokenStart = true;
        else if (!/\s/.test(sign)) isTokenStart = false;
        this.#at += 1;
      }
    }
    const last = this.#open.at(-1);
    if (last !== undefined) {
      const end = this.#text.trimEnd();
      const isClosed = this.#isJson && /(?:^|\n)[\]}]$/.test(end);
      this.#blame(
        this.#isJson && !isClosed ? Math.min(end.length + 1, length) : last.at,
        `"${last.sign}" is not closed`,
      );
    }
    return { longQuotes: this.#longQuotes, bracket: this.#bracket };
  }

  #close(sign: string): void {
    const top = this.#open.pop();
    const isFirst = this.#text.slice(this.#starts[this.#line], this.#at).trim() === '';
    // In one line with what it should close further up: harmless, or the trace of a bracket that was lost here.
    if (this.#isJson && !isFirst && top !== undefined && top.line !== this.#line) this.#oddClose ??= this.#at;
    if (top === undefined) this.#blame(this.#oddClose ?? this.#at, `"${sign}" without its "${CLOSES[sign]}"`);
    else if (top.sign !== CLOSES[sign]) {
      this.#blame(this.#oddClose ?? this.#at, `expected "${partnerOf(top.sign)}", got "${sign}"`);
    }
  }

  #blame(at: number, message: string): void {
    this.#bracket ??= { at, message };
  }

  /**
   * Called where a line begins inside brackets. In a file of block style the brackets of a line that is indented less were
   * meant to be closed before; in one of brackets throughout (JSON), indentation tells how many should be open.
   */
  #checkLine(): void {
    const indent = this.#indentOf(this.#line);
    const first = this.#text[(this.#starts[this.#line] as number) + indent] ?? '\n';
    const top = this.#open.at(-1);
    if (top === undefined || this.#bracket !== undefined || first === '\n' || first === '#') return;
    const isCloser = first === ']' || first === '}';
    if (!this.#isJson) {
      if (indent <= top.indent && !isCloser) this.#blame(top.at, `"${top.sign}" is not closed`);
      return;
    }
    const meant = isCloser ? top.indent : top.indent + this.#unit;
    if (indent === meant) return;
    const rest = this.#text.slice(this.#at + indent, this.#lineEnd(this.#at));
    const isMoved = this.#unit > 0 && indent % this.#unit !== 0;
    const isOdd = isCloser ? !/^[\]}]+,?\s*(?:#.*)?$/.test(rest) : indent <= top.indent && !/^["\w]/.test(rest);
    if (isMoved || isOdd) {
      if (isOdd || this.#nextIndent() !== meant)
        this.#blame(this.#at + indent, 'a bracket is missing here, or one too many');
      return;
    }
    // A line that alone is moved is no harm; where the next one stands as far out, the brackets above are wrong.
    if (indent > top.indent && !isCloser && this.#nextIndent() === meant) return;
    const above = Math.max(0, this.#line - 1);
    const isClosedAbove = this.#indentOf(above) === indent && /^\s*[\]}]/.test(this.#text.slice(this.#starts[above]));
    const at = isClosedAbove ? top.at : (this.#starts[above] as number) + this.#indentOf(above);
    this.#blame(this.#oddClose ?? at, 'a bracket is missing here, or one too many');
  }

  #nextIndent(): number | undefined {
    for (let line = this.#line + 1; line < this.#starts.length; line += 1) {
      const from = this.#starts[line] as number;
      if (this.#text.slice(from, this.#lineEnd(from)).trim() !== '') return this.#indentOf(line);
    }
    return undefined;
  }

  #indentOf(line: number): number {
    const from = this.#starts[line] as number;
    let at = from;
    while (this.#text[at] === ' ' || this.#text[at] === '\t') at += 1;
    return at - from;
  }

  #lineEnd(at: number): number {
    const end = this.#text.indexOf('\n', at);
    return end < 0 ? this.#text.length : end;
  }

  #skipQuote(quote: string): void {
    const from = this.#at;
    let at = from + 1;
    for (; at < this.#text.length; at += 1) {
      const sign = this.#text[at];
      if (sign === '\\' && quote === '"') at += 1;
      else if (sign === quote && quote === "'" && this.#text[at + 1] === "'") at += 1;
      else if (sign === quote) break;
    }
    const to = Math.min(at + 1, this.#text.length);
    const before = this.#line;
    while (this.#line + 1 < this.#starts.length && (this.#starts[this.#line + 1] as number) < to) this.#line += 1;
    if (this.#line > before || at >= this.#text.length) this.#longQuotes.push({ from, to });
    this.#at = to;
  }

  /** After `name: |` the lines that are indented deeper are text. */
  #skipBlockScalar(): void {
    const above = this.#text.slice(this.#starts[this.#line - 1], this.#at - 1);
    if (!/(?:^|[\s:-])[|>][+-]?\d?[+-]?(?:\s+#.*)?\s*$/.test(above)) return;
    const indent = this.#indentOf(this.#line - 1);
    while (this.#at < this.#text.length) {
      const end = this.#lineEnd(this.#at);
      if (this.#text.slice(this.#at, end).trim() !== '' && this.#indentOf(this.#line) <= indent) return;
      this.#at = Math.min(end + 1, this.#text.length);
      if (end < this.#text.length) this.#line += 1;
      else return;
    }
  }
}

// Splits a command line into its arguments as a POSIX shell does, without running anything: quotes and backslashes count,
// nothing is expanded. A template's ${name} is never split, and its value is not split later.

export function splitShellWords(line: string): { readonly words: readonly string[] } | { readonly refusal: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  let at = 0;
  while (at < line.length) {
    const sign = line[at] as string;
    const next = line[at + 1];
    const name = /^\$?\$\{[^}]*\}/.exec(line.slice(at, at + 300))?.[0];
    if (name !== undefined) {
      word = (word ?? '') + name;
      at += name.length;
      continue;
    }
    at += 1;
    if (quote === "'" && sign !== "'") word += sign;
    else if (sign === '\\' && next !== undefined && (quote === undefined || '"\\$`\n'.includes(next))) {
      // `\$` is a dollar sign, not the beginning of a name.
      if (next !== '\n') word = (word ?? '') + (next === '$' && line[at + 1] === '{' ? '$$' : next);
      at += 1;
    } else if (sign === quote) quote = undefined;
    else if (quote === undefined && (sign === '"' || sign === "'")) {
      quote = sign;
      word ??= '';
    } else if (quote === undefined && /\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + sign;
  }
  if (quote !== undefined) return { refusal: `expected a command that a shell can split: a ${quote} is not closed` };
  if (word !== undefined) words.push(word);
  return { words };
}

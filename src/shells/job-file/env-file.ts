// Reads an environment file as Compose does: one NAME=value a line, comments, quotes, `export`. A name alone takes the
// client's own value.

export type EnvFileLine = { readonly line: number; readonly refusal: string };

export function parseEnvFile(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly values: ReadonlyMap<string, string>; readonly refusals: readonly EnvFileLine[] } {
  const values = new Map<string, string>();
  const refusals: EnvFileLine[] = [];
  const source = text.replace(/^\ufeff/, '');
  const form =
    /^[ \t]*(?:export[ \t]+)?([^\s=#"']+)[ \t]*(?:=[ \t]*(?:"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|([^\r\n]*?)))?[ \t]*(?:[ \t]#[^\r\n]*)?\r?$/my;
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const lineEnd = source.indexOf('\n', at);
    const rest = source.slice(at, lineEnd < 0 ? source.length : lineEnd);
    let end = at + rest.length;
    if (!/^\s*(?:#.*)?$/.test(rest)) {
      form.lastIndex = at;
      const match = form.exec(source);
      if (match === null) refusals.push({ line, refusal: 'expected NAME=value, with closed quotes' });
      else {
        end = at + match[0].length;
        const [, name = '', double, single, bare] = match;
        const value = double === undefined ? (single ?? bare) : unescapeDouble(double);
        const given = value ?? env[name];
        if (given?.includes('\0')) refusals.push({ line, refusal: 'expected text without NUL characters' });
        else if (given !== undefined) values.set(name, given);
      }
    }
    const eaten = source.slice(at, end);
    line += eaten.split('\n').length;
    at = end + 1;
  }
  return { values, refusals };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

const unescapeDouble = (text: string): string =>
  text.replaceAll(/\\([\s\S])/g, (_, sign: string) => ESCAPES[sign] ?? sign);

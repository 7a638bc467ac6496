// Wildcards in an output's path, as in a POSIX shell: `*` and `?` within one name, `[abc]`, `[a-z]`, `[!abc]`. `**` is not known.

export const hasWildcard = (path: string): boolean => /[*?[]/.test(path);

/** `results/2024/*.csv` → folder `results/2024`, and a test for paths relative to it. */
export function splitPattern(path: string): { readonly folder: string; readonly matches: (path: string) => boolean } {
  const parts = path.split('/');
  const first = parts.findIndex(hasWildcard);
  const tests = parts.slice(first).map((part) => new RegExp(`^${part.replace(PIECE, toExpression)}$`, 'su'));
  const matches = (candidate: string): boolean => {
    const names = candidate.split('/');
    return names.length === tests.length && tests.every((test, at) => matchesName(test, names[at] ?? ''));
  };
  return { folder: parts.slice(0, first).join('/') || (path.startsWith('/') ? '/' : ''), matches };
}

/** As in a shell, a leading dot is only matched by a dot. */
const matchesName = (test: RegExp, name: string): boolean =>
  test.test(name) && (!name.startsWith('.') || test.source.startsWith('^\\.'));

const PIECE = /\[(!?)(\]?[^\]]*)\]|[\s\S]/gu;

function toExpression(piece: string, negation: string | undefined, set: string | undefined): string {
  if (set !== undefined && set !== '') {
    return `[${negation === '!' ? '^' : ''}${set.replace(/[\\\]^[&~|{}()/]/g, '\\$&')}]`;
  }
  if (piece === '*') return '.*';
  if (piece === '?') return '.';
  return piece.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

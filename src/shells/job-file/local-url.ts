// Makes the URLs and paths of a job file independent of where it was read: relative ones are taken from the caller's directory.

import { encodePath, joinPath, printTemplate, type Template } from '../../domain/interpolate.ts';
import type { JobScope } from './job-scope.ts';
import type { FieldPath } from './problem.ts';

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;
const SCHEMES = ['file', 'http', 'https', 's3'];
const EXPECTED = 'expected a URL (file, http, https, s3) or a local path';

/** A template for a URL; one that begins with a value of the task stays as it is and is made absolute when it is filled. */
export function localizeUrl(scope: JobScope, text: string, path: FieldPath): string {
  const template = scope.fillParameters(text, path);
  const [first] = template;
  if (first === undefined) {
    scope.refuse(path, `${EXPECTED}, got nothing`);
    return '';
  }
  if (typeof first !== 'string') return printTemplate(template);
  const literal = joinLiterals(template);
  const scheme = SCHEME.exec(first)?.[1]?.toLowerCase();
  if (scheme === undefined) return `file://${mapLiterals(absolutePath(scope, literal), encodePath)}`;
  if (!SCHEMES.includes(scheme)) {
    scope.refuse(
      path,
      `${EXPECTED}, got a ${scheme}: URL${scheme === 'gs' || scheme === 'az' ? ' (not supported)' : ''}`,
    );
  } else if (!first.startsWith('//', scheme.length + 1)) {
    scope.refuse(path, `${EXPECTED}: write ${scheme}://${scheme === 'file' ? '/' : ''}…`);
  } else if (scheme === 'file' && !first.startsWith('file:///')) {
    scope.refuse(path, `${EXPECTED}: a file URL begins with three slashes, file:///…`);
  }
  return printTemplate(literal);
}

/** A template for a path on this machine, absolute; `~/` is the client's home. */
export function localizePath(scope: JobScope, template: Template): string {
  return printTemplate(absolutePath(scope, joinLiterals(template)));
}

/** An absolute path for a text without names. */
export function localizeConstant(scope: JobScope, text: string): string {
  return joinPath(scope.context.directory, expandHome(scope, text));
}

function absolutePath(scope: JobScope, template: Template): Template {
  const [first, ...rest] = template;
  if (typeof first !== 'string') return [`${scope.context.directory}/`, ...template];
  // The last part of the literal may go on in a name: it is no `.` or `..` yet.
  const cut = rest.length === 0 ? first.length : first.lastIndexOf('/') + 1;
  const head = expandHome(scope, first.slice(0, cut));
  const joined = head === '' ? `${scope.context.directory}/` : joinPath(scope.context.directory, head);
  const separator = rest.length > 0 && !joined.endsWith('/') ? '/' : '';
  return joinLiterals([joined + separator + first.slice(cut), ...rest]);
}

function expandHome(scope: JobScope, path: string): string {
  const home = scope.context.env.HOME;
  return home !== undefined && (path === '~' || path.startsWith('~/')) ? home + path.slice(1) : path;
}

/** Neighbouring texts made one: a parameter that was filled in stands beside the text around it. */
function joinLiterals(template: Template): Template {
  const joined: (string | { readonly name: string })[] = [];
  for (const part of template) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else joined.push(part);
  }
  return joined;
}

const mapLiterals = (template: Template, change: (literal: string) => string): string =>
  printTemplate(template.map((part) => (typeof part === 'string' ? change(part) : part)));

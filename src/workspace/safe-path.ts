// Which paths may be used in a workspace: none that climbs out of it. Paths of job files, of object listings and of a
// container's archive all come through here; what a link on a real disk points to is looked at where files are opened.

import { DistributoError } from '../domain/errors.ts';

const PART_BYTES_MAX = 255;
const PATH_BYTES_MAX = 4095;

/** A path of a job file: without `.` and doubled slashes; '' is the workspace itself. Absolute ones stay absolute. */
export function workspacePath(path: string): string {
  return (path.startsWith('/') ? '/' : '') + cleanParts(path).join('/');
}

/** A path that came from a listing or an archive, relative to what was asked for. Absolute ones are refused. */
export function entryPath(path: string): string {
  if (path.startsWith('/')) throw escapes(path, 'is absolute');
  return cleanParts(path).join('/');
}

/**
 * Where a link leads: `target` as seen from the folder of `link`, both below `root`. Links are a program's own writing, so
 * `..` is allowed in them as long as it never climbs above the root. All three are absolute or all relative.
 */
export function linkedPath(root: string, link: string, target: string): string {
  const rootParts = partsOf(root);
  const parts = target.startsWith('/') ? [] : partsOf(link).slice(0, -1);
  for (const part of partsOf(target)) {
    if (part === '..') {
      if (parts.pop() === undefined) throw linkEscapes(link, target);
    } else parts.push(part);
  }
  const isInside = rootParts.every((part, at) => parts[at] === part);
  if (!isInside || (target.startsWith('/') && !root.startsWith('/'))) throw linkEscapes(link, target);
  return (root.startsWith('/') ? '/' : '') + parts.join('/');
}

export function linkEscapes(link: string, target: string): DistributoError {
  return new DistributoError('PATH_ESCAPES', `${show(link)} is a link to ${show(target)}, outside the workspace`, {
    hint: 'copy the file into the workspace instead of linking to it',
  });
}

export function notAFile(path: string, kind: string): DistributoError {
  return new DistributoError('PATH_ESCAPES', `${show(path)} is a ${kind}; only files and directories are taken out`, {
    hint: 'remove it before the task ends, or name the files that are wanted one by one',
  });
}

/** The last part of a path or URL path. */
export const lastPart = (path: string): string => partsOf(path).at(-1) ?? '';

export const joinPath = (folder: string, name: string): string =>
  name === '' ? folder : folder === '' || folder.endsWith('/') ? folder + name : `${folder}/${name}`;

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

function cleanParts(path: string): string[] {
  if (path.includes('\0')) throw escapes(path, 'holds a NUL character');
  const parts = partsOf(path);
  if (parts.includes('..')) throw escapes(path, 'holds `..`');
  const longest = parts.find((part) => byteLength(part) > PART_BYTES_MAX);
  if (longest !== undefined)
    throw escapes(path, `has a name of ${byteLength(longest)} bytes, ${PART_BYTES_MAX} is the most`);
  if (byteLength(path) > PATH_BYTES_MAX)
    throw escapes(path, `is ${byteLength(path)} bytes long, ${PATH_BYTES_MAX} is the most`);
  return parts;
}

function escapes(path: string, why: string): DistributoError {
  return new DistributoError('PATH_ESCAPES', `the path ${show(path)} ${why}`, {
    hint: 'use a path below the workspace, such as `results/out.csv`',
  });
}

const byteLength = (text: string): number => Buffer.byteLength(text);

/** Quoted, control characters escaped, cut in the middle where it is very long. */
const show = (path: string): string => {
  const text = path.length > 200 ? `${path.slice(0, 120)}…${path.slice(-60)}` : path;
  return JSON.stringify(text);
};

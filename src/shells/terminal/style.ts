// Which colours and signs a stream gets. Colour comes from the terminal's own sixteen; without it, and in ASCII, every
// state is still a word and every sign has a letter form.

import type { Environment } from './terminal-stream.ts';

export type Signs = {
  readonly ok: string;
  readonly failed: string;
  readonly warning: string;
  readonly interrupted: string;
  readonly running: string;
  readonly arrow: string;
  readonly separator: string;
  readonly ellipsis: string;
  readonly dash: string;
  readonly times: string;
};

const UNICODE_SIGNS: Signs = {
  ok: '✓',
  failed: '✕',
  warning: '!',
  interrupted: '◆',
  running: '▶',
  arrow: '→',
  separator: '·',
  ellipsis: '…',
  dash: '–',
  times: '×',
};

const ASCII_SIGNS: Signs = {
  ok: 'ok',
  failed: 'x',
  warning: '!',
  interrupted: '*',
  running: '>',
  arrow: '->',
  separator: '-',
  ellipsis: '..',
  dash: '-',
  times: 'x',
};

type Paint = (text: string) => string;

export type Style = {
  readonly hasColour: boolean;
  readonly isAscii: boolean;
  readonly sign: Signs;
  /** The one number the view is about. */
  readonly bold: Paint;
  /** What is secondary. */
  readonly dim: Paint;
  /** Succeeded, saved. */
  readonly green: Paint;
  /** Failed, interrupted, over a limit. */
  readonly red: Paint;
  /** A warning. */
  readonly yellow: Paint;
  /** Something to type. */
  readonly cyan: Paint;
  /** Jobs in the order of the file: blue, yellow, cyan, magenta, and round again. */
  readonly job: (ordinal: number, text: string) => string;
  /** One of six colours, stable for a name: log prefixes. */
  readonly named: (name: string, text: string) => string;
};

const JOB_COLOURS = [34, 33, 36, 35] as const;
// Bright blue instead of dark blue, and no red: that means failed.
const NAME_COLOURS = [36, 33, 35, 32, 94, 96] as const;

export function createStyle(options: { readonly hasColour: boolean; readonly isAscii: boolean }): Style {
  const paint =
    (open: number, close: number): Paint =>
    (text) =>
      options.hasColour && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    ...options,
    sign: options.isAscii ? ASCII_SIGNS : UNICODE_SIGNS,
    bold: paint(1, 22),
    dim: paint(2, 22),
    green: paint(32, 39),
    red: paint(31, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
    job: (ordinal, text) => paint(JOB_COLOURS[ordinal % JOB_COLOURS.length] as number, 39)(text),
    named: (name, text) => paint(NAME_COLOURS[hashOf(name) % NAME_COLOURS.length] as number, 39)(text),
  };
}

/** FNV-1a: small, stable on every machine. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** True where colour may be written: a terminal that can, and nobody against it. */
export function wantsColour(env: Environment, isTerminal: boolean, isRefused: boolean): boolean {
  if (isRefused || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb') return false;
  return isTerminal;
}

/** True under `LC_ALL=C` and under a character set that is not UTF-8. No locale at all counts as UTF-8: containers have none. */
export function wantsAscii(env: Environment): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== '');
  if (locale === undefined) return false;
  if (locale === 'C' || locale === 'POSIX') return true;
  const characterSet = locale.split('.')[1];
  return characterSet !== undefined && !/^utf-?8/i.test(characterSet);
}

/** The paint of a state's word. */
export function paintState(style: Style, state: string): Paint {
  if (state === 'succeeded' || state === 'ready') return style.green;
  if (state === 'failed' || state === 'lost' || state === 'interrupted' || state === 'unreachable') return style.red;
  if (state === 'stopped' || state === 'cancelled' || state === 'preempted') return style.yellow;
  return (text) => text;
}

// Bars of done and not done, and of how a machine is packed. Full only where all is there; a sliver where anything is.

import type { Style } from './style.ts';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** `███████▍░░░░`: `ratio` of `width` cells. */
export function drawBar(style: Style, ratio: number, width: number): string {
  const { done, rest } = barParts(style, ratio, width);
  return done + rest;
}

/** The same in two parts, to be painted apart. */
export function barParts(style: Style, ratio: number, width: number): { readonly done: string; readonly rest: string } {
  const full = style.isAscii ? '#' : '█';
  const empty = style.isAscii ? '.' : '░';
  if (width <= 0) return { done: '', rest: '' };
  if (ratio >= 1) return { done: full.repeat(width), rest: '' };
  if (!(ratio > 0)) return { done: '', rest: empty.repeat(width) };
  if (style.isAscii) {
    const cells = Math.min(width - 1, Math.max(1, Math.round(ratio * width)));
    return { done: full.repeat(cells), rest: empty.repeat(width - cells) };
  }
  const eighths = Math.min(width * 8 - 1, Math.max(1, Math.round(ratio * width * 8)));
  const cells = Math.floor(eighths / 8);
  const part = EIGHTHS[eighths % 8] as string;
  return { done: full.repeat(cells) + part, rest: empty.repeat(width - cells - (part === '' ? 0 : 1)) };
}

const JOB_FILLS = ['█', '▓', '▒', '░'] as const;
const JOB_FILLS_ASCII = ['#', '=', '-', '+'] as const;

/** Each job has its own fill, so that a bar can be read without colour; from the fifth on letters. */
export function jobFill(style: Style, ordinal: number): string {
  const fills = style.isAscii ? JOB_FILLS_ASCII : JOB_FILLS;
  return fills[ordinal] ?? String.fromCharCode('a'.charCodeAt(0) + ((ordinal - fills.length) % 26));
}

export const freeFill = (style: Style): string => (style.isAscii ? '.' : '·');

/** What other runs hold. */
export const otherFill = (style: Style): string => (style.isAscii ? '%' : '╱');

export type PackingPart = { readonly ordinal: number | 'other'; readonly amount: number };

/** One strip of a machine: what each job holds in file order, what others hold, what is free. */
export function drawPacking(style: Style, parts: readonly PackingPart[], capacity: number, width: number): string {
  if (capacity <= 0) return freeFill(style).repeat(width);
  let before = 0;
  let cellsBefore = 0;
  let out = '';
  for (const part of parts) {
    if (part.amount <= 0) continue;
    before += part.amount;
    const isFull = before >= capacity;
    const upTo = isFull ? width : Math.min(width - 1, Math.round((before / capacity) * width));
    // Every part shows at least one cell as long as there is room for it.
    const cells = Math.min(width - cellsBefore, Math.max(1, upTo - cellsBefore));
    cellsBefore += cells;
    const fill = part.ordinal === 'other' ? otherFill(style) : jobFill(style, part.ordinal);
    const text = fill.repeat(cells);
    out += part.ordinal === 'other' ? style.dim(text) : style.job(part.ordinal, text);
  }
  return out + style.dim(freeFill(style).repeat(width - cellsBefore));
}

// How many terminal cells a text takes, and how it is made to take fewer. Wide (East Asian, emoji) characters take two,
// combining marks and invisible format characters none. What a terminal would obey instead of show is written out.

const PLAIN = /^[\x20-\x7e]*$/;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
// Cc, bidirectional controls, line and paragraph separators, lone surrogates.
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

/** First and last of the blocks that terminals draw two cells wide: East Asian Width W and F, Unicode 16. */
const WIDE = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x23f0, 0x23f0],
  [0x23f3, 0x23f3],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2630, 0x2637],
  [0x2648, 0x2653],
  [0x267f, 0x267f],
  [0x268a, 0x268f],
  [0x2693, 0x2693],
  [0x26a1, 0x26a1],
  [0x26aa, 0x26ab],
  [0x26bd, 0x26be],
  [0x26c4, 0x26c5],
  [0x26ce, 0x26ce],
  [0x26d4, 0x26d4],
  [0x26ea, 0x26ea],
  [0x26f2, 0x26f3],
  [0x26f5, 0x26f5],
  [0x26fa, 0x26fa],
  [0x26fd, 0x26fd],
  [0x2705, 0x2705],
  [0x270a, 0x270b],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x274e, 0x274e],
  [0x2753, 0x2755],
  [0x2757, 0x2757],
  [0x2795, 0x2797],
  [0x27b0, 0x27b0],
  [0x27bf, 0x27bf],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b50],
  [0x2b55, 0x2b55],
  [0x2e80, 0x303e],
  [0x3041, 0x3247],
  [0x3250, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f200, 0x1f320],
  [0x1f32d, 0x1f335],
  [0x1f337, 0x1f37c],
  [0x1f37e, 0x1f393],
  [0x1f3a0, 0x1f3ca],
  [0x1f3cf, 0x1f3d3],
  [0x1f3e0, 0x1f3f0],
  [0x1f3f4, 0x1f3f4],
  [0x1f3f8, 0x1f43e],
  [0x1f440, 0x1f440],
  [0x1f442, 0x1f4fc],
  [0x1f4ff, 0x1f53d],
  [0x1f54b, 0x1f54e],
  [0x1f550, 0x1f567],
  [0x1f57a, 0x1f57a],
  [0x1f595, 0x1f596],
  [0x1f5a4, 0x1f5a4],
  [0x1f5fb, 0x1f64f],
  [0x1f680, 0x1f6c5],
  [0x1f6cc, 0x1f6cc],
  [0x1f6d0, 0x1f6d2],
  [0x1f6d5, 0x1f6d7],
  [0x1f6dc, 0x1f6df],
  [0x1f6eb, 0x1f6ec],
  [0x1f6f4, 0x1f6fc],
  [0x1f7e0, 0x1f7f0],
  [0x1f90c, 0x1f93a],
  [0x1f93c, 0x1f945],
  [0x1f947, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
] as const;

function isWide(codePoint: number): boolean {
  if (codePoint < 0x1100) return false;
  let low = 0;
  let high = WIDE.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = WIDE[middle] as readonly [number, number];
    if (codePoint < first) high = middle - 1;
    else if (codePoint > last) low = middle + 1;
    else return true;
  }
  return false;
}

function characterWidth(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return isWide(character.codePointAt(0) ?? 0) ? 2 : 1;
}

/** Of text without escape sequences. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Removes colour sequences of ours, so that a painted line can be measured. */
export function stripStyle(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
  return text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
}

/** `\x1b` for a control byte, `\u202e` for an invisible character that turns the line round. A tab stays a tab. */
export function escapeControls(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(UNSAFE, (character) => {
    if (character === '\t') return character;
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** For one cell or one sentence: line breaks and tabs become one space, other controls are written out. */
export const escapeLine = (text: string): string => escapeControls(text.replace(/[\r\n\t]+/g, ' '));

function takeStart(characters: readonly string[], width: number): string {
  let taken = '';
  let used = 0;
  for (const character of characters) {
    const next = characterWidth(character);
    if (used + next > width) break;
    taken += character;
    used += next;
  }
  return taken;
}

function takeEnd(characters: readonly string[], width: number): string {
  let used = 0;
  let from = characters.length;
  while (from > 0) {
    const next = characterWidth(characters[from - 1] as string);
    if (used + next > width) break;
    used += next;
    from--;
  }
  return characters.slice(from).join('');
}

/** `screening-wi…n-2026-7`: both ends of a name say something. */
export function cutMiddle(text: string, width: number, ellipsis: string): string {
  if (textWidth(text) <= width) return text;
  const characters = [...text];
  const room = width - textWidth(ellipsis);
  if (room < 2) return takeStart(characters, width);
  const start = Math.ceil(room / 2);
  return takeStart(characters, start) + ellipsis + takeEnd(characters, room - start);
}

/** For sentences. */
export function cutEnd(text: string, width: number, ellipsis: string): string {
  if (textWidth(text) <= width) return text;
  const room = width - textWidth(ellipsis);
  return room < 1 ? takeStart([...text], width) : takeStart([...text], room).trimEnd() + ellipsis;
}

/** Cuts a line that may hold colour sequences of ours; the sequences take no room and the last one is closed. */
export function cutStyledLine(line: string, width: number, ellipsis = ''): string {
  if (textWidth(stripStyle(line)) <= width) return line;
  const room = Math.max(0, width - textWidth(ellipsis));
  let out = '';
  let used = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
  for (const [part] of line.matchAll(/\x1b\[[0-9;?]*[A-Za-z]|./gsu)) {
    if (part.startsWith('\x1b')) {
      out += part;
      continue;
    }
    const next = characterWidth(part);
    if (used + next > room) break;
    out += part;
    used += next;
  }
  out += ellipsis;
  return out.includes('\x1b') ? `${out}\x1b[0m` : out;
}

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - textWidth(text)));
export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - textWidth(text))) + text;

/** Breaks a sentence at spaces; a word longer than the line is left whole. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

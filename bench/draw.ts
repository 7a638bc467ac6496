// A picture of figures: each as a bar, with its bar (the goal) as a line. Every row has its own scale.

import type { Figure } from './figure.ts';

const WIDTH = 900;
const ROW = 34;
const LEFT = 430;
const ROOM = WIDTH - LEFT - 120;

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function drawRow(one: Figure, at: number): string {
  const isRatio = one.bar !== null && one.ratio !== null && Math.abs(one.bar) < 100 && one.value > 100;
  const value = isRatio ? (one.ratio as number) : one.value;
  const most = Math.max(value, one.bar ?? 0) * 1.15 || 1;
  const y = 60 + at * ROW;
  const colour = one.ok === false ? '#b3261e' : one.ok === true ? '#2e7d32' : '#546e7a';
  const goal =
    one.bar === null
      ? ''
      : `<line x1="${LEFT + (one.bar / most) * ROOM}" x2="${LEFT + (one.bar / most) * ROOM}" y1="${y - 4}" y2="${y + 18}" stroke="#000" stroke-width="2"/>`;
  const label = `${Number(value.toPrecision(4)).toLocaleString('en-US')} ${isRatio ? '×' : one.unit}`;
  return [
    `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escapeXml(`${one.case}: ${one.metric}`)}</text>`,
    `<rect x="${LEFT}" y="${y}" width="${Math.max((value / most) * ROOM, 1)}" height="14" fill="${colour}"/>`,
    goal,
    `<text x="${LEFT + (value / most) * ROOM + 8}" y="${y + 12}">${escapeXml(label)}</text>`,
  ].join('');
}

export function draw(name: string, figures: readonly Figure[], about: string): string {
  const height = 80 + figures.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="26" font-size="16" font-weight="bold">${escapeXml(name)}</text>
<text x="16" y="44" fill="#555">${escapeXml(about)}; a black line is the bar, green holds it, red misses it, grey has none</text>
${figures.map(drawRow).join('\n')}
</svg>
`;
}

// Reads amounts as people write them: processors, sizes, spans, money, instants. Each reader gives a value in our unit, or a
// refusal that says what was expected. Amounts are read digit by digit, so that nothing is lost to binary fractions. Only
// processors may be written without a unit. How amounts are shown is not decided here.

/** A value, or the sentence that says what was expected instead. */
export type Reading<T> = { readonly value: T } | { readonly refusal: string };

/** What the readers accept, as patterns for the published schema: ECMA-262, without flags. */
export const UNIT_PATTERNS = {
  cpu: '^ *(\\d+(?:\\.\\d+)?) *(m|[vV]?[cC][pP][uU][sS]?)? *$',
  size: '^ *(\\d+(?:\\.\\d+)?) *(B|[kKmMgGtT][iI]?[bB]|[KMGT]i) *$',
  duration: '^ *(?:\\d+(?:\\.\\d+)? *(?:d|h|min|m|s|ms) *)+$',
  money: '^ *(?:\\$ *(\\d[\\d,]*(?:\\.\\d+)?)|(\\d[\\d,]*(?:\\.\\d+)?) *[uU][sS][dD]) *$',
  instant: '^ *\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d+)?)? *(?:Z|UTC|[+-]\\d\\d:?\\d\\d) *$',
} as const;

const CPU = new RegExp(UNIT_PATTERNS.cpu);
const SIZE = new RegExp(UNIT_PATTERNS.size);
const DURATION = new RegExp(UNIT_PATTERNS.duration);
const MONEY = new RegExp(UNIT_PATTERNS.money);
const INSTANT = /^ *(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)? *(Z|UTC|[+-]\d\d:?\d\d)? *$/;
const DATE_ONLY = /^ *\d{4}-\d\d-\d\d *$/;
const PLAIN_NUMBER = /^ *-?\d+(?:\.\d+)? *$/;

const CPU_UNITS_MAX = 1024 * 1_000_000;
/** One EiB. */
const SIZE_MIB_MAX = 2 ** 40;
/** Ten years. */
const DURATION_MS_MAX = 3650 * 86_400_000;
const MONEY_MICROS_MAX = 1_000_000_000_000_000;

/** `0.5`, `500m`, `2 vCPU` → units of 1/1,024 vCPU, rounded up. */
export function parseCpu(input: string | number): Reading<number> {
  const refuse = refusal('a number of vCPU above 0 such as 0.5, 500m or "2 vCPU"', input);
  const match = CPU.exec(textOf(input));
  if (match === null) return refuse();
  const value = scale(match[1] as string, 1024, match[2] === 'm' ? 1000 : 1);
  if (value === undefined || value > CPU_UNITS_MAX) return refuse('more than any machine has');
  return value === 0 ? refuse() : { value };
}

const SIZE_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** `512MiB`, `2GB`, `1.5GiB` → whole MiB, rounded up. Decimal units are decimal: 2GB is 1,908 MiB. */
export function parseSizeMib(input: string | number): Reading<number> {
  const refuse = refusal('a size above 0 such as 512MiB, 2GB or 1.5GiB', input);
  const text = textOf(input);
  if (PLAIN_NUMBER.test(text)) return refuse('a size needs a unit');
  const bare = /^ *\d+(?:\.\d+)? *([kmgtKMGT]) *$/.exec(text)?.[1]?.toUpperCase();
  if (bare !== undefined) return refuse(`write ${bare}iB (powers of 1,024) or ${bare}B (powers of 1,000)`);
  const match = SIZE.exec(text);
  if (match === null) return refuse();
  const value = scale(match[1] as string, SIZE_BYTES[(match[2] as string).toLowerCase()] as number, 2 ** 20);
  if (value === undefined || value > SIZE_MIB_MAX) return refuse('more than any machine has');
  return value === 0 ? refuse() : { value };
}

const DURATION_UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const DURATION_ORDER = ['d', 'h', 'm', 's', 'ms'];

/** `90s`, `2h30m`, `1d`, `500ms`, `4 min` → milliseconds, rounded up. Each unit at most once, the largest first. 0 is a value. */
export function parseDurationMs(input: string | number): Reading<number> {
  const refuse = refusal('a duration such as 90s, 18m or 2h30m', input);
  const text = textOf(input);
  if (PLAIN_NUMBER.test(text)) return refuse('a duration needs a unit');
  if (!DURATION.test(text)) return refuse();
  let totalMs = 0;
  let last = -1;
  for (const part of text.matchAll(/(\d+(?:\.\d+)?) *(d|h|min|ms|m|s)/g)) {
    const unit = part[2] === 'min' ? 'm' : (part[2] as string);
    const place = DURATION_ORDER.indexOf(unit);
    if (place <= last) return refuse('each unit once, the largest first');
    last = place;
    totalMs += scale(part[1] as string, DURATION_UNITS[unit] as number, 1) ?? Number.POSITIVE_INFINITY;
  }
  return totalMs > DURATION_MS_MAX ? refuse('at most 3,650 days') : { value: totalMs };
}

/** `5 USD`, `$5`, `$1,200.50` → millionths of a dollar. */
export function parseMoneyMicros(input: string | number): Reading<number> {
  const refuse = refusal('an amount of US dollars such as "5 USD" or $5', input);
  const text = textOf(input);
  if (PLAIN_NUMBER.test(text)) return refuse('an amount needs its currency');
  const match = MONEY.exec(text);
  if (match === null) {
    return /^ *(?:[€£¥] *\d|\d[\d.,]* *(?:[€£¥]|[A-Za-z]{3} *$))/.test(text)
      ? refuse('other currencies are not known')
      : refuse();
  }
  const digits = match[1] ?? (match[2] as string);
  if (digits.includes(',') && !/^\d{1,3}(,\d{3})+(\.\d+)?$/.test(digits)) return refuse();
  const value = scale(digits.replaceAll(',', ''), 1_000_000, 1);
  return value === undefined || value > MONEY_MICROS_MAX ? refuse('more than a billion') : { value };
}

/** An instant with its zone, or a span from `nowMs` on. */
export function parseInstantMs(input: string | number, nowMs: number): Reading<number> {
  const refuse = refusal('an instant with its zone such as 2026-12-01T08:00Z, or a span from now such as 2h', input);
  const text = textOf(input);
  if (PLAIN_NUMBER.test(text)) return refuse('a span needs a unit');
  if (DATE_ONLY.test(text)) return refuse(`write the time and the zone: ${text.trim()}T08:00Z`);
  const match = INSTANT.exec(text);
  if (match === null) {
    const span = parseDurationMs(text);
    return 'value' in span ? { value: nowMs + span.value } : refuse();
  }
  const zone = match[8];
  if (zone === undefined) return refuse(`the zone is missing: write ${text.trim()}Z for UTC, or ${text.trim()}+01:00`);
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((group) => Number(match[group] ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return refuse('there is no such day');
  if (hour > 23 || minute > 59 || second > 59) return refuse('there is no such time of day');
  const offset = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  const offsetMinutes = offset === null ? 0 : Number(`${offset[1]}1`) * (Number(offset[2]) * 60 + Number(offset[3]));
  if (Math.abs(offsetMinutes) > 14 * 60) return refuse('there is no such zone');
  const milliseconds = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const minutes = (daysSince1970(year, month, day) * 24 + hour) * 60 + minute - offsetMinutes;
  return { value: minutes * 60_000 + second * 1000 + milliseconds };
}

const textOf = (input: string | number): string => (typeof input === 'number' ? plainText(input) : input);

/** Numbers without an exponent, as far as they can be written so. */
function plainText(number: number): string {
  const text = String(number);
  return text.includes('e') ? number.toFixed(12).replace(/\.?0+$/, '') : text;
}

function refusal(expected: string, input: string | number): (why?: string) => { readonly refusal: string } {
  const got = typeof input === 'number' ? String(input) : JSON.stringify(shorten(input));
  return (why) => ({ refusal: `expected ${expected}, got ${got}${why === undefined ? '' : `: ${why}`}` });
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** decimal × numerator / denominator, rounded up, exactly; undefined beyond what an integer can hold. */
function scale(decimal: string, numerator: number, denominator: number): number | undefined {
  const [whole = '', fraction = ''] = decimal.split('.');
  if (whole.length > 18 || fraction.length > 30) return undefined;
  const above = BigInt(whole + fraction) * BigInt(numerator);
  const below = 10n ** BigInt(fraction.length) * BigInt(denominator);
  const value = Number((above + below - 1n) / below);
  return Number.isSafeInteger(value) ? value : undefined;
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

const daysIn = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;

/** Days of the proleptic Gregorian calendar; years are counted from March so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leapDays + dayOfYear - 719_468;
}

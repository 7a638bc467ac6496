// Numbers, spans, instants, sizes and money in the words people see. One place, so that they look alike everywhere.

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** 23180 → `23,180`. */
export function formatCount(value: number): string {
  const [whole = '', fraction] = String(Math.abs(value)).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${value < 0 ? '−' : ''}${grouped}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** `1 task`, `23,180 tasks`. */
export function formatQuantity(value: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

/** `1st`, `2nd`, `11th`, `4,003rd`. */
export function formatOrdinal(value: number): string {
  const isTeen = value % 100 >= 11 && value % 100 <= 13;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th');
  return `${formatCount(value)}${ending}`;
}

/** Exact to the second: `0.3 s`, `41 s`, `1 min 02 s`, `5 h 27 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 50) return '<0.1 s';
  if (ms < SECOND_MS) return `${Math.min(9, Math.round(ms / 100)) / 10} s`;
  const seconds = Math.round(ms / SECOND_MS);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return formatLongSpan(seconds * SECOND_MS);
}

/** For what is only roughly known: `41 s`, `4 min`, `5 h 27 min`. */
export function formatRoughDuration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(1, Math.round(ms / SECOND_MS))} s`;
  const minutes = Math.round(ms / MINUTE_MS);
  return minutes < 60 ? `${minutes} min` : formatLongSpan(minutes * MINUTE_MS);
}

function formatLongSpan(ms: number): string {
  if (ms < DAY_MS) {
    const minutes = Math.floor(ms / MINUTE_MS);
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  const hours = Math.floor(ms / HOUR_MS);
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `2:10` hours and minutes, `0:41` from a minute on in minutes and seconds below an hour: for narrow columns. */
export function formatClockSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** How instants are written: UTC, or the zone of this computer. */
export type TimeStyle = { readonly isLocal: boolean };

type Parts = { readonly date: string; readonly clock: string; readonly seconds: string };

function partsOf(atMs: number, time: TimeStyle): Parts {
  const at = new Date(atMs);
  const shifted = time.isLocal ? new Date(atMs - at.getTimezoneOffset() * MINUTE_MS) : at;
  const iso = shifted.toISOString();
  return { date: iso.slice(0, 10), clock: iso.slice(11, 16), seconds: iso.slice(17, 19) };
}

/** `20:10` for moments of the day of `nowMs`, the ISO date for others. */
export function formatInstant(atMs: number, nowMs: number, time: TimeStyle): string {
  const at = partsOf(atMs, time);
  return at.date === partsOf(nowMs, time).date ? at.clock : at.date;
}

/** `20:10` today, `2026-11-21 20:10` on other days. */
export function formatMoment(atMs: number, nowMs: number, time: TimeStyle): string {
  const at = partsOf(atMs, time);
  return at.date === partsOf(nowMs, time).date ? at.clock : `${at.date} ${at.clock}`;
}

/** `20:10:00`, for lines that follow one another. */
export function formatClock(atMs: number, time: TimeStyle): string {
  const at = partsOf(atMs, time);
  return `${at.clock}:${at.seconds}`;
}

/** `UTC`, or the offset of this computer at that moment: `+01:00`. */
export function zoneLabel(atMs: number, time: TimeStyle): string {
  if (!time.isLocal) return 'UTC';
  const minutes = -new Date(atMs).getTimezoneOffset();
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** A deadline is a clock and a distance: `00:00 UTC (in 6 h)`. */
export function formatDeadline(atMs: number, nowMs: number, time: TimeStyle): string {
  const distance = atMs - nowMs;
  const words = distance >= 0 ? `in ${formatRoughDuration(distance)}` : `${formatRoughDuration(-distance)} ago`;
  return `${formatMoment(atMs, nowMs, time)} ${zoneLabel(atMs, time)} (${words})`;
}

/** `512 MiB`, `2 GiB`, `15.4 GiB`, `1.2 TiB`. */
export function formatMemory(mib: number): string {
  if (mib < 1024) return `${formatCount(Math.round(mib))} MiB`;
  const isTib = mib >= 1024 * 1024;
  const value = mib / (isTib ? 1024 * 1024 : 1024);
  return `${formatCount(Number(value.toFixed(1)))} ${isTib ? 'TiB' : 'GiB'}`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `214 KiB`, `1.4 GiB`: one decimal below 10, none from there. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const rounded = unit === 0 || value >= 9.95 ? Math.round(value) : Math.round(value * 10) / 10;
  return `${formatCount(rounded)} ${BYTE_UNITS[unit]}`;
}

/** 512 → `0.5`, 2048 → `2`. */
export const formatVcpu = (cpuUnits: number): string => formatCount(Number((cpuUnits / 1024).toFixed(2)));

/** Whole unless under 10; `100 %` only where all of it is there. */
export function formatPercent(ratio: number): string {
  const percent = ratio * 100;
  if (percent <= 0) return '0 %';
  if (percent >= 100) return `${Math.floor(percent)} %`;
  if (percent >= 9.95) return `${Math.min(99, Math.round(percent))} %`;
  return percent < 0.1 ? '<0.1 %' : `${Number(percent.toFixed(1))} %`;
}

/** 8894 tasks in 7,800 s → `1.1/s`, `69.4/min`, `12/h`: the unit in which the number is at least one. */
export function formatRate(perSecond: number): string {
  const [value, unit] =
    perSecond >= 1 ? [perSecond, 's'] : perSecond * 60 >= 1 ? [perSecond * 60, 'min'] : [perSecond * 3600, 'h'];
  return `${formatCount(value >= 100 ? Math.round(value) : Number(value.toFixed(1)))}/${unit}`;
}

const MICROS = 1_000_000;

function formatDollars(micros: number, decimals: number, round: (value: number) => number): string {
  const step = MICROS / 10 ** decimals;
  const absolute = Math.abs(micros);
  if (absolute > 0 && absolute < step / 2) return `<$${(1 / 10 ** decimals).toFixed(decimals)}`;
  const [whole = '0', fraction = ''] = ((round(absolute / step) * step) / MICROS).toFixed(decimals).split('.');
  return `${micros < 0 ? '−' : ''}$${formatCount(Number(whole))}.${fraction}`;
}

/** A cost of a whole, rounded up: `$36.52 total`. */
export const formatTotalCost = (micros: number): string => `${formatDollars(micros, 2, Math.ceil)} total`;

/** The price of a machine: `$0.4149/h`. */
export const formatHourlyPrice = (microsPerHour: number): string => `${formatDollars(microsPerHour, 4, Math.round)}/h`;

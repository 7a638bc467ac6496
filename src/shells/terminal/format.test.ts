import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatBytes,
  formatClockSpan,
  formatCount,
  formatDeadline,
  formatDuration,
  formatHourlyPrice,
  formatInstant,
  formatMemory,
  formatMoment,
  formatOrdinal,
  formatPercent,
  formatQuantity,
  formatRate,
  formatRoughDuration,
  formatTotalCost,
  formatVcpu,
  zoneLabel,
} from './format.ts';

const UTC = { isLocal: false };
const at = (iso: string): number => Date.parse(iso);

test('numbers have thousands commas', () => {
  assert.deepEqual([0, 999, 1000, 23180, 1234567.5, -1200].map(formatCount), [
    '0',
    '999',
    '1,000',
    '23,180',
    '1,234,567.5',
    '−1,200',
  ]);
  assert.deepEqual(
    [1, 2, 3, 4, 11, 12, 21, 113, 4003].map(formatOrdinal).join(' '),
    '1st 2nd 3rd 4th 11th 12th 21st 113th 4,003rd',
  );
  assert.equal(formatQuantity(1, 'task'), '1 task');
  assert.equal(formatQuantity(23180, 'task'), '23,180 tasks');
});

test('a duration is exact to the second below an hour and to the minute above', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '<0.1 s'],
    [320, '0.3 s'],
    [999, '0.9 s'],
    [1000, '1 s'],
    [41_000, '41 s'],
    [59_600, '1 min 00 s'],
    [62_000, '1 min 02 s'],
    [3_599_400, '59 min 59 s'],
    [19_620_000, '5 h 27 min'],
    [21_600_000, '6 h'],
    [273_600_000, '3 d 4 h'],
    [86_400_000, '1 d'],
  ];
  for (const [ms, expected] of cases) assert.equal(formatDuration(ms), expected, String(ms));
});

test('a rough duration does not pretend to know the seconds of minutes', () => {
  assert.deepEqual([10, 41_000, 250_000, 3_595_000, 19_620_000].map(formatRoughDuration), [
    '1 s',
    '41 s',
    '4 min',
    '1 h',
    '5 h 27 min',
  ]);
  assert.deepEqual([41_000, 130_000, 7_800_000].map(formatClockSpan), ['0:41', '2:10', '2:10:00']);
});

test('a moment of today is a clock, of another day a date', () => {
  const now = at('2026-11-23T20:10:00Z');
  assert.equal(formatInstant(at('2026-11-23T18:00:00Z'), now, UTC), '18:00');
  assert.equal(formatInstant(at('2026-11-20T18:00:00Z'), now, UTC), '2026-11-20');
  assert.equal(formatMoment(at('2026-11-20T18:00:00Z'), now, UTC), '2026-11-20 18:00');
  assert.equal(formatDeadline(at('2026-11-23T23:31:00Z'), now, UTC), '23:31 UTC (in 3 h 21 min)');
  assert.equal(formatDeadline(at('2026-11-23T20:00:00Z'), now, UTC), '20:00 UTC (10 min ago)');
  assert.equal(zoneLabel(now, UTC), 'UTC');
  assert.match(zoneLabel(now, { isLocal: true }), /^[+-]\d\d:\d\d$/);
});

test('sizes carry their unit after a space', () => {
  assert.deepEqual([512, 1023.7, 1024, 3500, 15_770, 2 * 1024 * 1024].map(formatMemory), [
    '512 MiB',
    '1,024 MiB',
    '1 GiB',
    '3.4 GiB',
    '15.4 GiB',
    '2 TiB',
  ]);
  assert.deepEqual([0, 512, 1536, 219_136, 1024 ** 3 * 1.44].map(formatBytes), [
    '0 B',
    '512 B',
    '1.5 KiB',
    '214 KiB',
    '1.4 GiB',
  ]);
  assert.deepEqual([512, 1024, 2048, 100, 307].map(formatVcpu), ['0.5', '1', '2', '0.1', '0.3']);
});

test('a percentage is whole unless under ten, and a hundred only at all', () => {
  assert.deepEqual([0, 0.0005, 0.029, 0.38, 0.9999, 1].map(formatPercent), [
    '0 %',
    '<0.1 %',
    '2.9 %',
    '38 %',
    '99 %',
    '100 %',
  ]);
});

test('a rate uses the unit in which it is at least one', () => {
  assert.deepEqual([69.4 / 60, 0.5, 1 / 1800, 250].map(formatRate), ['1.2/s', '30/min', '2/h', '250/s']);
});

test('money has its horizon, a cost is rounded up, and almost nothing is not zero', () => {
  assert.equal(formatTotalCost(36_514_000), '$36.52 total');
  assert.equal(formatTotalCost(1_234_000_000), '$1,234.00 total');
  assert.equal(formatTotalCost(100), '<$0.01 total');
  assert.equal(formatTotalCost(0), '$0.00 total');
  assert.equal(formatHourlyPrice(414_900), '$0.4149/h');
  assert.equal(formatHourlyPrice(20), '<$0.0001/h');
});

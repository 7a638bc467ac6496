import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpu, parseDurationMs, parseInstantMs, parseMoneyMicros, parseSizeMib, type Reading } from './units.ts';

const read = <T>(reading: Reading<T>): T => {
  if ('refusal' in reading) throw new Error(reading.refusal);
  return reading.value;
};
const refusalOf = <T>(reading: Reading<T>): string => {
  if ('value' in reading) throw new Error(`accepted as ${String(reading.value)}`);
  return reading.refusal;
};

test('processors are read with and without a unit and rounded up to 1/1,024', () => {
  const cases: [string | number, number][] = [
    [1, 1024],
    [0.5, 512],
    ['0.5', 512],
    ['500m', 512],
    ['2 vCPU', 2048],
    ['2vcpus', 2048],
    ['1m', 2],
    [0.1, 103],
    [1e-7, 1],
    ['4 cpus', 4096],
  ];
  for (const [input, expected] of cases) assert.equal(read(parseCpu(input)), expected, String(input));
});

test('processors of zero, below zero and of unknown units are refused with examples', () => {
  for (const input of [0, -1, 'two', '2 cores', '', '1e3', '9999999']) {
    assert.match(refusalOf(parseCpu(input)), /^expected a number of vCPU above 0 such as 0\.5, 500m or "2 vCPU", got /);
  }
});

test('sizes are whole MiB, rounded up, and decimal units are decimal', () => {
  const cases: [string, number][] = [
    ['512MiB', 512],
    ['512Mi', 512],
    ['1.5GiB', 1536],
    ['2GB', 1908],
    ['2 gb', 1908],
    ['1B', 1],
    ['1000000 kB', 954],
    ['1TiB', 1_048_576],
  ];
  for (const [input, expected] of cases) assert.equal(read(parseSizeMib(input)), expected, input);
});

test('sizes without a unit, or with one of two meanings, say what to write', () => {
  assert.equal(
    refusalOf(parseSizeMib(512)),
    'expected a size above 0 such as 512MiB, 2GB or 1.5GiB, got 512: a size needs a unit',
  );
  assert.match(refusalOf(parseSizeMib('2g')), /: write GiB \(powers of 1,024\) or GB \(powers of 1,000\)$/);
  assert.match(refusalOf(parseSizeMib('0GiB')), /above 0/);
  assert.match(refusalOf(parseSizeMib('99999999999TiB')), /more than any machine has/);
  assert.match(refusalOf(parseSizeMib('3500MBit')), /got "3500MBit"$/);
});

test('durations add their parts', () => {
  const cases: [string, number][] = [
    ['90s', 90_000],
    ['2h30m', 9_000_000],
    ['2h 30m', 9_000_000],
    ['1d', 86_400_000],
    ['500ms', 500],
    ['4 min', 240_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
  ];
  for (const [input, expected] of cases) assert.equal(read(parseDurationMs(input)), expected, input);
});

test('durations of a wrong form are refused in words', () => {
  assert.equal(refusalOf(parseDurationMs('18 mins')), 'expected a duration such as 90s, 18m or 2h30m, got "18 mins"');
  assert.match(refusalOf(parseDurationMs(90)), /got 90: a duration needs a unit$/);
  assert.match(refusalOf(parseDurationMs('30m2h')), /each unit once, the largest first$/);
  assert.match(refusalOf(parseDurationMs('1h1h')), /each unit once/);
  assert.match(refusalOf(parseDurationMs('5000d')), /at most 3,650 days$/);
  assert.match(refusalOf(parseDurationMs('-5s')), /^expected a duration/);
});

test('money is dollars, to the millionth', () => {
  const cases: [string, number][] = [
    ['5 USD', 5_000_000],
    ['$5', 5_000_000],
    ['$1,200.50', 1_200_500_000],
    ['0.000001 usd', 1],
  ];
  for (const [input, expected] of cases) assert.equal(read(parseMoneyMicros(input)), expected, input);
  assert.match(refusalOf(parseMoneyMicros(5)), /an amount needs its currency$/);
  assert.match(refusalOf(parseMoneyMicros('5 EUR')), /other currencies are not known$/);
  assert.match(refusalOf(parseMoneyMicros('€5')), /other currencies are not known$/);
  assert.match(refusalOf(parseMoneyMicros('$12,00')), /^expected an amount of US dollars/);
});

test('instants need a zone; spans count from now', () => {
  const at = Date.parse('2026-12-01T08:00:00Z');
  assert.equal(read(parseInstantMs('2026-12-01T08:00Z', 0)), at);
  assert.equal(read(parseInstantMs('2026-12-01 08:00 UTC', 0)), at);
  assert.equal(read(parseInstantMs('2026-12-01T09:00:00.000+01:00', 0)), at);
  assert.equal(read(parseInstantMs('2026-12-01T03:30-0430', 0)), at);
  assert.equal(read(parseInstantMs('2h', 1000)), 7_201_000);
  assert.match(
    refusalOf(parseInstantMs('2026-12-01T08:00', 0)),
    /the zone is missing: write 2026-12-01T08:00Z for UTC/,
  );
  assert.match(refusalOf(parseInstantMs('2026-12-01', 0)), /write the time and the zone: 2026-12-01T08:00Z$/);
  assert.match(refusalOf(parseInstantMs('2026-02-30T08:00Z', 0)), /there is no such day$/);
  assert.match(refusalOf(parseInstantMs('2026-02-03T24:00Z', 0)), /there is no such time of day$/);
  assert.match(refusalOf(parseInstantMs('Friday', 0)), /^expected an instant with its zone/);
  assert.match(refusalOf(parseInstantMs(2, 0)), /a span needs a unit$/);
});

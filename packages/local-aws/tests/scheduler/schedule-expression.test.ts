import { expect, test } from 'vitest';
import { parseScheduleExpression } from '../../src/scheduler/schedule-expression.ts';

const START = '2026-01-30T22:30:10Z';

/** Returns the next three times after `after`, or fewer if there are no more. */
const times = (expression: string, after = START): string[] => {
  const timetable = parseScheduleExpression(expression, Date.parse(START));
  const found: string[] = [];
  for (let at = timetable.next(Date.parse(after)); at !== null && found.length < 3; at = timetable.next(at))
    found.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  return found;
};

test.each([
  ['rate(5 minutes)', ['2026-01-30T22:35:10Z', '2026-01-30T22:40:10Z', '2026-01-30T22:45:10Z']],
  ['rate(1 day)', ['2026-01-31T22:30:10Z', '2026-02-01T22:30:10Z', '2026-02-02T22:30:10Z']],
  ['cron(0 3 * * ? *)', ['2026-01-31T03:00:00Z', '2026-02-01T03:00:00Z', '2026-02-02T03:00:00Z']],
  ['cron(*/20 22-23 * * ? *)', ['2026-01-30T22:40:00Z', '2026-01-30T23:00:00Z', '2026-01-30T23:20:00Z']],
  ['cron(0 12 ? * MON-WED *)', ['2026-02-02T12:00:00Z', '2026-02-03T12:00:00Z', '2026-02-04T12:00:00Z']],
  ['cron(0 12 ? * 1 *)', ['2026-02-01T12:00:00Z', '2026-02-08T12:00:00Z', '2026-02-15T12:00:00Z']],
  ['cron(30,15 0 29 FEB ? *)', ['2028-02-29T00:15:00Z', '2028-02-29T00:30:00Z', '2032-02-29T00:15:00Z']],
  ['cron(0 0 1 1 ? 2027)', ['2027-01-01T00:00:00Z']],
  ['cron(50/5 23 * * ? *)', ['2026-01-30T23:50:00Z', '2026-01-30T23:55:00Z', '2026-01-31T23:50:00Z']],
  ['at(2026-02-01T00:00:00)', ['2026-02-01T00:00:00Z']],
  ['at(2026-01-01T00:00:00)', []],
])('the schedule expression %s gives its documented times', (expression, expected) => {
  expect(times(expression)).toEqual(expected);
});

test('a rate begins at its start time', () => {
  expect(times('rate(1 hour)', '2026-01-01T00:00:00Z')[0]).toBe(START);
});

test.each([
  'rate(0 minutes)',
  'rate(5 seconds)',
  'rate(5minutes)',
  'every 5 minutes',
  'cron(0 3 * * * *)',
  'cron(0 3 ? * ? *)',
  'cron(60 3 * * ? *)',
  'cron(0 3 L * ? *)',
  'cron(0 3 ? * MON#1 *)',
  'cron(0 3 * * ?)',
  'cron(5-1 3 * * ? *)',
  'cron(0/0 3 * * ? *)',
  'at(2026-13-01T00:00:00)',
])('%s is not a schedule expression', (expression) => {
  expect(() => parseScheduleExpression(expression, 0)).toThrow(`Invalid Schedule Expression ${expression}.`);
});

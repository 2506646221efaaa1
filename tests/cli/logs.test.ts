/** `logs`, and what it asks CloudWatch Logs for. */
import { expect, test } from 'vitest';
import { concerns, logLineIn, logPattern } from '../../src/lib/inspect/log-lines.ts';
import { hashedKey } from '../../src/lib/text/hashed-key.ts';
import { runLogs } from '../../src/cli/explain/logs.ts';
import type { LogLine, LogQuery } from '../../src/lib/inspect/log-lines.ts';
import { run } from './run.ts';

const NOW_MS = Date.parse('2026-11-30T14:00:00Z');

const text = (fields: object): string =>
  JSON.stringify({
    level: 'INFO',
    message: 'replicated',
    ending: 'done',
    rule: 'media',
    destination: 'archive',
    key: 'a',
    ...fields,
  });

const lineOf = (fields: object): LogLine => {
  const line = logLineIn(text(fields), NOW_MS);
  if (line === null) throw new Error('the line is about an outcome');
  return line;
};

test('a key is searched for as it is and as its hash, and characters with a meaning in filter patterns are left to the comparison', () => {
  expect(logPattern({ rule: 'media', key: 'photos/7 (1).jpg' })).toBe(
    `{ ($.rule = "media") && ($.key = "photos/7 (1).jpg" || $.key = "${hashedKey('photos/7 (1).jpg')}") }`,
  );
  expect(logPattern({ rule: null, key: 'a"b*c' })).toBe(
    `{ ($.key = "a*" || $.key = "${hashedKey('a"b*c')}") }`,
  );
  expect(logPattern({ rule: null, key: null })).toBe('{ $.ending = "*" }');
});

test('a line concerns exactly one key, in plain or hashed form', () => {
  const query = { rule: 'media', key: 'a"b' };
  expect(concerns(query, lineOf({ key: 'a"b' }))).toBe(true);
  expect(concerns(query, lineOf({ key: hashedKey('a"b') }))).toBe(true);
  expect(concerns(query, lineOf({ key: 'a"c' }))).toBe(false);
  expect(concerns(query, lineOf({ key: 'a"b', rule: 'other' }))).toBe(false);
});

test('a line that is about no outcome is no line', () => {
  expect(logLineIn('START RequestId: 1', NOW_MS)).toBeNull();
  expect(logLineIn('{"message":"tend"}', NOW_MS)).toBeNull();
});

test('logs shows when, what, where and why, and notes that there may be more', async () => {
  const asked: LogQuery[] = [];
  const logs = (...argv: string[]) =>
    run(
      ['logs', ...argv],
      { now: () => NOW_MS },
      {
        logs: (args, io) =>
          runLogs(args, io, () => ({
            find: async (query) => {
              asked.push(query);
              return {
                lines: [
                  lineOf({
                    message: 'quarantined',
                    ending: 'quarantine',
                    reason: 'kms',
                    detail: 'PutObject: no',
                  }),
                ],
                isComplete: false,
              };
            },
          })),
      },
    );
  expect(await logs('--rule', 'media', '--key', 'a', '--since', '2h')).toEqual({
    code: 0,
    out: '2026-11-30 14:00:00Z  quarantined  media → archive  a  kms  PutObject: no\n',
    err: 'note: there may be more lines: choose a later --since.\n',
  });
  expect(JSON.parse((await logs('--json')).out)).toMatchObject({
    message: 'quarantined',
    reason: 'kms',
    key: 'a',
  });
  expect(asked).toEqual([
    { rule: 'media', key: 'a', sinceMs: NOW_MS - 7_200_000 },
    { rule: null, key: null, sinceMs: NOW_MS - 3_600_000 },
  ]);
});

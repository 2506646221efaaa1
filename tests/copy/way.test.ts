import { beforeEach, expect, test } from 'vitest';
import { createServerSide, type ServerSide } from '../../src/lib/copy/way.ts';
import { testDestination, testRule } from '../model/settings.ts';

const MINUTE_MS = 60_000;

let nowMs: number;
let serverSide: ServerSide;
beforeEach(() => {
  nowMs = 0;
  serverSide = createServerSide({ now: () => nowMs, sleep: () => Promise.resolve() });
});

const to = testDestination();
const auto = testRule({ copy: 'auto' });

const from = (fields: Partial<typeof auto.source>) =>
  testRule({ copy: 'auto', source: { ...auto.source, ...fields } });

test('a rule that names its way of copying gets it, whatever S3 refused', () => {
  for (const copy of ['stream', 'server-side'] as const) {
    const rule = testRule({ copy });
    serverSide.refused(rule, to);
    expect(serverSide.way(rule, to)).toBe(copy);
  }
});

test('S3 is asked to copy until it refuses, and again 15 minutes later', () => {
  expect(serverSide.way(auto, to)).toBe('server-side');
  serverSide.refused(auto, to);
  expect(serverSide.way(auto, to)).toBe('stream');
  nowMs += 15 * MINUTE_MS - 1;
  expect(serverSide.way(auto, to)).toBe('stream');
  nowMs += 1;
  expect(serverSide.way(auto, to)).toBe('server-side');
});

test('a refused server-side copy says nothing about another bucket, prefix or role', () => {
  serverSide.refused(auto, to);
  const otherRole = testDestination({ roleArn: 'arn:aws:iam::333333333333:role/replication' });
  expect(serverSide.way(from({ bucket: 'other' }), to)).toBe('server-side');
  expect(serverSide.way(from({ prefix: 'in/' }), to)).toBe('server-side');
  expect(serverSide.way(auto, otherRole)).toBe('server-side');
});

test('a refused server-side copy also counts for another rule with the same source and role', () => {
  serverSide.refused(auto, to);
  expect(serverSide.way({ ...auto, id: 'other' }, { ...to, id: 'other' })).toBe('stream');
});

test('a rule whose own role reads the source copies inside S3 only if it says so', () => {
  const roleArn = 'arn:aws:iam::111111111111:role/reader';
  expect(serverSide.way(from({ roleArn }), to)).toBe('stream');
  expect(serverSide.way({ ...from({ roleArn }), copy: 'server-side' }, to)).toBe('server-side');
});

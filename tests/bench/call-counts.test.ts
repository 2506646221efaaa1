import { expect, test } from 'vitest';
import { callsOf } from '../../bench/call-counts.ts';

test('the calls of one service are summed up and named', () => {
  const counts = new Map([
    ['s3:GetObject', 2],
    ['s3:PutObject', 1],
    ['dynamodb:PutItem', 1],
  ]);
  expect(callsOf(counts, 's3')).toEqual({ total: 3, detail: '2 GetObject, PutObject' });
  expect(callsOf(counts, 'sqs')).toEqual({ total: 0, detail: '' });
});

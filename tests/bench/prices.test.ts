import { describe, expect, test } from 'vitest';
import { streamedCounts } from '../../bench/costs.ts';
import { alternativeCosts, type Consumption, costOf, priceOfCall } from '../../bench/prices.ts';

/** What it takes to stream one new object of 1 MB. */
const streamed: Consumption = {
  sizeBytes: 1e6,
  counts: new Map([
    ['s3:GetObject', 1],
    ['s3:HeadObject', 1],
    ['s3:PutObject', 1],
    ['dynamodb:PutItem', 1],
    ['dynamodb:UpdateItem', 1],
    ['sts:AssumeRole', 1],
  ]),
  invocations: 0.1,
  queueRequests: 1.2,
  functionSeconds: 0.01,
};

describe('the cost of a million objects', () => {
  test('the cost of objects consists of their calls, messages and function time', () => {
    const cost = costOf(streamed, 1e6, 'same-region');
    expect(cost.s3).toBeCloseTo(5 + 2 * 0.4, 6);
    expect(cost.dynamodb).toBeCloseTo(2 * 0.625, 6);
    expect(cost.sqs).toBeCloseTo(1.2 * 0.4, 6);
    // Each object takes 10 ms of a function with 1,769 MB, and a tenth of an invocation.
    expect(cost.lambda).toBeCloseTo(0.02 + ((10_000 * 1_769) / 1_024) * 0.0000133334, 6);
    expect(cost.transfer).toBe(0);
    expect(cost.total).toBeCloseTo(cost.s3 + cost.dynamodb + cost.sqs + cost.lambda, 6);
  });

  test('the cost of objects in another region includes the price of their bytes', () => {
    const near = costOf(streamed, 1e6, 'same-region').total;
    expect(costOf(streamed, 1e6, 'between-regions').total - near).toBeCloseTo(1_000 * 0.02, 6);
  });

  test('the cost of objects is proportional to their number', () => {
    const one = costOf(streamed, 1, 'between-regions').total;
    expect(costOf(streamed, 1e6, 'between-regions').total).toBeCloseTo(one * 1e6, 6);
  });
});

test('each AWS call has the price of a read or a write, or is free', () => {
  const reads = ['s3:GetObject', 's3:GetObjectTagging', 's3:HeadObject'];
  const writes = ['s3:PutObject', 's3:CopyObject', 's3:UploadPartCopy', 's3:ListParts', 's3:ListObjectsV2'];
  const free = ['s3:AbortMultipartUpload', 's3:DeleteObject', 'sts:AssumeRole'];
  expect(reads.map((name) => priceOfCall(name) * 1e6)).toEqual(reads.map(() => expect.closeTo(0.4)));
  expect(writes.map((name) => priceOfCall(name) * 1e6)).toEqual(writes.map(() => expect.closeTo(5)));
  expect(free.map(priceOfCall)).toEqual([0, 0, 0]);
  expect(priceOfCall('dynamodb:GetItem') * 1e6).toBeCloseTo(0.125);
  expect(priceOfCall('dynamodb:UpdateItem') * 1e6).toBeCloseTo(0.625);
});

test('the cost of AWS’s own services consists of requests, bytes and fees per job', () => {
  const costs = (place: 'same-region' | 'between-regions') =>
    alternativeCosts(1e6, 1e6, place).map(({ name, total }) => [name, total]);
  expect(costs('same-region')).toEqual([
    ['native replication', expect.closeTo(5)],
    ['native replication with RTC', expect.closeTo(5 + 15)],
    ['Batch Operations (one job)', expect.closeTo(5 + 1.25)],
    ['DataSync Basic', expect.closeTo(5.4 + 12.5)],
    ['DataSync Enhanced (one run)', expect.closeTo(5.4 + 15.55)],
  ]);
  expect(costs('between-regions')[0]).toEqual(['native replication', expect.closeTo(25)]);
});

test('a streamed transfer reads and sends each part, and has more part ranges than one inside S3', () => {
  const inside = new Map([
    ['s3:UploadPartCopy', 1_024],
    ['s3:ListParts', 3],
    ['dynamodb:GetItem', 10],
  ]);
  expect(streamedCounts(inside, 5)).toEqual(
    new Map([
      ['s3:ListParts', 15],
      ['dynamodb:GetItem', 50],
      ['s3:GetObject', 1_024],
      ['s3:UploadPart', 1_024],
    ]),
  );
});

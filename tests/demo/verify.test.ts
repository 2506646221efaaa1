import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Account, createAccount } from '../../demo/account.ts';
import { STAMP, stampOf } from '../../demo/stamp.ts';
import { verify } from '../../demo/verify.ts';
import { type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { type Configuration, parseConfiguration } from '../../src/lib/configuration/configuration.ts';

/**
 * Local buckets in the state after replication. Each test adds one fault to a replica, and the demo must
 * report that fault.
 */
let aws: LocalAws;
let accounts: { configuration: Configuration; source: Account; destination: Account };

const configuration = parseConfiguration(
  JSON.stringify({
    name: 'test',
    region: 'us-east-1',
    rules: [
      {
        id: 'all',
        source: { bucket: 'the-source' },
        destinations: [
          {
            bucket: 'the-destination',
            region: 'us-east-1',
            roleArn: 'arn:aws:iam::222222222222:role/replication',
            externalId: 'external',
          },
        ],
      },
    ],
  }),
);

beforeAll(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  accounts = {
    configuration,
    source: createAccount(aws, '111111111111'),
    destination: createAccount(aws, '222222222222'),
  };
  const place = { region: 'us-east-1', VersioningConfiguration: { Status: 'Enabled' } };
  aws.s3.createBucket({ name: 'the-source', accountId: '111111111111', ...place });
  aws.s3.createBucket({ name: 'the-destination', accountId: '222222222222', ...place });
});
afterAll(() => aws.stop());

const KEY = 'a \u0001 +%.txt';

const original = { Key: KEY, Body: 'abcdef', ContentType: 'text/plain', Metadata: { author: 'Ada' } };

/**
 * Writes a source object and a replica of it with this change. Returns the differences that the demo reports.
 */
const differences = async (
  change: Partial<PutObjectCommandInput>,
  { stamp = true } = {},
): Promise<string[]> => {
  const source = accounts.source.s3();
  await source.send(new PutObjectCommand({ Bucket: 'the-source', ...original }));
  const written = await source.send(new HeadObjectCommand({ Bucket: 'the-source', Key: KEY }));
  const replica = { ...original, ...change };
  const place = { bucket: 'the-destination', key: KEY, source: { bucket: 'the-source', key: KEY } };
  const stamped = { ...replica.Metadata, ...(stamp && { [STAMP]: stampOf(written, place) }) };
  await accounts.destination
    .s3()
    .send(new PutObjectCommand({ Bucket: 'the-destination', ...replica, Metadata: stamped }));
  return (await verify(accounts)).differences;
};

test('the demo reports no difference for a faithful replica', async () => {
  expect(await differences({})).toEqual([]);
});

test('the demo reports a replica with one different byte', async () => {
  expect(await differences({ Body: 'abcdeF' })).toEqual([
    'the-destination/a \\x01 +%.txt: differs from the-source/a \\x01 +%.txt at byte 5',
  ]);
});

test.each<[string, Partial<PutObjectCommandInput>, string]>([
  ['another content type', { ContentType: 'text/html' }, 'ContentType is "text/html", not "text/plain"'],
  ['another metadata value', { Metadata: { author: 'Bob' } }, 'Metadata author is "Bob", not "Ada"'],
  ['missing metadata', { Metadata: {} }, 'Metadata author is missing, not "Ada"'],
  [
    'a header that its source does not have',
    { CacheControl: 'no-cache' },
    'CacheControl is "no-cache", not missing',
  ],
  ['another storage class', { StorageClass: 'STANDARD_IA' }, 'StorageClass is "STANDARD_IA", not "STANDARD"'],
])('the demo reports a replica with %s', async (_what, change, sentence) => {
  expect(await differences(change)).toEqual([`the-destination/a \\x01 +%.txt: ${sentence}`]);
});

test('the demo reports a replica that does not name its source version', async () => {
  const [difference] = await differences({}, { stamp: false });
  expect(difference).toMatch(/its stamp is missing, not "v\//);
});

test('the demo reports a missing replica and an object without a source', async () => {
  await differences({});
  await accounts.destination.s3().send(new DeleteObjectCommand({ Bucket: 'the-destination', Key: KEY }));
  await accounts.destination
    .s3()
    .send(new PutObjectCommand({ Bucket: 'the-destination', Key: 'stray', Body: '' }));
  expect((await verify(accounts)).differences).toEqual([
    'the-destination/stray: has no source object',
    'the-destination/a \\x01 +%.txt: cannot be read: NoSuchKey',
  ]);
});

/**
 * Every request to S3 that the product can send names the expected owner of the bucket. If a role may do everything, this is the only
 * protection against the bucket of somebody else.
 */
import { globSync, readFileSync } from 'node:fs';
import * as sdk from '@aws-sdk/client-s3';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig } from '@s3-replicator/local-aws';
import { afterEach, expect, test, vi } from 'vitest';
import { type LocalBuckets, startLocalBuckets } from '../adapters/local-buckets.ts';
import { s3Error, startScriptedAws } from '../model/scripted-aws.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination, testRule } from '../model/settings.ts';

const SOURCES = globSync('src/**/*.ts').map((file) => ({ file, text: readFileSync(file, 'utf8') }));

/** The commands that the product imports from the SDK for S3. The uploader of the SDK sends no others. */
const COMMANDS = [
  ...new Set(
    SOURCES.flatMap(({ text }) => [
      ...text.matchAll(/import (?:type )?\{([^}]*)\} from '@aws-sdk\/client-s3'/g),
    ]).flatMap(([, names = '']) => names.match(/\b\w+Command\b/g) ?? []),
  ),
].toSorted();

/** Enough fields for every command. */
const INPUT = {
  Bucket: 'bucket',
  Key: 'key',
  UploadId: 'upload',
  PartNumber: 1,
  Body: 'x',
  CopySource: 'source/key',
  ExpectedSourceBucketOwner: '111111111111',
  ObjectAttributes: ['ETag'],
  Tagging: { TagSet: [] },
};

test('the owner stands in every command that the product sends to S3, and ListBuckets is the only one without a bucket', async () => {
  await using aws = await startScriptedAws();
  aws.answer = (_request, response) => response.end();
  const { single } = aws.clients.destination(testDestination());
  const without: string[] = [];
  for (const name of COMMANDS) {
    const Command = Reflect.get(sdk, name) as new (input: object) => PutObjectCommand;
    const input = name === 'ListBucketsCommand' ? {} : INPUT;
    const before = aws.seen.length;
    await single.send(new Command(input)).catch(() => undefined);
    const sent = aws.seen.slice(before).filter(({ url }) => !url.includes('AssumeRole') && url !== '/');
    const headers = sent.at(-1)?.headers ?? {};
    if (headers['x-amz-expected-bucket-owner'] !== '222222222222') without.push(name);
  }
  expect(COMMANDS.length).toBeGreaterThan(20);
  expect(without).toEqual(['ListBucketsCommand']);
});

/**
 * The files with other clients. Their commands that write name the owner explicitly. All others read settings that show who owns a bucket.
 */
const OWN_CLIENTS = [
  'src/lib/aws/s3/bucket-notifications.ts',
  'src/lib/aws/s3/client/access.ts',
  'src/lib/aws/s3/probe/look-at-bucket.ts',
  'src/lib/aws/settings/bucket-settings.ts',
  'src/lib/aws/settings/canary-object.ts',
];

const textOf = (file: string): string => SOURCES.find((source) => source.file === file)?.text ?? '';

test('every client for S3 in the product is one that adds the owner, except those that name it themselves or only read settings', () => {
  const others = SOURCES.filter(({ text }) =>
    [...text.matchAll(/^.*new S3Client\(.*$/gm)].some(([line]) => !line.includes('expectOwner(')),
  ).map(({ file }) => file);
  expect(others.toSorted()).toEqual(OWN_CLIENTS);
  const notifications = textOf('src/lib/aws/s3/bucket-notifications.ts');
  expect(notifications.match(/new \w+Command\(/g)).toHaveLength(2);
  expect(notifications.match(/ExpectedBucketOwner: accountId/g)).toHaveLength(2);
  const canary = textOf('src/lib/aws/settings/canary-object.ts');
  expect(canary).toContain('ExpectedBucketOwner: place.account }');
  expect(canary.match(/new (?:Put|Delete)ObjectCommand\((?:\{ \.\.\.named|named)/g)).toHaveLength(2);
  // This client only asks for the region of a bucket.
  expect(textOf('src/lib/aws/s3/client/access.ts').match(/new \w+Command\(/g)).toEqual([
    'new HeadBucketCommand(',
  ]);
  for (const file of ['src/lib/aws/s3/probe/look-at-bucket.ts', 'src/lib/aws/settings/bucket-settings.ts'])
    expect(textOf(file), file).not.toMatch(
      /new (?:Put|Delete|Copy|Create|Upload|Complete|Restore|GetObjectCommand)/,
    );
});

test('a copy that does not say whose its source is is not sent', async () => {
  await using aws = await startScriptedAws();
  const { single } = aws.clients.destination(testDestination());
  const command = new sdk.CopyObjectCommand({ Bucket: 'replica', Key: 'k', CopySource: 'source/k' });
  await expect(single.send(command)).rejects.toThrow('must name the expected owner of its source');
  expect(aws.seen).toEqual([]);
});

const ATTACKER = '333333333333';

/** Creates a bucket of the attacker, who lets both accounts do everything there, and an object in it. */
const takeOver = async ({ aws }: LocalBuckets, name: string): Promise<void> => {
  aws.s3.createBucket({ name, accountId: ATTACKER, region: 'eu-central-1' });
  aws.s3.setBucketPolicy(name, {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: ['111111111111', '222222222222'] },
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
      },
    ],
  });
  const attacker = new S3Client(
    clientConfig(aws, aws.root(ATTACKER), { tls: false, region: 'eu-central-1' }),
  );
  await attacker.send(new PutObjectCommand({ Bucket: name, Key: 'evil', Body: 'x' }));
  attacker.destroy();
};

const ABSENT = { kind: 'absent' } as const;
const REFUSED = { reason: 'wrong-bucket-owner' };

test('a role that may do everything everywhere writes nothing to a bucket of another account, reads nothing from it, and copies nothing out of it', async () => {
  await using local = await startLocalBuckets();
  await takeOver(local, 'source');
  await takeOver(local, 'replica');
  local.createDestination('ours');
  const source = local.buckets.source(testRule());
  const replica = local.buckets.destination(testDestination());
  const copied = { key: 'evil', attributes: REPLICA_ATTRIBUTES, precondition: ABSENT };

  await expect(source.open('evil', null)).rejects.toMatchObject({ ...REFUSED, side: 'source' });
  await expect(source.look('evil')).rejects.toMatchObject(REFUSED);
  await expect(source.history('evil')).rejects.toMatchObject(REFUSED);
  const put = {
    ...copied,
    key: 'secret',
    body: Buffer.from('secret'),
    sizeBytes: 6,
    guard: { kind: 'none' as const },
  };
  await expect(replica.put(put)).rejects.toMatchObject({ ...REFUSED, side: 'destination' });
  await expect(replica.look('evil')).rejects.toMatchObject(REFUSED);
  await expect(
    local.buckets.destination(testDestination({ bucket: 'ours' })).copyObject({
      ...copied,
      from: {
        bucket: 'source',
        account: null,
        key: 'evil',
        pin: { versionId: null, etag: '"9dd4e461268c8034f5c8564e155c67a6"', sizeBytes: 1, checksum: null },
      },
      unchecked: 'refuse',
    }),
  ).rejects.toMatchObject({ reason: 'access-denied' });
});

test('a bucket of a third account is used if the configuration says so, and no other account is accepted for it', async () => {
  await using local = await startLocalBuckets();
  await takeOver(local, 'replica');
  const look = (account: string) => local.buckets.destination(testDestination({ account })).look('evil');
  expect(await look(ATTACKER)).toMatchObject({ kind: 'object' });
  // The listing shows the buckets of the caller's account only, so the question cannot be asked.
  await expect(look('444444444444')).rejects.toMatchObject({
    reason: 'access-denied',
    message: expect.stringContaining('if replica does not belong to account 444444444444'),
  });
});

afterEach(() => vi.useRealTimers());

test('after refusals, whose the bucket is is asked once in five minutes', async () => {
  await using aws = await startScriptedAws();
  aws.answer = ({ method }, response) => s3Error(response, 403, method === 'GET' ? 'Busy' : 'AccessDenied');
  const bucket = aws.buckets.destination(testDestination());
  const refused = async (times: number): Promise<number> => {
    const before = aws.seen.length;
    for (let time = 0; time < times; time += 1)
      await expect(bucket.look('k')).rejects.toMatchObject({ reason: 'access-denied' });
    return aws.seen.slice(before).filter(({ url }) => url.startsWith('/?')).length;
  };
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  expect(await refused(20)).toBe(1);
  vi.setSystemTime(Date.now() + 4 * 60_000);
  expect(await refused(3)).toBe(0);
  vi.setSystemTime(Date.now() + 2 * 60_000);
  expect(await refused(3)).toBe(1);
});

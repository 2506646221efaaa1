/**
 * S3 itself copies objects if both accounts grant the permissions that `config policy` prints. Otherwise the `copy` option of the
 * rule decides whether the function streams the objects.
 */
import { randomBytes } from 'node:crypto';
import { GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { STAMP } from '../../demo/stamp.ts';
import { DESTINATION_ACCOUNT } from '../../demo/two-accounts.ts';
import type { Fault } from '@s3-replicator/local-aws';
import type { Statement } from '../../src/stack/cloudformation.ts';
import { openUploads, type Seen, seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { deadLetters, purge } from './support/queues.ts';
import { drawn } from './support/seed.ts';
import { PERMISSION_SECONDS, SOURCE_KEY } from './support/stages/stage.ts';
import { grantKey, moved, startTransfersStage, type TransfersStage } from './support/stages/transfers.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;
/**
 * Each entry is a size in terabytes and the number of its parts of 5 GiB. Ten thousand parts take half a minute of CPU, so the larger sizes
 * are tested only with `COPY_TB=50`, as in the soak.
 */
const LARGE = [
  [1, 205],
  [5, 1_024],
  [50, 10_000],
].filter(([terabytes = 0]) => terabytes <= Number(process.env['COPY_TB'] ?? 1));

let stage: TransfersStage;
let requests: string[];
beforeAll(async () => {
  stage = await startTransfersStage();
});
afterAll(async () => {
  await stage?.stop();
});
beforeEach(() => {
  requests = watchRequests(stage);
});
afterEach(async () => {
  stage.aws.faults.plan = undefined;
  stage.ranges.purge();
  purge(stage);
  await grantAll();
});

/** Returns the object operations that the functions called, except for HEAD requests and listings. */
const calls = (): string[] => {
  const names = requests.flatMap((request) => /^s3:(?!Head|List|Bucket)(\w+)/.exec(request)?.[1] ?? []);
  return [...new Set(names)].toSorted();
};

const inDestination = (bucket: string) =>
  stage.destination.s3(bucket === 'inside' ? 'eu-central-1' : 'us-east-1');

const replicaKey = (bucket: string, key: string): string =>
  bucket === 'inside' ? key.replace('in/', 'out/') : key;

/** Waits until the queues are empty and the functions are idle. Returns the object and its replica. */
const bothSides = async (bucket: string, key: string): Promise<[Seen | null, Seen | null]> => {
  await moved(stage);
  return [
    await seen(stage.source.s3(), bucket, key),
    await seen(inDestination(bucket), `${bucket}-replica`, replicaKey(bucket, key)),
  ];
};

/** The fields that S3 keeps when it copies an object. */
const KEPT = [
  'sha256',
  'ContentLength',
  'ContentType',
  'CacheControl',
  'WebsiteRedirectLocation',
  'StorageClass',
  'TagCount',
  'ObjectLockMode',
  'ObjectLockRetainUntilDate',
  'ObjectLockLegalHoldStatus',
  'ChecksumCRC64NVME',
  'ChecksumSHA256',
  'ChecksumType',
] as const;

const kept = (object: Seen | null): object => {
  const { [STAMP]: _stamp, ...metadata } = object?.Metadata ?? {};
  return { ...Object.fromEntries(KEPT.map((name) => [name, object?.[name]])), metadata };
};

const ATTRIBUTES = () => ({
  ContentType: 'text/x-odd',
  CacheControl: 'no-store',
  Metadata: { color: 'blue' },
  Tagging: 'a=1&b=zwei%20%2B%20drei',
  StorageClass: 'STANDARD_IA' as const,
  ObjectLockMode: 'GOVERNANCE' as const,
  ObjectLockRetainUntilDate: new Date(Math.ceil((stage.aws.clock.now() + 30 * DAY_MS) / 1_000) * 1_000),
  ObjectLockLegalHoldStatus: 'ON' as const,
});

const tagsOf = async (key: string): Promise<string[]> => {
  const tagging = new GetObjectTaggingCommand({ Bucket: 'inside-replica', Key: replicaKey('inside', key) });
  const { TagSet: tags = [] } = await inDestination('inside').send(tagging);
  return tags.map(({ Key, Value }) => `${Key}=${Value}`).toSorted();
};

test('an object is copied into another region with all attributes, and no byte passes through the function', async () => {
  const key = 'in/größe + ä.txt';
  const more = {
    ...ATTRIBUTES(),
    WebsiteRedirectLocation: '/elsewhere',
    ChecksumAlgorithm: 'SHA256' as const,
  };
  await stage.put('inside', key, 'first', more);
  const [source, replica] = await bothSides('inside', key);
  expect(await deadLetters(stage)).toEqual([]);
  expect(kept(replica)).toEqual(kept(source));
  expect(replica).toMatchObject({
    ObjectLockLegalHoldStatus: 'ON',
    WebsiteRedirectLocation: '/elsewhere',
    TagCount: 2,
  });
  expect(await tagsOf(key)).toEqual(['a=1', 'b=zwei + drei']);
  expect(calls()).toEqual(['CopyObject', 'GetObjectTagging']);
  // The second version is written on condition that the replica still holds the first version.
  await stage.put('inside', key, 'second', { ...more, Metadata: { color: 'red' } });
  const [newer, itsReplica] = await bothSides('inside', key);
  expect(kept(itsReplica)).toEqual(kept(newer));
  expect(itsReplica?.Metadata).toMatchObject({ color: 'red' });
  expect(calls()).toEqual(['CopyObject', 'GetObjectTagging']);
});

test('a multipart object is copied part by part, with the same composite checksum', async () => {
  const key = 'in/parts';
  const bodies = [randomBytes(5 * MIB), randomBytes(6 * MIB), randomBytes(3)];
  await stage.putParts('inside', key, bodies, { ...ATTRIBUTES(), ChecksumAlgorithm: 'SHA256' });
  const [source, replica] = await bothSides('inside', key);
  expect(await deadLetters(stage)).toEqual([]);
  expect(kept(replica)).toEqual(kept(source));
  expect(replica?.ChecksumType).toBe('COMPOSITE');
  expect(await tagsOf(key)).toEqual(['a=1', 'b=zwei + drei']);
  expect(calls()).toEqual([
    'CompleteMultipartUpload',
    'CreateMultipartUpload',
    'GetObjectTagging',
    'UploadPartCopy',
  ]);
});

/** Returns the statements that `config policy` prints for the bucket, without this action. */
const without = (bucket: string, action: string): Statement[] => {
  const statements = stage.policies.buckets.find((one) => one.bucket === bucket)?.statements ?? [];
  return statements.map(({ Action: actions, ...statement }) => ({
    ...statement,
    Action: [actions].flat().filter((one) => one !== action),
  }));
};

/**
 * Grants all permissions again. Also ends the processes of the function, because each process remembers a refusal for 15 minutes.
 */
const grantAll = async (): Promise<void> => {
  for (const { bucket, statements } of stage.policies.buckets) await stage.grant(bucket, statements);
  for (const { keyArn, statement } of stage.policies.keys) grantKey(stage.aws, keyArn, [statement]);
  await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
};

test('`copy: auto` streams objects while the bucket does not let the role read, and lets S3 copy them once it does', async () => {
  await stage.grant('either', without('either', 's3:GetObject'));
  for (const key of ['one', 'two', 'three', 'four']) {
    await stage.put('either', key, key);
    const [source, replica] = await bothSides('either', key);
    expect(kept(replica)).toEqual(kept(source));
  }
  const bodies = [randomBytes(5 * MIB), randomBytes(3)];
  await stage.putParts('either', 'in parts', bodies);
  const [inParts, itsReplica] = await bothSides('either', 'in parts');
  expect([kept(itsReplica), itsReplica?.ETag]).toEqual([kept(inParts), inParts?.ETag]);
  expect(calls()).toEqual(expect.arrayContaining(['CopyObject', 'GetObject', 'PutObject', 'UploadPart']));
  // The function has two processes. Each process remembers that S3 refused to copy.
  expect(requests.filter((request) => request.startsWith('s3:CopyObject')).length).toBeLessThan(3);
  expect(await deadLetters(stage)).toEqual([]);

  await grantAll();
  requests = watchRequests(stage);
  await stage.put('either', 'granted', 'three');
  await stage.putParts('either', 'granted in parts', bodies);
  const [last, lastReplica] = await bothSides('either', 'granted in parts');
  expect([kept(lastReplica), lastReplica?.ETag]).toEqual([kept(last), last?.ETag]);
  expect(calls().filter((call) => /Get|PutObject|UploadPart$/.test(call))).toEqual([]);
});

/** Deploys the destination's stack again with these parameters changed. */
const redeploy = async (changed: Record<string, string>): Promise<void> => {
  const stackName = 'moves-destination-inside-replica';
  const name = { accountId: DESTINATION_ACCOUNT, region: 'eu-central-1', stackName };
  const deployed = stage.aws.cloudformation.describe(name);
  if (deployed === null) throw new Error(`there is no stack ${stackName}`);
  const parameters = Object.entries(deployed.parameters).map(([key, value]) => [key, [value].flat().join()]);
  await stage.aws.cloudformation.deploy({
    ...name,
    template: deployed.templateText,
    parameters: { ...Object.fromEntries(parameters), ...changed },
  });
};

const LOSSES = [
  [
    's3:GetObjectVersion of the bucket',
    () => stage.grant('inside', without('inside', 's3:GetObjectVersion')),
  ],
  ['kms:Decrypt of the key', () => Promise.resolve(grantKey(stage.aws, SOURCE_KEY, []))],
  ['SourceBucketName of the destination', () => redeploy({ SourceBucketName: '' })],
  ['SourceKmsKeyArn of the destination', () => redeploy({ SourceKmsKeyArn: '' })],
] as const;

test.each(drawn(LOSSES, 4))(
  '`copy: server-side` quarantines an object without %s, and streams nothing',
  async (what, revoke) => {
    const key = `in/without ${what}`;
    await revoke();
    await stage.put('inside', key, 'content', { ChecksumAlgorithm: 'SHA256' });
    await moved(stage, { firstStepSeconds: PERMISSION_SECONDS });
    expect((await deadLetters(stage)).map(({ attributes }) => attributes)).toMatchObject([
      { reason: 'access-denied', rule: 'inside', key: encodeURIComponent(key) },
    ]);
    expect(new Set(calls())).toEqual(new Set(['CopyObject']));
    await redeploy({ SourceBucketName: 'inside', SourceKmsKeyArn: SOURCE_KEY });
  },
);

test('`copy: auto` streams if the server of the destination answers that it finds no key to copy', async () => {
  stage.aws.faults.plan = ({ headers }) =>
    headers['x-amz-copy-source'] === undefined
      ? undefined
      : { kind: 'error', status: 404, code: 'NoSuchKey' };
  await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
  await stage.putParts('either', 'unseen parts', [Buffer.alloc(5 * MIB), Buffer.from('end')]);
  await stage.put('either', 'unseen', 'content');
  for (const key of ['unseen', 'unseen parts']) {
    const [source, replica] = await bothSides('either', key);
    expect(kept(replica)).toEqual(kept(source));
  }
  // The environment remembers that the server cannot copy.
  await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
});

/** Delays a copy, so that the function can measure a rate. An immediate response would not show how fast S3 copies. */
const DELAY: Fault = { kind: 'delay', byMs: 1_100 };

test.each(LARGE)(
  '%i TB in %i parts are copied by S3 through the transfer function',
  async (_terabytes, parts = 0) => {
    const key = `${parts} parts`;
    const watch = stage.aws.faults.plan;
    let copies = 0;
    stage.aws.faults.plan = (request) => {
      watch?.(request);
      if (request.headers['x-amz-copy-source'] !== undefined) copies += 1;
      return copies === 1 ? DELAY : undefined;
    };
    const made = stage.aws.s3.createSparseObject({
      bucket: 'either',
      key,
      sizeBytes: parts * 5 * GIB,
      seed: parts,
      partSizeBytes: 5 * GIB,
      headers: { 'x-amz-meta-color': 'blue' },
    });
    await moved(stage);
    expect(await deadLetters(stage)).toEqual([]);
    const head = new HeadObjectCommand({ Bucket: 'either-replica', Key: key, ChecksumMode: 'ENABLED' });
    expect(await inDestination('either').send(head)).toMatchObject({
      ETag: `"${made.etag}"`,
      ContentLength: parts * 5 * GIB,
      ChecksumCRC64NVME: made.checksum.value,
      Metadata: { color: 'blue' },
    });
    // The tags are set when the upload begins. Afterwards they are only compared.
    expect(calls()).toEqual([
      'CompleteMultipartUpload',
      'CreateMultipartUpload',
      'GetObjectTagging',
      'UploadPartCopy',
    ]);
    expect(copies).toBe(parts);
    expect(await openUploads(stage, 'either-replica')).toEqual([]);
  },
);

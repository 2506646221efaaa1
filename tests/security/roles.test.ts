/** What a stolen role of a function may do, and how far the sessions of an honest one reach. */
import { randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { clientConfig, type Credentials } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import {
  narrowSessions,
  PROBE_KEY,
  type Sessions,
  WIDE_SESSIONS,
} from '../../src/lib/aws/s3/client/sessions.ts';
import { compareRoleArn, type Destination, type ReplicationRule } from '../../src/lib/model/rule.ts';
import { type LocalBuckets, startLocalBuckets } from '../adapters/local-buckets.ts';
import { operationOf } from '../e2e/support/operations.ts';
import { type RunsStage, startRunsStage } from '../e2e/support/stages/runs.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testConfiguration, testDestination, testRule } from '../model/settings.ts';

let stage: RunsStage;
const writeRole = 'arn:aws:iam::222222222222:role/current-replica';
const replica = { Bucket: 'current-replica', Key: 'in/kept' };

beforeAll(async () => {
  stage = await startRunsStage();
  await stage.destination.s3().send(new PutObjectCommand({ ...replica, Body: 'kept' }));
});
afterAll(async () => {
  await stage?.stop();
});

/** Assumes a role as a thief with the credentials of a function would, with a session policy that allows everything. */
const steal = async (functionRole: string, RoleArn: string): Promise<S3Client> => {
  const stolen = stage.aws.iam.createSession(`arn:aws:iam::${SOURCE_ACCOUNT}:role/${functionRole}`, 'x', 900);
  const sts = new STSClient(clientConfig(stage.aws, stolen.credentials));
  const everything = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  const { Credentials: given } = await sts
    .send(
      new AssumeRoleCommand({
        RoleArn,
        RoleSessionName: 'thief',
        ExternalId: 'e2e',
        Policy: JSON.stringify({ Version: '2012-10-17', ...everything }),
      }),
    )
    .finally(() => sts.destroy());
  const credentials: Credentials = {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
  return new S3Client(clientConfig(stage.aws, credentials));
};

test('whoever has stolen the role of the backfill function cannot assume the role that writes replicas', async () => {
  await expect(steal(stage.names.backfillRole, writeRole)).rejects.toThrow(
    'not authorized to perform: sts:AssumeRole',
  );
});

test('whoever has stolen the role of the backfill function can read replicas, but neither write, tag, delete nor remove one', async () => {
  const thief = await steal(stage.names.backfillRole, compareRoleArn(writeRole));
  const { VersionId } = await thief.send(new HeadObjectCommand(replica));
  for (const attempt of [
    () => thief.send(new PutObjectCommand({ ...replica, Body: 'forged' })),
    () => thief.send(new PutObjectTaggingCommand({ ...replica, Tagging: { TagSet: [] } })),
    () => thief.send(new DeleteObjectCommand(replica)),
    () => thief.send(new DeleteObjectCommand({ ...replica, VersionId })),
  ])
    await expect(attempt()).rejects.toMatchObject({ name: 'AccessDenied' });
  const { Body: body } = await stage.destination.s3().send(new GetObjectCommand(replica));
  expect(await body?.transformToString()).toBe('kept');
  thief.destroy();
});

test('a session at the destination says which function began it, so that policies and CloudTrail there can tell functions apart', async () => {
  const statement = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::current-replica/*',
    Condition: { StringNotEquals: { 'aws:SourceIdentity': stage.names.replicateFunction } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await stage.destination.s3().send(new PutBucketPolicyCommand({ Bucket: 'current-replica', Policy }));
  await stage.source.s3().send(new PutObjectCommand({ Bucket: 'current', Key: 'in/named', Body: 'named' }));
  await stage.waitUntilReplicated([{ bucket: 'current', key: 'in/named' }]);
});

/** Two destinations of one rule. They share one role, which may do everything in both buckets. */
const near = testDestination({ prefix: 'copy/' });
const other = testDestination({ id: 'other', bucket: 'other' });
const twice = testRule({ destinations: [near, other] });

/** Starts buckets whose clients begin these sessions, and collects what the roles lack. */
const begin = async (
  rule: ReplicationRule,
  sessions: Sessions,
): Promise<LocalBuckets & { lacking: string[] }> => {
  const lacking: string[] = [];
  const local = await startLocalBuckets({
    sessions,
    sourceIdentity: 'function',
    onLack: (bucket, action) => void lacking.push(`${bucket}: ${action}`),
  });
  local.createSource(rule.source.bucket);
  for (const { bucket } of rule.destinations) local.createDestination(bucket);
  return { ...local, lacking };
};

/** Lets the role of the destinations trust its callers with everything that STS offers. */
const trustFully = ({ aws: { iam } }: LocalBuckets): void => {
  const role = iam.role(near.roleArn);
  if (role === undefined) throw new Error('the role is there');
  const statement = { Effect: 'Allow', Action: 'sts:*', Principal: { AWS: SOURCE_ACCOUNT } } as const;
  iam.putRole({ ...role, assumeRolePolicy: { Statement: [statement] } });
};

const put = (local: LocalBuckets, at: Destination, key: string) =>
  local.buckets.destination(at).put({
    key,
    body: Buffer.from('a'),
    sizeBytes: 1,
    attributes: REPLICA_ATTRIBUTES,
    precondition: { kind: 'absent' },
    guard: { kind: 'none' },
  });

test('the session for one destination writes neither outside its prefix nor in another bucket, and deletes only for rules that replicate deletes', async () => {
  await using local = await begin(twice, narrowSessions(testConfiguration(twice), 'write'));
  await expect(put(local, near, 'copy/a')).resolves.toBeDefined();
  await expect(put(local, other, 'a')).resolves.toBeDefined();
  const denied = { reason: 'access-denied' };
  await expect(put(local, near, 'a')).rejects.toMatchObject(denied);
  const removed = local.buckets.destination(near).remove({ key: 'copy/a', etag: '"a"' });
  await expect(removed).rejects.toMatchObject(denied);
});

test('a session for comparing cannot write, not even with the role that writes, which it gets where the stack of an older template has no other', async () => {
  await using local = await begin(twice, narrowSessions(testConfiguration(twice), 'compare'));
  expect(await local.buckets.destination(near).look('copy/a')).toEqual({ kind: 'absent' });
  await expect(put(local, near, 'copy/a')).rejects.toMatchObject({ reason: 'access-denied' });
  expect(local.lacking).toEqual(['replica: sts:SetSourceIdentity', 'replica: sts:AssumeRole']);
});

test('a session for inspecting reads with the role that writes, and writes, tags and deletes nothing', async () => {
  await using local = await begin(twice, narrowSessions(testConfiguration(twice), 'inspect'));
  trustFully(local);
  const destination = local.buckets.destination(near);
  expect(await destination.look('copy/a')).toEqual({ kind: 'absent' });
  const denied = { reason: 'access-denied' };
  await expect(put(local, near, 'copy/a')).rejects.toMatchObject(denied);
  await expect(destination.putTags('copy/a', null, { a: 'b' })).rejects.toMatchObject(denied);
  await expect(destination.remove({ key: 'copy/a', etag: '"a"' })).rejects.toMatchObject(denied);
  await expect(begun(local, 'copy/a')).rejects.toMatchObject(denied);
  expect(local.lacking).toEqual([]);
});

test('a session for probing begins and aborts uploads under the prefix of the rule, and deletes no object even where the rule replicates deletes', async () => {
  const deleting = { ...twice, deletes: 'replicate' } as const;
  await using local = await begin(deleting, narrowSessions(testConfiguration(deleting), 'probe'));
  trustFully(local);
  const destination = local.buckets.destination(near);
  const { uploadId } = await begun(local, 'copy/a');
  await expect(destination.abortUpload({ key: 'copy/a', uploadId })).resolves.toBeUndefined();
  const denied = { reason: 'access-denied' };
  await expect(begun(local, 'a')).rejects.toMatchObject(denied);
  await expect(destination.remove({ key: 'copy/a', etag: '"a"' })).rejects.toMatchObject(denied);
  const absent = { key: `copy/${PROBE_KEY}1`, etag: '"0"' };
  await expect(destination.remove(absent)).rejects.not.toMatchObject(denied);
});

const begun = (local: LocalBuckets, key: string) =>
  local.buckets.destination(near).createUpload({ key, attributes: REPLICA_ATTRIBUTES, checksum: null });

test('narrow sessions cost one call of STS for each destination, not for each object', async () => {
  await using local = await begin(twice, narrowSessions(testConfiguration(twice), 'write'));
  trustFully(local);
  let calls = 0;
  local.aws.faults.plan = (request) => {
    if (operationOf(request) === 'sts:AssumeRole') calls += 1;
    return undefined;
  };
  for (const key of ['copy/a', 'copy/b', 'copy/c'])
    for (const at of [near, other]) await local.buckets.destination(at).look(key);
  expect([calls, local.lacking]).toEqual([2, []]);
});

test.each([
  ['quotes', '"'.repeat(1_000)],
  ['letters that no policy can hold', '\u{1f512}'.repeat(250)],
  [
    'letters that do not pack',
    Array.from({ length: 1_000 }, (_, at) => String.fromCodePoint(33 + ((at * 7_919) % 90))).join(''),
  ],
])(
  'no name in a rule makes a session policy too large for AWS: neither long buckets nor a prefix of %s',
  async (_, prefix) => {
    const destination = testDestination({ bucket: 'd'.repeat(63) });
    const rule = testRule({
      source: { ...testRule().source, bucket: 's'.repeat(63), prefix },
      destinations: [destination],
      deletes: 'replicate',
      copy: 'auto',
      acl: 'replicate',
      restore: { days: 1, tier: 'Bulk' },
    });
    const sessions = narrowSessions(testConfiguration(rule), 'write');
    const { policy } = sessions.destination(destination);
    expect(policy?.length).toBeLessThan(1_500);
    expect(sessions.source(rule.source, near.roleArn).policy?.length).toBeLessThan(policy?.length ?? 0);
    await using local = await begin(rule, sessions);
    trustFully(local);
    expect(await local.buckets.destination(destination).look(`${prefix}k`)).toEqual({ kind: 'absent' });
    expect(local.lacking).toEqual([]);
  },
);

test('a session policy that AWS cannot pack after all is left out and reported, and objects are still replicated', async () => {
  const random = randomBytes(1_300).toString('base64');
  const statement = { Effect: 'Allow', Action: 's3:*', Resource: `arn:aws:s3:::${random}` };
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await using local = await begin(twice, {
    ...WIDE_SESSIONS,
    destination: (destination) => ({ ...WIDE_SESSIONS.destination(destination), policy }),
  });
  await expect(put(local, near, 'copy/a')).resolves.toBeDefined();
  expect(local.lacking).toEqual(['replica: sts:AssumeRole with a session policy']);
});

/**
 * Locks that are too long, too short or lifted by somebody who has stolen the replication role. The replication role and the bucket are
 * those of destination/template.yml.
 */
import { readFile } from 'node:fs/promises';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  type ObjectLockMode,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probePermissions } from '../../src/lib/aws/s3/probe/probe-permissions.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { DAY_MS } from '../runs/attributes-world.ts';

const PLACE = { accountId: '222222222222', region: 'us-east-1' };
const CHECKED = { ChecksumAlgorithm: 'CRC32' } as const;

let aws: LocalAws;
let owner: S3Client;
beforeAll(async () => {
  aws = await startLocalAws({ region: PLACE.region });
  owner = new S3Client(clientConfig(aws, aws.root(PLACE.accountId)));
});
afterAll(() => aws.stop());

const inDays = (days: number): Date => new Date(aws.clock.now() + days * DAY_MS);
const lockedFor = (days: number, mode: ObjectLockMode = 'COMPLIANCE') => ({
  ObjectLockMode: mode,
  ObjectLockRetainUntilDate: inDays(days),
  ...CHECKED,
});

/** Deploys destination/template.yml with its own bucket. Returns a session of the replication role, as a thief of the role has it. */
const stolenRole = async (name: string, parameters: Record<string, string>) => {
  const stack = await aws.cloudformation.deploy({
    ...PLACE,
    stackName: name,
    template: await readFile('destination/template.yml', 'utf8'),
    parameters: {
      SourceRoleArn: 'arn:aws:iam::111111111111:role/s3-replicator-prod-us-east-1-replicate',
      ExternalId: 'acme-replication',
      BucketName: name,
      RoleName: name,
      CreateBucket: 'yes',
      ReplicateDeletes: 'yes',
      ...parameters,
    },
  });
  const { credentials } = aws.iam.createSession(String(stack.outputs['RoleArn']), 'thief', 3_600);
  const s3 = new S3Client(clientConfig(aws, credentials));
  const put = (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
    s3.send(new PutObjectCommand({ Bucket: name, Key, Body: Key, ...more }));
  return { s3, put, Bucket: name };
};

type StolenRole = Awaited<ReturnType<typeof stolenRole>>;

/** Resolves to `done`, or to the code of the error. */
const outcomeOf = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );

test('doctor finds a rule that allows longer locks than the stack of its destination', async () => {
  const { s3: client } = await stolenRole('probed', { EnableObjectLock: 'yes', MaxRetentionDays: '400' });
  const stepsFor = async (maxRetentionDays: number) => {
    const destination = testDestination({ bucket: 'probed', maxRetentionDays });
    const place = { client, rule: testRule(), destination, key: 'absent', hasObjectLock: true };
    const steps = await probePermissions({ ...place, now: aws.clock.now() });
    return steps.filter(({ permission }) => permission.startsWith('s3:PutObjectRetention'));
  };
  expect(await stepsFor(400)).toMatchObject([{ answer: 'allowed' }, { answer: 'allowed' }]);
  expect(await stepsFor(402)).toMatchObject([
    { answer: 'allowed' },
    { permission: 's3:PutObjectRetention for 402 days', answer: 'denied' },
  ]);
});

describe('with the replication role of a bucket with Object Lock', () => {
  let role: StolenRole;
  beforeAll(async () => {
    role = await stolenRole('locked', { EnableObjectLock: 'yes', MaxRetentionDays: '400' });
  });

  test('nobody lifts a legal hold', async () => {
    const { VersionId } = await role.put('held', { ObjectLockLegalHoldStatus: 'ON', ...CHECKED });
    const hold = (Status: 'ON' | 'OFF') =>
      role.s3.send(
        new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: 'held', VersionId, LegalHold: { Status } }),
      );
    expect(await outcomeOf(hold('OFF'))).toBe('AccessDenied');
    expect(await outcomeOf(hold('ON'))).toBe('done');
  });

  test('nobody locks an object until 2126, in whatever request, and what is within the maximum passes', async () => {
    const { s3, put, Bucket } = role;
    await put('plain');
    const Retention = (days: number) => ({ Mode: 'COMPLIANCE', RetainUntilDate: inDays(days) }) as const;
    const requests: ((days: number) => Promise<unknown>)[] = [
      (days) => put('put', lockedFor(days)),
      (days) => s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ...lockedFor(days) })),
      (days) =>
        s3.send(
          new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/plain`, ...lockedFor(days) }),
        ),
      (days) => s3.send(new PutObjectRetentionCommand({ Bucket, Key: 'plain', Retention: Retention(days) })),
    ];
    for (const request of requests) {
      expect(await outcomeOf(request(36_000))).toBe('AccessDenied');
      expect(await outcomeOf(request(401))).toBe('AccessDenied');
      expect(await outcomeOf(request(399))).toBe('done');
    }
  });

  test('a put without lock headers passes the denials, and would not pass a grant under the same condition', async () => {
    expect(await outcomeOf(role.put('ordinary'))).toBe('done');
    const grant = {
      Effect: 'Allow' as const,
      Action: ['s3:PutObject', 's3:PutObjectRetention'],
      Resource: '*',
      Condition: { NumericLessThanEquals: { 's3:object-lock-remaining-retention-days': '400' } },
    };
    const wrong = aws.iam.putRole({
      accountId: PLACE.accountId,
      roleName: 'wrong',
      assumeRolePolicy: { Version: '2012-10-17', Statement: [] },
      policies: [{ Version: '2012-10-17', Statement: [grant] }],
    });
    const { credentials } = aws.iam.createSession(wrong.arn, 'test', 3_600);
    const s3 = new S3Client(clientConfig(aws, credentials));
    const put = (more: object = {}) =>
      s3.send(new PutObjectCommand({ Bucket: 'locked', Key: 'k', Body: 'k', ...more }));
    expect(await outcomeOf(put(lockedFor(10)))).toBe('done');
    expect(await outcomeOf(put())).toBe('AccessDenied');
  });
});

describe('with the replication role of a vault', () => {
  let role: StolenRole;
  beforeAll(async () => {
    role = await stolenRole('vault', { DefaultRetentionMode: 'COMPLIANCE', DefaultRetentionDays: '30' });
  });

  test('not even the owner of the bucket suspends versioning, and no rule of the template lets versions expire', async () => {
    const lock = await owner.send(new GetObjectLockConfigurationCommand({ Bucket: 'vault' }));
    expect(lock.ObjectLockConfiguration).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 30 } },
    });
    const { Rules } = await owner.send(new GetBucketLifecycleConfigurationCommand({ Bucket: 'vault' }));
    expect(JSON.stringify(Rules)).not.toContain('Expiration');
    const suspend = { Bucket: 'vault', VersioningConfiguration: { Status: 'Suspended' } } as const;
    await expect(owner.send(new PutBucketVersioningCommand(suspend))).rejects.toThrow('Object Lock');
  });

  test('nobody writes a version that is locked for a shorter time or less strictly than by default', async () => {
    expect(await outcomeOf(role.put('short', lockedFor(1)))).toBe('AccessDenied');
    expect(await outcomeOf(role.put('weak', lockedFor(60, 'GOVERNANCE')))).toBe('AccessDenied');
    expect(await outcomeOf(role.put('longer', lockedFor(60)))).toBe('done');
    await role.put('ordinary', CHECKED);
    const { Retention } = await owner.send(
      new GetObjectRetentionCommand({ Bucket: 'vault', Key: 'ordinary' }),
    );
    expect(Retention?.Mode).toBe('COMPLIANCE');
    expect(Retention?.RetainUntilDate?.getTime()).toBeGreaterThan(inDays(29.9).getTime());
  });

  test('nobody destroys versions, suspends versioning or makes versions expire, even if somebody gives the role all permissions', async () => {
    const { s3, put, Bucket } = role;
    const { VersionId } = await put('kept', CHECKED);
    const known = aws.iam.role('arn:aws:iam::222222222222:role/vault');
    known?.policies.push({ Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] });
    const expiring = {
      ID: 'early',
      Status: 'Enabled' as const,
      Filter: { Prefix: '' },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    };
    const requests = [
      s3.send(new DeleteObjectCommand({ Bucket, Key: 'kept', VersionId, BypassGovernanceRetention: true })),
      s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } })),
      s3.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [expiring] } }),
      ),
      s3.send(
        new PutObjectLockConfigurationCommand({
          Bucket,
          ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' },
        }),
      ),
    ];
    for (const request of requests) expect(await outcomeOf(request)).toBe('AccessDenied');
    // The same permissions suffice in a bucket that the denials do not name.
    await owner.send(new CreateBucketCommand({ Bucket: 'other' }));
    const suspend = { Bucket: 'other', VersioningConfiguration: { Status: 'Suspended' } } as const;
    expect(await outcomeOf(s3.send(new PutBucketVersioningCommand(suspend)))).toBe('done');
  });
});

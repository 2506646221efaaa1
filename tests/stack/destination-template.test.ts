/** The resources of `destination/template.yml` after it is deployed to the local AWS. */
import { readFile } from 'node:fs/promises';
import {
  CreateBucketCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { parseTemplate, type Template } from '@s3-replicator/local-aws/template';
import { DEFAULT_MAX_RETENTION_DAYS } from '../../src/lib/configuration/destination-schema.ts';
import { compareRoleArn } from '../../src/lib/model/rule.ts';
import { list, spell, statementsOf } from './statements.ts';

const STACK = { accountId: '222222222222', region: 'us-east-1', stackName: 'destination' };
const PARAMETERS = {
  SourceRoleArn: 'arn:aws:iam::111111111111:role/s3-replicator-prod-us-east-1-replicate',
  ExternalId: 'acme-replication',
  BucketName: 'acme-replica',
};

let text: string;
let aws: LocalAws;
let s3: S3Client;

beforeAll(async () => {
  text = await readFile('destination/template.yml', 'utf8');
});

beforeEach(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  s3 = new S3Client(clientConfig(aws, aws.root(STACK.accountId)));
  return () => aws.stop();
});

const deploy = (parameters: Record<string, string> = {}) =>
  aws.cloudformation.deploy({ ...STACK, template: text, parameters: { ...PARAMETERS, ...parameters } });

test('the destination template can be deployed before the source role exists, and creates only the two destination roles by default', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'acme-replica' }));
  const stack = await deploy();

  expect([...stack.resources.keys()].toSorted()).toEqual(['CompareRole', 'ReplicationRole']);
  expect(stack.outputs).toMatchObject({
    RoleArn: 'arn:aws:iam::222222222222:role/s3-replicator-destination',
    CompareRoleArn: compareRoleArn('arn:aws:iam::222222222222:role/s3-replicator-destination'),
  });
});

test('the destination template warns of a role that may replace every object of the bucket, unless a prefix is given', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'acme-replica' }));
  const { outputs } = await deploy();
  expect(outputs['Warning']).toContain('may replace every object in acme-replica. Set Prefix');
  expect((await deploy({ Prefix: 'copy/' })).outputs).not.toHaveProperty('Warning');
});

test('the destination template creates a bucket on request: versioned, TLS only, and kept when the stack is deleted', async () => {
  await deploy({ CreateBucket: 'yes' });
  await aws.cloudformation.remove(STACK);

  await s3.send(new HeadBucketCommand({ Bucket: 'acme-replica' }));
  expect(await s3.send(new GetBucketVersioningCommand({ Bucket: 'acme-replica' }))).toMatchObject({
    Status: 'Enabled',
  });
  expect((await s3.send(new GetBucketPolicyCommand({ Bucket: 'acme-replica' }))).Policy).toContain(
    'aws:SecureTransport',
  );
});

test.each([
  ['SourceRoleArn', 'arn:aws:iam::111111111111:user/somebody'],
  ['ExternalId', 'x'],
  ['BucketName', 'Acme'],
  ['BucketAccount', '1111'],
  ['SourceBucketAccount', '333333333333,4'],
  ['ListOwnBuckets', 'true'],
  ['CreateBucket', 'true'],
  ['ReplicateDeletes', 'true'],
  ['ObjectLock', 'governance'],
  ['EnableObjectLock', ''],
  ['DefaultRetentionMode', 'governance'],
  ['DefaultRetentionDays', '0'],
  ['MaxRetentionDays', '36501'],
  ['ReplicateAcl', 'replicate'],
  ['KmsKeyArn', 'arn:aws:kms:us-east-1:222222222222:alias/key'],
  ['SourceBucketName', 'acme-source,Acme'],
  ['SourceKmsKeyArn', 'arn:aws:kms:us-east-1:222222222222:alias/key'],
  ['RoleName', 'a/b'],
  // The role that compares would have a name longer than 64 characters.
  ['RoleName', 'a'.repeat(57)],
])('the destination template refuses the parameter %s with the value %j', async (parameter, value) => {
  await expect(deploy({ [parameter]: value })).rejects.toThrow(parameter);
});

const lockOfBucket = () => s3.send(new GetObjectLockConfigurationCommand({ Bucket: 'acme-replica' }));

const ownershipOfBucket = async (): Promise<unknown> => {
  const answer = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket: 'acme-replica' }));
  return answer.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
};

test('the bucket of the destination template has no Object Lock and accepts no ACLs by default', async () => {
  await deploy({ CreateBucket: 'yes' });

  await expect(lockOfBucket()).rejects.toThrow('Object Lock configuration does not exist');
  expect(await ownershipOfBucket()).toBe('BucketOwnerEnforced');
});

test('the bucket of the destination template has Object Lock on request, without a default retention', async () => {
  await deploy({ CreateBucket: 'yes', EnableObjectLock: 'yes' });

  expect((await lockOfBucket()).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled' });
});

test('the longest retention is the same number in the destination template and in a rule', () => {
  const given = parseTemplate(text).Parameters['MaxRetentionDays'];
  expect(Number(Reflect.get(given ?? {}, 'Default'))).toBe(DEFAULT_MAX_RETENTION_DAYS);
});

test('the bucket of the destination template accepts ACLs if ACLs are replicated, and owns the replicas', async () => {
  await deploy({ CreateBucket: 'yes', ReplicateAcl: 'yes' });

  expect(await ownershipOfBucket()).toBe('BucketOwnerPreferred');
});

/**
 * Returns the permissions that a role has under these parameters. Each statement has the form
 * `Sid: actions on resource`.
 */
const granted = (parameters: Record<string, string> = {}, role = 'ReplicationRole'): string[] => {
  const template = parseTemplate(text);
  const properties = template.Resources[role]?.Properties;
  const [policy] = (properties?.['Policies'] ?? []) as { PolicyDocument: unknown }[];
  return statementsOf(policy?.PolicyDocument).flatMap((entry) => {
    const choice: unknown = Reflect.get(entry, 'Fn::If');
    const [condition, statement] = Array.isArray(choice) ? choice : [null, entry];
    if (condition !== null && !holds(template, condition, parameters)) return [];
    return [
      `${statement.Sid}: ${list<string>(statement.Action).join(' ')} on ${list<unknown>(statement.Resource).map(spell).join(' ')}`,
    ];
  });
};

/**
 * Returns whether a condition of the template holds. Each condition of this template compares one parameter
 * with one value.
 */
const holds = (template: Template, name: string, parameters: Record<string, string>): boolean => {
  const written = JSON.parse(JSON.stringify(template.Conditions[name]));
  const isNegated = 'Fn::Not' in written;
  const [operand, value] = (isNegated ? written['Fn::Not'][0] : written)['Fn::Equals'];
  // A list parameter is compared by its joined text. The list is empty if and only if this text is empty.
  const { Ref: parameter } = 'Fn::Join' in operand ? operand['Fn::Join'][1] : operand;
  const given = parameters[parameter] ?? Reflect.get(template.Parameters[parameter] ?? {}, 'Default');
  return (given === value) !== isNegated;
};

const OBJECTS = 'arn:aws:s3:::${BucketName}/${Prefix}*';
const WRITE = `WriteReplicas: s3:PutObject s3:GetObject s3:GetObjectVersion s3:AbortMultipartUpload s3:ListMultipartUploadParts s3:PutObjectTagging s3:PutObjectVersionTagging s3:GetObjectTagging s3:GetObjectVersionTagging on ${OBJECTS}`;
const LIST =
  'ListReplicas: s3:ListBucket s3:ListBucketVersions s3:GetBucketVersioning s3:ListBucketMultipartUploads s3:GetBucketObjectLockConfiguration on arn:aws:s3:::${BucketName}';
const OWN = [
  'OtherOwners: s3:* on arn:aws:s3:::${BucketName} arn:aws:s3:::${BucketName}/*',
  'OwnBuckets: s3:ListAllMyBuckets on *',
];
const LOCK = `LockReplicas: s3:PutObjectRetention s3:PutObjectLegalHold s3:GetObjectRetention s3:GetObjectLegalHold on ${OBJECTS}`;

test('the destination role may write, tag, lock and read the metadata of replicas under the prefix, list the bucket, and nothing else', () => {
  expect(granted()).toEqual([WRITE, LIST, ...OWN, LOCK]);
});

test.each([
  [{ ObjectLock: 'no' }, [WRITE, LIST, ...OWN]],
  [{ ListOwnBuckets: 'no' }, [WRITE, LIST, OWN[0], LOCK]],
  [{ ReplicateDeletes: 'yes' }, [WRITE, LIST, ...OWN, `DeleteReplicas: s3:DeleteObject on ${OBJECTS}`, LOCK]],
  [
    { ReplicateAcl: 'yes' },
    [
      WRITE,
      LIST,
      ...OWN,
      LOCK,
      `GrantReplicas: s3:GetObjectAcl s3:GetObjectVersionAcl s3:PutObjectAcl s3:PutObjectVersionAcl on ${OBJECTS}`,
    ],
  ],
  [
    { KmsKeyArn: 'arn:aws:kms:us-east-1:222222222222:key/1' },
    [WRITE, LIST, ...OWN, LOCK, 'EncryptReplicas: kms:GenerateDataKey kms:Decrypt on KmsKeyArn'],
  ],
  [
    { SourceKmsKeyArn: 'arn:aws:kms:us-east-1:111111111111:key/1' },
    [WRITE, LIST, ...OWN, LOCK, 'DecryptSources: kms:Decrypt on SourceKmsKeyArn'],
  ],
])(
  'the parameters %j change the permissions of the destination role as documented',
  (parameters, expected) => {
    expect(granted(parameters)).toEqual(expected);
  },
);

test('the role that compares may read and list replicas, and the parameters add nothing that writes', () => {
  const all = {
    KmsKeyArn: 'arn:aws:kms:us-east-1:222222222222:key/1',
    ReplicateDeletes: 'yes',
    ReplicateAcl: 'yes',
    SourceBucketName: 'acme-documents',
  };
  expect(granted(all, 'CompareRole')).toEqual([
    `ReadReplicas: s3:GetObject s3:GetObjectVersion s3:GetObjectTagging s3:GetObjectVersionTagging on ${OBJECTS}`,
    'ListReplicas: s3:ListBucket s3:ListBucketVersions on arn:aws:s3:::${BucketName}',
    ...OWN,
    `ReadLocks: s3:GetObjectRetention s3:GetObjectLegalHold on ${OBJECTS}`,
    `ReadGrants: s3:GetObjectAcl s3:GetObjectVersionAcl on ${OBJECTS}`,
    'DecryptReplicas: kms:Decrypt on KmsKeyArn',
  ]);
});

test('the destination role may let S3 itself copy from each named source bucket and from no other', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'acme-replica' }));
  const statementOf = async (parameters: Record<string, string>) => {
    await deploy(parameters);
    const role = aws.iam.role('arn:aws:iam::222222222222:role/s3-replicator-destination');
    return role?.policies.flatMap(statementsOf).find(({ Sid }) => Sid === 'CopySources');
  };

  expect(await statementOf({})).toBeUndefined();
  expect(await statementOf({ SourceBucketName: 'acme-documents' })).toMatchObject({
    Resource: ['arn:*:s3:::acme-documents/*'],
  });
  expect(await statementOf({ SourceBucketName: 'acme-documents, acme.media' })).toEqual({
    Sid: 'CopySources',
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'],
    Resource: ['arn:*:s3:::acme-documents/*', 'arn:*:s3:::acme.media/*'],
    Condition: { StringEquals: { 'aws:ResourceAccount': '111111111111' } },
  });
});

test('no parameter of the destination template lets the role remove a version or weaken a lock or the bucket', () => {
  const [grants, others] = text.split('- PolicyName: limit-locks');
  const [limits, comparing] = others?.split('\n  CompareRole:') ?? [];
  expect(limits).toBeDefined();
  expect(`${grants}${comparing}`).not.toMatch(
    /^\s*(- |Action: )s3:(DeleteObjectVersion|BypassGovernanceRetention|PutBucket)/m,
  );
  expect(limits).not.toContain('Effect: Allow');
});

/** The accounts whose buckets the role of the destination template reaches. */
import { readFile } from 'node:fs/promises';
import { type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { list, statementsOf, type Statement } from './statements.ts';

let aws: LocalAws;
beforeAll(async () => {
  aws = await startLocalAws();
});
afterAll(() => aws.stop());

/** Deploys the template, and returns the statement of the role with this name. */
const statementOf = async (
  sid: string,
  parameters: Record<string, string>,
): Promise<Statement | undefined> => {
  await aws.cloudformation.deploy({
    accountId: '222222222222',
    region: 'us-east-1',
    stackName: 'owners',
    template: await readFile('destination/template.yml', 'utf8'),
    parameters: {
      SourceRoleArn: 'arn:aws:iam::111111111111:role/acme-prod-us-east-1-replicate',
      ExternalId: 'acme-replication',
      BucketName: 'acme-replica',
      ...parameters,
    },
  });
  const role = aws.iam.role('arn:aws:iam::222222222222:role/s3-replicator-destination');
  return role?.policies
    .flatMap((policy) => list<Statement>(statementsOf(policy)))
    .find(({ Sid }) => Sid === sid);
};

test.each([
  [{}, '222222222222'],
  [{ BucketAccount: '333333333333' }, '333333333333'],
])(
  'the parameters %j deny the bucket to the destination role unless it belongs to %s',
  async (parameters, owner) => {
    expect(await statementOf('OtherOwners', parameters)).toEqual({
      Sid: 'OtherOwners',
      Effect: 'Deny',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::acme-replica', 'arn:aws:s3:::acme-replica/*'],
      Condition: {
        StringNotEquals: { 'aws:ResourceAccount': owner },
        Null: { 'aws:ResourceAccount': 'false' },
      },
    });
  },
);

test('the destination role may ask for the buckets of its account, unless the account does not want that', async () => {
  expect(await statementOf('OwnBuckets', {})).toMatchObject({ Action: ['s3:ListAllMyBuckets'] });
  expect(await statementOf('OwnBuckets', { ListOwnBuckets: 'no' })).toBeUndefined();
});

test.each([
  [{}, '111111111111'],
  [{ SourceBucketAccount: '333333333333, 444444444444' }, ['111111111111', '333333333333', '444444444444']],
])('the parameters %j let S3 copy out of source buckets of %j', async (parameters, owners) => {
  expect(
    await statementOf('CopySources', { SourceBucketName: 'acme-documents', ...parameters }),
  ).toMatchObject({
    Condition: { StringEquals: { 'aws:ResourceAccount': owners } },
  });
});

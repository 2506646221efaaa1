/** Bucket policies: what S3 refuses to store, public policies, and the condition keys of requests. */
import {
  PutBucketPolicyCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { refused, same } from './difference.ts';

const PUT_POLICY = s3Api('API_PutBucketPolicy');
const PUBLIC = s3Guide('access-control-block-public-access');

type Statement = Record<string, unknown>;

const setPolicy = ({ s3 }: Context, Bucket: string, ...statements: Statement[]) =>
  s3.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
    }),
  );

const deny = (Bucket: string, more: Statement = {}): Statement => ({
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${Bucket}/*`,
  ...more,
});

export const policiesAreAboutTheirBucket = behaviour(
  'PutBucketPolicy fails with 400 MalformedPolicy if a resource belongs to another bucket, or if an action applies to no resource of its statement.',
  PUT_POLICY,
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const other = { Resource: 'arn:aws:s3:::another-bucket/*' };
    await refused('other bucket', setPolicy(context, Bucket, deny(Bucket, other)), '400 MalformedPolicy');
    const action = { Action: 's3:ListBucket' };
    await refused('bucket action', setPolicy(context, Bucket, deny(Bucket, action)), '400 MalformedPolicy');
    await refused(
      'action of another service',
      setPolicy(context, Bucket, deny(Bucket, { Action: 'sqs:SendMessage' })),
      '400 MalformedPolicy',
    );
  },
);

export const policiesMustBeWellFormed = behaviour(
  'PutBucketPolicy fails with 400 MalformedPolicy without statements, and for an unknown effect, element, operator or condition key.',
  PUT_POLICY,
  async (context) => {
    const Bucket = await context.freshBucket('never');
    await refused('no statement', setPolicy(context, Bucket), '400 MalformedPolicy');
    const faults: Statement[] = [
      { Effect: 'Refuse' },
      { Effect: undefined },
      { Principal: undefined },
      { Action: undefined },
      { Actions: 's3:*' },
      { Condition: { StringResembles: { 'aws:PrincipalArn': 'x' } } },
      { Condition: { StringEquals: { 's3:no-such-key': 'x' } } },
      { Condition: { StringEquals: { 'aws:NoSuchKey': 'x' } } },
    ];
    for (const fault of faults)
      await refused(
        JSON.stringify(fault),
        setPolicy(context, Bucket, deny(Bucket, fault)),
        '400 MalformedPolicy',
      );
    await setPolicy(context, Bucket, deny(Bucket, { Action: 's3:DeleteObject' }));
  },
);

export const principalsMustExist = behaviour(
  'PutBucketPolicy fails with 400 MalformedPolicy if a principal is a role that does not exist, has a wildcard, or is of an unknown kind.',
  'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html',
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const role = `arn:aws:iam::${await context.accountId()}:role/`;
    const principals = [
      { AWS: `${role}s3r-conformance-no-such-role` },
      { AWS: `${role}*` },
      { Aws: await context.accountId() },
      'arn:aws:iam::*:root',
    ];
    for (const Principal of principals)
      await refused(
        JSON.stringify(Principal),
        setPolicy(context, Bucket, deny(Bucket, { Principal })),
        '400 MalformedPolicy',
      );
  },
  ['s3', 'sts'],
);

export const aPublicPolicyIsBlocked = behaviour(
  'A new bucket refuses a public policy with 403 AccessDenied, and accepts one that a condition limits to an organization or to a network.',
  PUBLIC,
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const allow = (condition?: object) =>
      setPolicy(
        context,
        Bucket,
        deny(Bucket, { Effect: 'Allow', ...(condition && { Condition: condition }) }),
      );
    await refused('everyone', allow(), '403 AccessDenied');
    const wide = allow({ IpAddress: { 'aws:SourceIp': '0.0.0.0/1' } });
    await refused('half of all addresses', wide, '403 AccessDenied');
    const pattern = allow({ StringLike: { 'aws:PrincipalOrgID': 'o-*' } });
    await refused('any organization', pattern, '403 AccessDenied');
    await allow({ StringEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } });
    await allow({ IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } });
  },
);

export const policiesKnowTheSignature = behaviour(
  'A bucket policy can refuse presigned requests by s3:authType, unsigned payloads by s3:x-amz-content-sha256, and old signatures by s3:signatureAge.',
  s3Guide('bucket-policy-s3-sigv4-conditions'),
  async (context) => {
    const { raw } = context;
    const Bucket = await context.freshBucket('never');
    const Key = context.key();
    await context.put(Bucket, Key, 'content');
    const read = async (more: object) => (await raw('GET', { bucket: Bucket, key: Key, ...more })).status;
    const presigned = { signature: 'presigned' as const, payloadHash: 'UNSIGNED-PAYLOAD' };
    const refuse = (Condition: object) => setPolicy(context, Bucket, deny(Bucket, { Condition }));
    await refuse({ StringEquals: { 's3:authType': 'REST-QUERY-STRING' } });
    same('by authType', [await read(presigned), await read({})], [403, 200]);
    await refuse({ StringEquals: { 's3:x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } });
    same('by payload', [await read({ payloadHash: 'UNSIGNED-PAYLOAD' }), await read({})], [403, 200]);
    await refuse({ NumericGreaterThan: { 's3:signatureAge': '300000' } });
    const old = { ...presigned, expiresSeconds: 900, sign: { nowMs: context.now() - 600_000 } };
    same('by age', [await read(old), await read(presigned)], [403, 200]);
    await refuse({ StringNotEquals: { 's3:signatureversion': 'AWS4-HMAC-SHA256' } });
    same('by version', await read({}), 200);
  },
);

export const policiesKnowTheAddress = behaviour(
  'A bucket policy can refuse requests from the addresses of a network, or from all others, by aws:SourceIp.',
  'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip',
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const Key = context.key();
    await context.put(Bucket, Key, 'content');
    const refuse = (operator: string, ...ranges: string[]) =>
      setPolicy(context, Bucket, deny(Bucket, { Condition: { [operator]: { 'aws:SourceIp': ranges } } }));
    await refuse('IpAddress', '0.0.0.0/0', '::/0');
    await refused('from anywhere', context.read(Bucket, Key), '403 AccessDenied');
    await refuse('NotIpAddress', '203.0.113.0/24');
    await refused('from elsewhere', context.read(Bucket, Key), '403 AccessDenied');
    await refuse('IpAddress', '203.0.113.0/24');
    same('body', await context.read(Bucket, Key), 'content');
  },
);

export const policiesLimitTagKeys = behaviour(
  'A bucket policy can limit the keys of tags by s3:RequestObjectTagKeys, for PutObjectTagging and for tags in the header of PutObject.',
  s3Guide('tagging-and-policies'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const Key = context.key();
    await setPolicy(
      context,
      Bucket,
      deny(Bucket, {
        Action: 's3:PutObjectTagging',
        Condition: { 'ForAnyValue:StringNotEquals': { 's3:RequestObjectTagKeys': ['team', 'cost'] } },
      }),
      deny(Bucket, {
        Action: 's3:PutObjectTagging',
        Condition: { StringNotEquals: { 's3:RequestObjectTag/team': 'red' } },
      }),
    );
    await context.put(Bucket, Key, 'content', { Tagging: 'team=red&cost=1' });
    const tagged = context.put(Bucket, Key, 'content', { Tagging: 'team=red&other=1' });
    await refused('PutObject', tagged, '403 AccessDenied');
    const tag = (...keys: string[]) =>
      context.s3.send(
        new PutObjectTaggingCommand({
          Bucket,
          Key,
          Tagging: { TagSet: keys.map((name) => ({ Key: name, Value: 'red' })) },
        }),
      );
    await tag('team', 'cost');
    await refused('PutObjectTagging', tag('team', 'other'), '403 AccessDenied');
    await refused('PutObjectTagging without team', tag('cost'), '403 AccessDenied');
  },
);

export const policiesLimitRetentions = behaviour(
  'A bucket policy can limit the retention of objects by s3:object-lock-remaining-retention-days. Writes without a retention pass a NumericGreaterThan.',
  s3Guide('object-lock-managing'),
  async (context) => {
    const Bucket = await context.freshBucket('locked');
    const Key = context.key();
    await setPolicy(
      context,
      Bucket,
      deny(Bucket, {
        Action: ['s3:PutObject', 's3:PutObjectRetention'],
        Condition: { NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '2' } },
      }),
    );
    const until = (days: number) => new Date(context.now() + days * 86_400_000);
    await context.put(Bucket, Key, 'content');
    const retain = (days: number) =>
      context.s3.send(
        new PutObjectRetentionCommand({
          Bucket,
          Key,
          Retention: { Mode: 'GOVERNANCE', RetainUntilDate: until(days) },
        }),
      );
    await refused('PutObjectRetention', retain(3), '403 AccessDenied');
    const written = (days: number) =>
      context.put(Bucket, Key, 'content', {
        ChecksumAlgorithm: 'CRC32',
        ObjectLockMode: 'GOVERNANCE',
        ObjectLockRetainUntilDate: until(days),
      });
    await refused('PutObject', written(3), '403 AccessDenied');
  },
);

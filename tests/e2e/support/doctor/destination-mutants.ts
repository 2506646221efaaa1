/** Every statement of the roles at the destinations, and the settings of their buckets and keys. */
import {
  DeleteBucketLifecycleCommand,
  DeleteBucketPolicyCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  type LifecycleRule,
  type ObjectOwnership,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3';
import { DESTINATION_ACCOUNT } from '../../../../demo/two-accounts.ts';
import type { Stage } from '../stages/stage.ts';
import { keyMutants } from './key-mutants.ts';
import { templateMutants } from './template-mutants.ts';
import { type Mutant, statementNames, withoutStatement } from './mutant.ts';

export const destinationMutants = (stage: Stage): Mutant[] => [
  ...['replicas', 'plain-replica', 'replicas-compare', 'plain-replica-compare'].flatMap((name) =>
    statementMutants(stage, name),
  ),
  ...trustMutants(stage),
  ...keyMutants(stage),
  ...templateMutants(stage),
  ...bucketMutants(stage),
];

/**
 * The causes that doctor names when a statement is removed. The loss of any other statement changes no answer of AWS, so only the owner
 * of the destination sees it.
 */
const CAUSES: Record<string, string> = {
  WriteReplicas: 'destination-permission',
  ListReplicas: 'destination-permission',
  DeleteReplicas: 'destination-permission',
  GrantReplicas: 'destination-permission',
  LockReplicas: 'destination-permission',
  EncryptReplicas: 'destination-key',
  OwnBuckets: 'destination-owner-question',
  CapRetention: 'guard-missing',
  KeepLegalHolds: 'guard-missing',
  SayWho: 'role-nameless',
  'sts:AssumeRole': 'role-distrusts',
};

const CAUSES_OF_COMPARE: Record<string, string> = {
  ReadReplicas: 'compare-refused',
  ListReplicas: 'compare-refused',
  ReadGrants: 'compare-refused',
  ReadLocks: 'compare-refused',
  SayWho: 'trust-changed',
  'sts:AssumeRole': 'role-distrusts',
};

/** In a bucket without Object Lock nothing can be locked, so the statements about locks have no effect there. */
const ONLY_WITH_LOCK = ['LockReplicas', 'CapRetention', 'KeepLegalHolds'];

const statementMutants = ({ aws }: Stage, roleName: string): Mutant[] => {
  const role = aws.iam.roleNamed(DESTINATION_ACCOUNT, roleName);
  if (role === undefined) throw new Error(`there is no role ${roleName}`);
  const back = async () => aws.iam.putRole(role);
  const causeOf = (name: string): string =>
    (roleName.endsWith('-compare')
      ? CAUSES_OF_COMPARE[name]
      : roleName === 'plain-replica' && ONLY_WITH_LOCK.includes(name)
        ? null
        : CAUSES[name]) ?? 'policy-changed';
  const one = (name: string, change: () => unknown): Mutant => ({
    name: `role ${roleName} ${name}`,
    place: `role ${roleName}`,
    causes: [causeOf(name)],
    seenByOwner: ['policy-changed', 'trust-changed'],
    apply: async () => {
      change();
      return back;
    },
  });
  const { assumeRolePolicy: trust, policies } = role;
  return [
    ...statementNames(trust).map((name, index) =>
      one(name, () => aws.iam.putRole({ ...role, assumeRolePolicy: withoutStatement(trust, index) })),
    ),
    ...policies.flatMap((policy, position) =>
      statementNames(policy).map((name, index) =>
        one(name, () =>
          aws.iam.putRole({ ...role, policies: policies.with(position, withoutStatement(policy, index)) }),
        ),
      ),
    ),
  ];
};

const trustMutants = ({ aws }: Stage): Mutant[] => {
  const role = aws.iam.roleNamed(DESTINATION_ACCOUNT, 'replicas');
  if (role === undefined) throw new Error('there is no role replicas');
  const text = JSON.stringify(role.assumeRolePolicy);
  const one = (name: string, cause: string, changed: string): Mutant => ({
    name: `role replicas ${name}`,
    place: 'role replicas',
    causes: [cause],
    apply: async () => {
      aws.iam.putRole({ ...role, assumeRolePolicy: JSON.parse(changed) });
      return async () => aws.iam.putRole(role);
    },
  });
  return [
    one('expects another external id', 'role-other-id', text.replaceAll('"e2e"', '"other"')),
    one('trusts another role', 'role-distrusts', text.replaceAll('-replicate"', '-duplicate"')),
    one(
      'asks for no external id',
      'trust-open',
      text.replaceAll(/,"StringEquals":\{"sts:ExternalId":"e2e"\}/g, ''),
    ),
    one(
      'accepts any external id',
      'trust-open',
      text.replaceAll('"StringEquals":{"sts:ExternalId":"e2e"}', '"StringLike":{"sts:ExternalId":"*"}'),
    ),
    {
      ...one('is deleted', 'role-missing', text),
      apply: async () => {
        aws.iam.deleteRole(role.arn);
        return async () => aws.iam.putRole(role);
      },
    },
  ];
};

const bucketMutants = ({ destination }: Stage): Mutant[] => {
  const s3 = destination.s3();
  const denied = (Bucket: string, Action: string[], causes: string[]): Mutant => ({
    name: `${Bucket}: its policy denies ${Action.join(', ')}`,
    place: `policy of ${Bucket}`,
    causes,
    apply: async () => {
      const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
      const document = JSON.parse(Policy ?? '{}');
      document.Statement.push({
        Sid: 'Lockdown',
        Effect: 'Deny',
        Principal: '*',
        Action,
        Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
        Condition: { ArnNotLike: { 'aws:PrincipalArn': ['arn:aws:iam::*:role/admin'] } },
      });
      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(document) }));
      return () =>
        Policy === undefined
          ? s3.send(new DeleteBucketPolicyCommand({ Bucket }))
          : s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    },
  });
  return [
    denied('replicas', ['s3:PutObject'], ['destination-permission', 'destination-denies']),
    denied(
      'replicas',
      ['s3:GetObject', 's3:GetObjectVersion'],
      ['destination-permission', 'compare-refused'],
    ),
    denied(
      'plain-replica',
      ['s3:ListBucket'],
      ['destination-permission', 'destination-denies', 'compare-refused'],
    ),
    denied('plain-replica', ['s3:PutObjectTagging'], ['destination-permission', 'destination-denies']),
    denied('replicas', ['s3:DeleteObject'], ['destination-permission', 'destination-denies']),
    ...ownersMutants(destination),
    ...['replicas', 'plain-replica'].map((Bucket) => ({
      name: `${Bucket}: no lifecycle rule`,
      place: `lifecycle of ${Bucket}`,
      causes: ['uploads-kept'],
      apply: async () => {
        const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
        await s3.send(new DeleteBucketLifecycleCommand({ Bucket }));
        return () => s3.send(lifecycleOf(Bucket, Rules));
      },
    })),
  ];
};

/** Settings that only the owner of the bucket sees. */
const ownersMutants = (destination: Stage['destination']): Mutant[] => {
  const s3 = destination.s3();
  const Bucket = 'replicas';
  const own = (ObjectOwnership: ObjectOwnership) =>
    s3.send(
      new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership }] } }),
    );
  return [
    {
      name: 'replicas: lifecycle removes older versions',
      place: 'lifecycle of replicas',
      causes: ['history-expires'],
      apply: async () => {
        const { Rules = [] } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
        const ending = {
          ID: 'tidy',
          Status: 'Enabled' as const,
          Filter: { Prefix: 'in/' },
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        };
        await s3.send(lifecycleOf(Bucket, [...Rules, ending]));
        return () => s3.send(lifecycleOf(Bucket, Rules));
      },
    },
    {
      name: 'replicas: takes no grants',
      place: 'ownership of replicas',
      causes: ['grants-refused'],
      apply: async () => {
        await own('BucketOwnerEnforced');
        return () => own('BucketOwnerPreferred');
      },
    },
  ];
};

const lifecycleOf = (Bucket: string, Rules: LifecycleRule[] | undefined) =>
  new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } });

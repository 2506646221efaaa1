/** The settings of a destination bucket that only its owner sees. */
import type { BucketSettings, LifecycleRuleSummary } from '../../lib/aws/settings/bucket-settings.ts';
import { accountOfArn, compareRoleArn } from '../../lib/model/rule.ts';
import { denialsIn } from './denials.ts';
import type { Seen } from './destination-seen.ts';
import { type Finding, whyNotChecked } from './finding.ts';
import type { Fix } from './fix.ts';

export const bucketFindings = async (
  one: Seen,
  buckets: Pick<BucketSettings, 'lifecycle' | 'ownership' | 'policy'>,
): Promise<Finding[]> => {
  const { bucket } = one.destination;
  const [lifecycle, ownership, policy] = await Promise.all([
    buckets.lifecycle(bucket),
    buckets.ownership(bucket),
    buckets.policy(bucket),
  ]);
  const unread = [
    whyNotChecked('lifecycle', lifecycle),
    whyNotChecked('ownership', ownership),
    whyNotChecked('bucket policy', policy),
  ].flatMap((why) => (why === null ? [] : [one.notChecked(why)]));
  return [
    ...unread,
    ...(policy.kind === 'answer' ? denialFindings(one, policy.value) : []),
    ...(lifecycle.kind === 'answer' ? lifecycleFindings(one, lifecycle.value) : []),
    // Without the ownership setting, a bucket behaves as with ObjectWriter.
    ...(ownership.kind === 'answer' ? ownershipFindings(one, ownership.value) : []),
    ...(ownership.kind === 'missing' ? ownershipFindings(one, 'ObjectWriter') : []),
  ];
};

/** The actions that the writing role always needs. The rule decides whether it also deletes, tags, locks and grants. */
const WRITING = [
  's3:PutObject',
  's3:PutObjectTagging',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
];
const READING = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectTagging',
  's3:ListBucket',
  's3:ListBucketVersions',
];

const denialFindings = (one: Seen, text: string): Finding[] => {
  const { destination, rule } = one;
  const { roleArn, bucket } = destination;
  if (roleArn === null) return [];
  const writing = [
    ...WRITING,
    ...READING,
    ...(rule.deletes === 'replicate' ? ['s3:DeleteObject'] : []),
    ...(rule.acl === 'replicate' ? ['s3:PutObjectAcl', 's3:GetObjectAcl'] : []),
    ...(destination.objectLock === 'ignore' ? [] : ['s3:PutObjectRetention', 's3:PutObjectLegalHold']),
  ];
  const { sids, policy } = denialsIn(text, [
    { roles: [roleArn], actions: writing },
    { roles: [compareRoleArn(roleArn)], actions: READING },
  ]);
  if (sids.length === 0) return [];
  return [
    one.found(
      'destination-denies',
      `statement ${sids.join(', ')} of the policy of ${bucket} denies the role what it needs`,
      one.aws('put-bucket-policy', { Policy: policy }),
    ),
  ];
};

const lifecycleFindings = (one: Seen, rules: readonly LifecycleRuleSummary[]): Finding[] => {
  const prefix = one.destination.prefix ?? one.rule.source.prefix;
  const ending = rules.filter(
    (each) =>
      each.isEnabled &&
      each.expiresNoncurrent &&
      (prefix.startsWith(each.prefix) || each.prefix.startsWith(prefix)),
  );
  if (ending.length === 0 || one.rule.versions !== 'all') return [];
  const names = ending.map(({ id }) => id).join(', ');
  return [
    one.found(
      'history-expires',
      `lifecycle rule ${names} removes older versions of replicas, though the rule says versions: all`,
      withoutEnding(one, rules, ending),
    ),
  ];
};

/** Returns the fix that removes these lifecycle rules. S3 accepts neither an empty configuration nor a rule without an action. */
const withoutEnding = (
  one: Seen,
  rules: readonly LifecycleRuleSummary[],
  ending: readonly LifecycleRuleSummary[],
): Fix => {
  const kept = rules.flatMap((each) => {
    if (!ending.includes(each)) return [each.whole];
    const { NoncurrentVersionExpiration: _, ...rest } = each.whole;
    return Object.keys(rest).some((name) => ACTIONS.has(name)) ? [rest] : [];
  });
  return kept.length === 0
    ? one.aws('delete-bucket-lifecycle', {})
    : one.aws('put-bucket-lifecycle-configuration', { LifecycleConfiguration: { Rules: kept } });
};

const ACTIONS: ReadonlySet<string> = new Set([
  'Expiration',
  'Transitions',
  'NoncurrentVersionTransitions',
  'AbortIncompleteMultipartUpload',
]);

const ownershipFindings = (one: Seen, ownership: string): Finding[] => {
  const { destination, rule } = one;
  const put = (ObjectOwnership: string): Fix =>
    one.aws('put-bucket-ownership-controls', { OwnershipControls: { Rules: [{ ObjectOwnership }] } });
  if (rule.acl === 'replicate')
    return ownership === 'BucketOwnerEnforced'
      ? [
          one.found(
            'grants-refused',
            'the bucket takes no grants (BucketOwnerEnforced), though the rule says acl: replicate',
            put('BucketOwnerPreferred'),
          ),
        ]
      : [];
  const isForeign = accountOfArn(destination.roleArn ?? '') !== destination.account;
  return ownership !== 'BucketOwnerEnforced' && isForeign
    ? [
        one.found(
          'replicas-of-others',
          `replicas belong to account ${accountOfArn(destination.roleArn ?? '')}, and not to the owner of the bucket (${ownership})`,
          put('BucketOwnerEnforced'),
        ),
      ]
    : [];
};

import { coverWithoutOverlap } from '../lib/subscription/key-filter.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';
import { readsTags } from './changes.ts';
import { accountsOf, bucketArn, denyOtherOwners, LIST_OWN_BUCKETS, objectsArn } from './cloudformation.ts';
import type { Statement } from './cloudformation.ts';

/**
 * The permissions that a function's own role needs to read source buckets. Each action is granted only if a rule needs it. A rule
 * whose source is read by another role needs no permissions here.
 */
export function readSources(rules: ReplicationRule[]): Statement[] {
  const own = rules.filter(isReadByFunction);
  const byBucket = [...Map.groupBy(own, ({ source }) => source.bucket)];
  return [
    ...grouped(
      'ReadSources',
      byBucket.flatMap(([bucket, ofBucket]) => objectGrants(bucket, ofBucket)),
    ),
    ...grouped(
      'ListSources',
      byBucket.map(([bucket, ofBucket]) => bucketGrant(bucket, ofBucket, readsHistories)),
    ),
  ];
}

/** The permissions to list source buckets and to look at single objects. */
export function listSources(rules: ReplicationRule[]): Statement[] {
  const own = rules.filter(isReadByFunction);
  const byBucket = [...Map.groupBy(own, ({ source }) => source.bucket)];
  return [
    ...grouped(
      'LookAtSources',
      byBucket.flatMap(([bucket, ofBucket]) => objectGrants(bucket, ofBucket, LOOKS)),
    ),
    ...grouped(
      'ListSources',
      byBucket.map(([bucket, ofBucket]) => bucketGrant(bucket, ofBucket, listsVersions)),
    ),
  ];
}

/** Another role or an access key may read the source instead. */
const isReadByFunction = ({ source: { roleArn, service } }: ReplicationRule): boolean =>
  roleArn === null && service === null;

/** `others` are the owners of further buckets that the role uses; null: the account of the stack. */
export const onlyExpectedOwners = (rules: ReplicationRule[], others: (string | null)[] = []): Statement[] => {
  const own = rules.filter(isReadByFunction);
  return [
    LIST_OWN_BUCKETS,
    denyOtherOwners(accountsOf([null, ...own.map(({ source }) => source.account), ...others])),
  ];
};

interface ReadGrant {
  resource: object;
  actions: string[];
}

/** Returns one grant for each prefix for which a rule needs actions on objects. The prefixes of one action do not overlap. */
function objectGrants(bucket: string, rules: ReplicationRule[], needs = NEEDS): ReadGrant[] {
  const grants = needs.flatMap(({ actions, isNeeded }) =>
    prefixes(rules.filter(isNeeded)).map((prefix) => ({ prefix, actions })),
  );
  return Array.from(
    Map.groupBy(grants, ({ prefix }) => prefix),
    ([prefix, ofPrefix]) => ({
      resource: objectsArn(bucket, prefix),
      actions: ofPrefix.flatMap(({ actions }) => actions),
    }),
  );
}

/** Returns the source prefixes of the rules, without those that begin with another prefix of the list. */
const prefixes = (rules: ReplicationRule[]): string[] =>
  coverWithoutOverlap(rules.map(({ source }) => ({ prefix: source.prefix, suffix: '' }))).map(
    ({ prefix }) => prefix,
  );

/**
 * Actions on objects, and the rules that need them. Actions without `Version` in their names are for requests without a version
 * id.
 */
interface Need {
  actions: string[];
  isNeeded(rule: ReplicationRule): boolean;
}

const NEEDS: Need[] = [
  { actions: ['s3:GetObject', 's3:GetObjectVersion'], isNeeded: () => true },
  { actions: ['s3:GetObjectTagging', 's3:GetObjectVersionTagging'], isNeeded: readsTags },
  {
    actions: ['s3:GetObjectRetention', 's3:GetObjectLegalHold'],
    isNeeded: ({ destinations }) => destinations.some(({ objectLock }) => objectLock !== 'ignore'),
  },
  {
    actions: ['s3:GetObjectAcl', 's3:GetObjectVersionAcl'],
    isNeeded: ({ acl }) => acl === 'replicate',
  },
  { actions: ['s3:RestoreObject'], isNeeded: ({ restore }) => restore !== null },
];

/**
 * The actions for reading single objects without restoring them. HEAD needs `s3:GetObject`. The other actions are needed because
 * a run may compare all attributes.
 */
const LOOKS: Need[] = NEEDS.filter(({ actions }) => !actions.includes('s3:RestoreObject'));

/**
 * The permissions on the bucket itself. Without s3:ListBucket, S3 responds with status 403 if a key does not exist. This response
 * would look like a missing permission on the object.
 */
const bucketGrant = (
  bucket: string,
  rules: ReplicationRule[],
  isNeeded: (rule: ReplicationRule) => boolean,
): ReadGrant => ({
  resource: bucketArn(bucket),
  actions: ['s3:ListBucket', ...(rules.some(isNeeded) ? ['s3:ListBucketVersions'] : [])],
});

const listsVersions = ({ versions }: ReplicationRule): boolean => versions === 'all';

/** A rule that replicates deletes looks up which versions stood before a delete. */
const readsHistories = (rule: ReplicationRule): boolean =>
  listsVersions(rule) || rule.deletes === 'replicate';

/** Merges all resources with the same actions into one statement, because the length of a policy is limited. */
const grouped = (sid: string, grants: ReadGrant[]): Statement[] =>
  [...Map.groupBy(grants, ({ actions }) => actions.join()).values()].map((alike, position) => ({
    Sid: position === 0 ? sid : `${sid}${position + 1}`,
    Effect: 'Allow',
    Action: alike[0]?.actions ?? [],
    Resource: alike.map(({ resource }) => resource),
  }));

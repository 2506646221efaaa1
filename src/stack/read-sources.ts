import { coverWithoutOverlap } from '../lib/subscription/key-filter.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';
import { bucketArn, objectsArn } from './cloudformation.ts';
import type { Statement } from './cloudformation.ts';

/**
 * What the function's own role may do with source buckets: each action only where a rule needs it. Rules whose source
 * another role reads need nothing here.
 */
export function readSources(rules: ReplicationRule[]): Statement[] {
  const own = rules.filter(({ source }) => source.roleArn === null);
  const byBucket = [...Map.groupBy(own, ({ source }) => source.bucket)];
  return [
    ...grouped(
      'ReadSources',
      byBucket.flatMap(([bucket, ofBucket]) => objectGrants(bucket, ofBucket)),
    ),
    ...grouped(
      'ListSources',
      byBucket.map(([bucket, ofBucket]) => bucketGrant(bucket, ofBucket)),
    ),
  ];
}

/** What it takes to list source buckets and to look at single objects, without reading them through. */
export function listSources(rules: ReplicationRule[]): Statement[] {
  const own = rules.filter(({ source }) => source.roleArn === null);
  const byBucket = [...Map.groupBy(own, ({ source }) => source.bucket)];
  return [
    ...grouped(
      'LookAtSources',
      byBucket.flatMap(([bucket, ofBucket]) => objectGrants(bucket, ofBucket, LOOKS)),
    ),
    ...grouped(
      'ListSources',
      byBucket.map(([bucket, ofBucket]) => bucketGrant(bucket, ofBucket)),
    ),
  ];
}

interface ReadGrant {
  resource: object;
  actions: string[];
}

/** One grant for each prefix that some action is needed on; those of one action do not overlap. */
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

/** None beginning with another. */
const prefixes = (rules: ReplicationRule[]): string[] =>
  coverWithoutOverlap(rules.map(({ source }) => ({ prefix: source.prefix, suffix: '' }))).map(
    ({ prefix }) => prefix,
  );

/** Actions on objects. The names without `Version` are for requests that name no version. */
interface Need {
  actions: string[];
  isNeeded(rule: ReplicationRule): boolean;
}

const NEEDS: Need[] = [
  {
    actions: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'],
    isNeeded: () => true,
  },
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

/** HEAD is `s3:GetObject`; where all attributes are compared, everything that travels is looked at. */
const LOOKS: Need[] = NEEDS.filter(({ actions }) => !actions.includes('s3:RestoreObject'));

/** Without s3:ListBucket S3 answers 403 for a key that does not exist, which looks like a missing permission. */
const bucketGrant = (bucket: string, rules: ReplicationRule[]): ReadGrant => ({
  resource: bucketArn(bucket),
  actions: [
    's3:ListBucket',
    ...(rules.some(({ versions }) => versions === 'all') ? ['s3:ListBucketVersions'] : []),
  ],
});

/** One statement for all resources with the same actions: a policy may not be long. */
const grouped = (sid: string, grants: ReadGrant[]): Statement[] =>
  [...Map.groupBy(grants, ({ actions }) => actions.join()).values()].map((alike, position) => ({
    Sid: position === 0 ? sid : `${sid}${position + 1}`,
    Effect: 'Allow',
    Action: alike[0]?.actions ?? [],
    Resource: alike.map(({ resource }) => resource),
  }));

/** Checks the settings of a destination bucket that the probe has read. */
import type { ProbedBucket } from '../../lib/inspect/probed-place.ts';
import type { Seen } from './destination-seen.ts';
import type { Finding } from './finding.ts';

export const settingFindings = (one: Seen, bucket: ProbedBucket): Finding[] => {
  if (bucket.existence !== 'there' || bucket.versioning === null) return copyFindings(one, bucket);
  return [
    ...versioningFindings(one, bucket),
    ...lockFindings(one, bucket),
    ...guardFindings(one, bucket),
    ...(bucket.abortRule === null
      ? [
          one.found(
            'uploads-kept',
            'no lifecycle rule aborts uploads that were left behind',
            one.aws('put-bucket-lifecycle-configuration', {
              LifecycleConfiguration: { Rules: [ABORT_RULE] },
            }),
          ),
        ]
      : []),
    ...copyFindings(one, bucket),
  ];
};

/** The rule that `destination/template.yml` gives the buckets that it creates. */
const ABORT_RULE = {
  ID: 'abort-incomplete-uploads',
  Status: 'Enabled',
  Filter: { Prefix: '' },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
};

const versioningFindings = (one: Seen, { versioning }: ProbedBucket): Finding[] => {
  if (versioning === 'Enabled') return [one.ok('versioned')];
  const said = versioning === 'Suspended' ? 'versioning is suspended' : 'not versioned';
  if (one.rule.versions !== 'all') return [one.ok(said)];
  return [
    one.found(
      'destination-unversioned',
      `${said}, though the rule says versions: all – only the current version will be kept`,
      one.aws('put-bucket-versioning', { VersioningConfiguration: { Status: 'Enabled' } }),
    ),
  ];
};

const lockFindings = (one: Seen, { hasObjectLock, defaultRetention }: ProbedBucket): Finding[] => {
  const { maxRetentionDays, overMaxRetention, id } = one.destination;
  if (hasObjectLock !== true) return [];
  const days = defaultRetention?.days ?? 0;
  if (days <= maxRetentionDays || overMaxRetention === 'refuse') return [one.ok('Object Lock')];
  return [
    one.found(
      'default-retention-long',
      `the default retention is ${days} days, the rule allows ${maxRetentionDays}`,
      one.edit(`write maxRetentionDays: ${days} for destination ${id}`),
    ),
  ];
};

const guardFindings = (one: Seen, { guards = [] }: ProbedBucket): Finding[] => {
  const allowed = guards.filter(({ answer }) => answer !== 'denied').map(({ permission }) => permission);
  if (allowed.length === 0) return [];
  return [one.found('guard-missing', `the role is not denied ${allowed.join(', ')}`, one.repairs.policy)];
};

const copyFindings = (one: Seen, { copied }: ProbedBucket): Finding[] => {
  if (copied === null) return [];
  if (copied.answer === 'allowed') return [one.ok('S3 copies by itself')];
  const isNeeded = one.rule.copy === 'server-side';
  return [
    one.found(
      isNeeded ? 'copy-refused' : 'copy-streams',
      `S3 cannot copy from ${one.rule.source.bucket} by itself: ${copied.detail}`.slice(0, 200),
      one.grants,
    ),
  ];
};

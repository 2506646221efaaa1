/** All problems that a source bucket can have. */
import type { Cause } from './finding.ts';

export const SOURCE_CAUSES = {
  'source-missing': {
    verdict: 'error',
    asks: 's3:ListBucket (HeadBucket)',
    means: 'The source bucket does not exist.',
    fix: 'aws s3 mb …, or correct its name in replication.yml',
  },
  'source-other-owner': {
    verdict: 'error',
    asks: 's3:ListBucket with the expected owner, s3:ListAllMyBuckets',
    means: 'The source bucket belongs to another account.',
    fix: 'correct `bucket:` or `account:`, then npx serverless deploy',
  },
  'source-other-region': {
    verdict: 'error',
    asks: 'the region in the answer of S3',
    means:
      'The source bucket is in another region than the stack, so it cannot notify the queue of the stack.',
    fix: 'a replication.yml with that region, then npx serverless deploy',
  },
  'source-unversioned': {
    verdict: 'warning',
    asks: 's3:GetBucketVersioning',
    means: 'The bucket keeps no versions, and a rule says `versions: all`.',
    fix: 'aws s3api put-bucket-versioning …',
  },
  'source-not-notifying': {
    verdict: 'error',
    asks: 's3:GetBucketNotification',
    means: 'Our notification entries are missing or incomplete: changes reach no queue.',
    fix: 'npx serverless deploy, or aws s3api put-bucket-notification-configuration …',
  },
  'source-eventbridge-off': {
    verdict: 'error',
    asks: 's3:GetBucketNotification',
    means: 'EventBridge is switched off for the bucket: changes reach no queue.',
    fix: 'npx serverless deploy, or aws s3api put-bucket-notification-configuration …',
  },
  'source-overlap': {
    verdict: 'error',
    asks: 's3:GetBucketNotification',
    means: 'Entries of others are notified of the same keys, so S3 refuses ours.',
    fix: '`events: eventbridge` in the source of every rule for the bucket, then npx serverless deploy',
  },
  'source-dead-target': {
    verdict: 'error',
    asks: 's3:GetBucketNotification, sqs:GetQueueUrl',
    means: 'An entry, often of an older deployment, names a queue that is gone: S3 refuses every change.',
    fix: 'aws s3api put-bucket-notification-configuration …',
  },
  'source-leftover': {
    verdict: 'warning',
    asks: 's3:GetBucketNotification',
    means: 'Entries of this deployment are left over, though the bucket uses EventBridge now.',
    fix: 'npx serverless deploy',
  },
  'source-denies': {
    verdict: 'error',
    asks: 's3:GetBucketPolicy',
    means: 'A statement of the bucket policy denies the functions what they need.',
    fix: 'aws s3api put-bucket-policy …, with our roles excluded from the statement',
  },
  'source-key-unknown': {
    verdict: 'error',
    asks: 's3:GetEncryptionConfiguration',
    means: 'New objects are encrypted with a KMS key that no rule names: they cannot be decrypted.',
    fix: '`kmsKeyArns` in the source of the rule, then npx serverless deploy',
  },
  'source-archives': {
    verdict: 'warning',
    asks: 's3:GetLifecycleConfiguration',
    means:
      'Lifecycle archives objects, and the rule has no `restore`: objects that were not copied before wait.',
    fix: '`restore` in the rule, then npx serverless deploy',
  },
  'source-requester-pays': {
    verdict: 'error',
    asks: 's3:GetBucketRequestPayment',
    means: 'Requester Pays is on, and the bucket is read from another account.',
    fix: 'aws s3api put-bucket-request-payment …',
  },
  'source-requester-pays-streams': {
    verdict: 'warning',
    asks: 's3:GetBucketRequestPayment',
    means: 'Requester Pays is on: S3 cannot copy by itself, so all bytes pass through the function.',
    fix: 'aws s3api put-bucket-request-payment …',
  },
  'source-object-owners': {
    verdict: 'warning',
    asks: 's3:GetBucketOwnershipControls',
    means: 'Objects belong to those who write them, and may be unreadable for the function.',
    fix: 'aws s3api put-bucket-ownership-controls …',
  },
} as const satisfies Record<string, Cause>;

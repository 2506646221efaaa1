/** All problems that a destination can have from the view of the function. */
import type { Cause } from './finding.ts';

export const DESTINATION_CAUSES = {
  'role-refused': {
    verdict: 'error',
    asks: 'sts:AssumeRole with the external id',
    means:
      'The role does not exist, does not trust our role, or expects another external id. STS answers the same to all three; --destination-profile tells which.',
    fix: 'npx s3-replicator config destination prints the command that creates it as the rule wants it',
  },
  'role-missing': {
    verdict: 'error',
    asks: 'iam:GetRole, with --destination-profile',
    means: 'A role at the destination does not exist: nobody created it, or somebody deleted it.',
    fix: 'npx s3-replicator config destination, or aws iam create-role … where its stack still exists',
  },
  'role-distrusts': {
    verdict: 'error',
    asks: 'iam:GetRole, with --destination-profile',
    means: 'A role at the destination exists, but its trust policy does not name our role.',
    fix: 'npx s3-replicator config destination, or aws iam update-assume-role-policy …',
  },
  'role-other-id': {
    verdict: 'error',
    asks: 'iam:GetRole, with --destination-profile',
    means: 'A role at the destination trusts our role, but with another external id.',
    fix: 'npx s3-replicator config destination, or aws iam update-assume-role-policy …',
  },
  'trust-changed': {
    verdict: 'error',
    asks: 'iam:GetRole, with --destination-profile',
    means: 'The trust policy of a role at the destination is not the one that was deployed.',
    fix: 'aws iam update-assume-role-policy …',
  },
  'policy-changed': {
    verdict: 'error',
    asks: 'iam:GetRolePolicy, with --destination-profile',
    means:
      'A policy of a role at the destination lacks statements that were deployed, or has another denial.',
    fix: 'aws iam put-role-policy …',
  },
  'policy-wider': {
    verdict: 'warning',
    asks: 'iam:GetRolePolicy, with --destination-profile',
    means: 'A policy of a role at the destination allows more than what was deployed.',
    fix: 'aws iam put-role-policy …',
  },
  'template-version': {
    verdict: 'warning',
    asks: 'cloudformation:DescribeStacks, with --destination-profile',
    means: 'The stack of the destination has the template of another version.',
    fix: 'aws cloudformation deploy … of the same stack',
  },
  'template-parameters': {
    verdict: 'error',
    asks: 'cloudformation:DescribeStacks, with --destination-profile',
    means: 'The parameters of the stack of the destination allow less than the rules need.',
    fix: 'aws cloudformation deploy … of the same stack',
  },
  'destination-denies': {
    verdict: 'error',
    asks: 's3:GetBucketPolicy, with --destination-profile',
    means: 'A statement of the bucket policy denies a role at the destination what it needs.',
    fix: 'aws s3api put-bucket-policy …, with the role excluded from the statement',
  },
  'history-expires': {
    verdict: 'warning',
    asks: 's3:GetLifecycleConfiguration, with --destination-profile',
    means: 'Lifecycle removes older versions of replicas, and the rule says `versions: all`.',
    fix: 'aws s3api put-bucket-lifecycle-configuration …',
  },
  'grants-refused': {
    verdict: 'error',
    asks: 's3:GetBucketOwnershipControls, with --destination-profile',
    means: 'The bucket takes no grants, and the rule says `acl: replicate`.',
    fix: 'aws s3api put-bucket-ownership-controls …',
  },
  'replicas-of-others': {
    verdict: 'warning',
    asks: 's3:GetBucketOwnershipControls, with --destination-profile',
    means:
      'Replicas belong to the account of the role, and the owner of the bucket may not be able to read them.',
    fix: 'aws s3api put-bucket-ownership-controls …',
  },
  'compare-refused': {
    verdict: 'error',
    asks: 'sts:AssumeRole and one harmless read for each permission, as the backfill function',
    means: 'The role that compares cannot do its work: backfills and verifies fail.',
    fix: 'npx s3-replicator config destination, or aws iam put-role-policy …',
  },
  'own-role-refused': {
    verdict: 'error',
    asks: 'sts:AssumeRole with the external id',
    means: 'The role at the destination trusts us, but a policy of our own account forbids to assume it.',
    fix: 'npx s3-replicator doctor --fix-script, which has the call of the finding about the stack',
  },
  'secret-unreadable': {
    verdict: 'error',
    asks: 'secretsmanager:GetSecretValue',
    means: 'The function cannot read the secret with the access key, or the secret holds none.',
    fix: 'aws secretsmanager put-resource-policy … or put-secret-value …; npx s3-replicator doctor --fix-script, if the role lacks the permission',
  },
  'service-unfit': {
    verdict: 'error',
    asks: 'the questions of docs/other-s3.md, with writes under keys that begin with `s3-replicator-probe-`',
    means: 'The S3 service cannot do what the rule needs. Nothing is replicated to it.',
    fix: '`conditionalWrites: none`, `tags: ignore` or `versions: latest`, as the finding says',
  },
  'service-checksums': {
    verdict: 'warning',
    asks: 'PutObject with a wrong CRC32',
    means: 'The service does not check bytes on arrival.',
    fix: 'another service; `verify start --local --bytes all` compares what it has stored',
  },
  'probe-left': {
    verdict: 'warning',
    asks: 'DeleteObject of the versions that the probe wrote',
    means: 'The access key may not delete versions, so the object of the probe stays.',
    fix: 'remove the key that the finding names',
  },
  'trust-open': {
    verdict: 'error',
    asks: 'sts:AssumeRole without and with another external id',
    means: 'The role can be assumed without the external id: the trust policy does not ask for it.',
    fix: 'npx s3-replicator config destination',
  },
  'role-nameless': {
    verdict: 'warning',
    asks: 'sts:AssumeRole with a source identity',
    means:
      'The trust policy does not allow sts:SetSourceIdentity: CloudTrail does not show which function writes.',
    fix: 'npx s3-replicator config destination',
  },
  'guard-missing': {
    verdict: 'warning',
    asks: 's3:PutObjectRetention for a century and s3:PutObjectLegalHold OFF, of a key that does not exist',
    means: 'Nothing denies the role longer locks than agreed, or the removal of legal holds.',
    fix: 'npx s3-replicator config destination',
  },
  'destination-missing': {
    verdict: 'error',
    asks: 's3:ListBucket (HeadBucket)',
    means: 'The destination bucket does not exist.',
    fix: 'npx s3-replicator config destination (with CreateBucket=yes)',
  },
  'destination-owner': {
    verdict: 'error',
    asks: 's3:ListBucket with the expected owner, s3:ListAllMyBuckets',
    means: 'The destination bucket belongs to another account than the rule says.',
    fix: 'correct `bucket:` or `account:` (only you know which is meant), then npx serverless deploy',
  },
  'destination-region': {
    verdict: 'error',
    asks: 'the region in the answer of S3',
    means: 'The destination bucket is in another region than the rule says.',
    fix: 'correct `region:` of the destination, then npx serverless deploy',
  },
  'destination-permission': {
    verdict: 'error',
    asks: 'one harmless call for each permission that replication needs',
    means: 'The role lacks permissions, or the bucket policy denies them.',
    fix: 'npx s3-replicator config destination, which deploys the template again',
  },
  'destination-key': {
    verdict: 'error',
    asks: 's3:CreateMultipartUpload and UploadPart with the headers of the rule',
    means: 'The KMS key of the replicas cannot be used: no permission, or it is disabled.',
    fix: 'aws kms put-key-policy … or aws kms enable-key …, with --destination-profile; npx s3-replicator config destination, if the role lacks the permission',
  },
  'destination-write': {
    verdict: 'error',
    asks: 's3:CreateMultipartUpload and UploadPart with the headers of the rule',
    means: 'S3 refuses an upload with the encryption, storage class, tags or lock of the rule.',
    fix: 'correct the destination in replication.yml (only you know what is wanted), then npx serverless deploy',
  },
  'destination-owner-question': {
    verdict: 'warning',
    asks: 's3:ListAllMyBuckets',
    means:
      'The role may not find out who owns a bucket: a bucket that somebody else took over looks like a missing permission.',
    fix: 'ListOwnBuckets=yes of the destination stack',
  },
  'destination-unversioned': {
    verdict: 'warning',
    asks: 's3:GetBucketVersioning',
    means: 'The destination keeps no versions, and the rule says `versions: all`.',
    fix: 'aws s3api put-bucket-versioning …',
  },
  'default-retention-long': {
    verdict: 'warning',
    asks: 's3:GetBucketObjectLockConfiguration',
    means: 'The default retention of the destination is longer than `maxRetentionDays` of the rule.',
    fix: '`maxRetentionDays` of the destination and MaxRetentionDays of its stack',
  },
  'uploads-kept': {
    verdict: 'warning',
    asks: 'the header x-amz-abort-rule-id of CreateMultipartUpload',
    means: 'No lifecycle rule aborts uploads that were left behind: their parts cost money unseen.',
    fix: 'aws s3api put-bucket-lifecycle-configuration …',
  },
  'copy-refused': {
    verdict: 'error',
    asks: 's3:UploadPartCopy of a source object',
    means: 'S3 cannot copy by itself, and the rule says `copy: server-side`.',
    fix: 'npx s3-replicator config policy prints the grants that both sides need',
  },
  'copy-streams': {
    verdict: 'warning',
    asks: 's3:UploadPartCopy of a source object',
    means: 'S3 cannot copy by itself, so all bytes pass through the function.',
    fix: 'npx s3-replicator config policy, or `copy: stream`',
  },
  'source-unreadable': {
    verdict: 'error',
    asks: 's3:ListBucket, ListBucketVersions, GetObject and GetObjectTagging of the source, as the function',
    means: 'The function cannot read the source: a policy of the bucket or of its key denies it.',
    fix: 'aws s3api put-bucket-policy … or aws kms put-key-policy …; a KMS key that no rule names: `kmsKeyArns` of the source, then npx serverless deploy',
  },
} as const satisfies Record<string, Cause>;

/** Starts the stage for the tests of histories, deletes and attributes. It deploys the packaged rules of fidelity.yml. */
import type { Template } from '@s3-replicator/local-aws/template';
import { replicationFileOf } from './packaged.ts';
import { bucketIs, encryptedWith, SOURCE_KEY, startStage, type Stage } from './stage.ts';

const VERSIONED = { VersioningConfiguration: { Status: 'Enabled' } };

/** New buckets reject SSE-C unless their configuration allows it ("Blocking SSE-C", S3 User Guide). */
const CUSTOMER_KEYS_ALLOWED = {
  ServerSideEncryptionConfiguration: [
    {
      ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
      BlockedEncryptionTypes: { EncryptionType: ['NONE'] },
    },
  ],
};

/**
 * Starts the stage. A source bucket is versioned unless it is listed here without versioning. destination/template.yml creates the
 * destination buckets.
 */
export const startFidelityStage = async (): Promise<Stage> =>
  await startStage({
    configuration: replicationFileOf('fidelity'),
    sourceBuckets: {
      plain: {},
      'plain-kept': {},
      suspended: { VersioningConfiguration: { Status: 'Suspended' } },
      kept: { ...VERSIONED, BucketEncryption: CUSTOMER_KEYS_ALLOWED },
      encrypted: { ...VERSIONED, BucketEncryption: encryptedWith(SOURCE_KEY) },
      locked: { ...VERSIONED, ObjectLockEnabled: true },
      granted: {
        ...VERSIONED,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
        PublicAccessBlockConfiguration: { BlockPublicAcls: false, IgnorePublicAcls: false },
      },
    },
    edit: { destination: withoutObjectLock },
  });

/** Creates `lockless-replica` without Object Lock. All other destinations of the bucket `locked` support Object Lock. */
const withoutObjectLock = ({ Conditions: conditions }: Template): void => {
  const locks = conditions['CreatesLockedBucket'];
  Object.assign(conditions, {
    CreatesLockedBucket: { 'Fn::And': [locks, { 'Fn::Not': [bucketIs('lockless-replica')] }] },
  });
};

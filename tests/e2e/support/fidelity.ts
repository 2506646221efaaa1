/** What the tests of histories, deletes and attributes run on: the rules of fidelity.yml, packaged and deployed. */
import { join } from 'node:path';
import { REPOSITORY } from '../../../demo/package-stack.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import { packaged } from './artifact.ts';
import { bucketIs, encryptedWith, SOURCE_KEY, startStage, type Stage } from './stage.ts';

const CONFIGURATION = join(REPOSITORY, 'tests', 'e2e', 'support', 'fidelity.yml');
const VERSIONED = { VersioningConfiguration: { Status: 'Enabled' } };

/** New buckets refuse SSE-C unless they are told not to ("Blocking SSE-C", S3 User Guide). */
const CUSTOMER_KEYS_ALLOWED = {
  ServerSideEncryptionConfiguration: [
    {
      ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
      BlockedEncryptionTypes: { EncryptionType: ['NONE'] },
    },
  ],
};

/** Buckets are versioned unless they are called otherwise; destinations are what destination/template.yml makes. */
export const startFidelityStage = async (): Promise<Stage> =>
  await startStage({
    configuration: CONFIGURATION,
    packaged: await packaged(CONFIGURATION),
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

/** All destinations of the bucket `locked` can lock, but for this one. */
const withoutObjectLock = ({ Conditions: conditions }: Template): void => {
  const locks = conditions['CreatesLockedBucket'];
  Object.assign(conditions, {
    CreatesLockedBucket: { 'Fn::And': [locks, { 'Fn::Not': [bucketIs('lockless-replica')] }] },
  });
};

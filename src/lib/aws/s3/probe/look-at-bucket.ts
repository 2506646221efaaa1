/**
 * Reads facts about buckets with the operator's credentials, before anything is deployed. A fact that these credentials may not
 * read is null.
 */
import {
  GetBucketEncryptionCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { CONTROL_CLIENT } from '../../control-client.ts';
import { readError } from '../../read-error.ts';
import { forcePathStyle } from '../client/path-style.ts';

export interface BucketFacts {
  exists: boolean | null;
  region: string | null;
  versioning: 'Enabled' | 'Suspended' | 'never' | null;
  /** The KMS key of the default encryption, written as the bucket names it; `none`: the bucket does not use KMS. */
  kmsKey: string | null;
  hasObjectLock: boolean | null;
}

export interface BucketLook {
  /** Resolves to the account of the credentials. */
  account(): Promise<string | null>;
  /** Resolves to the names of the account's buckets. */
  names(): Promise<string[] | null>;
  facts(bucket: string): Promise<BucketFacts>;
}

/** Requests to a bucket in another region are repeated in that region. */
export const createBucketLook = (region: string): BucketLook => {
  const s3 = new S3Client({
    ...CONTROL_CLIENT,
    region,
    followRegionRedirects: true,
    forcePathStyle: forcePathStyle(),
  });
  return {
    async account() {
      const sts = new STSClient({ ...CONTROL_CLIENT, region });
      const { Account: account } =
        (await orNull(sts.send(new GetCallerIdentityCommand({})).finally(() => sts.destroy()))) ?? {};
      return account ?? null;
    },
    async names() {
      const answer = await orNull(s3.send(new ListBucketsCommand({ MaxBuckets: MAXIMUM_LISTED })));
      return answer === null ? null : (answer.Buckets ?? []).flatMap(({ Name: name }) => name ?? []);
    },
    async facts(Bucket) {
      const [place, versioning, kmsKey, hasObjectLock] = await Promise.all([
        placeOf(s3, Bucket),
        orNull(s3.send(new GetBucketVersioningCommand({ Bucket }))),
        kmsKeyOf(s3, Bucket),
        objectLockOf(s3, Bucket),
      ]);
      const status = versioning === null ? null : (versioning.Status ?? 'never');
      return { ...place, versioning: status, kmsKey, hasObjectLock };
    },
  };
};

/** Maximum number of bucket names that are offered as choices. */
const MAXIMUM_LISTED = 1_000;

/**
 * Finds out whether a bucket exists, and its region. Even a refusal shows that it exists. Only status 404 shows that it does not.
 */
const placeOf = async (s3: S3Client, Bucket: string): Promise<Pick<BucketFacts, 'exists' | 'region'>> => {
  try {
    const { BucketRegion: region = null } = await s3.send(new HeadBucketCommand({ Bucket }));
    return { exists: true, region };
  } catch (error) {
    const { status } = readError(error);
    const exists = status === 404 ? false : status === 403 ? true : null;
    return { exists, region: null };
  }
};

const kmsKeyOf = async (s3: S3Client, Bucket: string): Promise<string | null> => {
  try {
    const answer = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    const [rule] = answer.ServerSideEncryptionConfiguration?.Rules ?? [];
    const { SSEAlgorithm: algorithm, KMSMasterKeyID: key } = rule?.ApplyServerSideEncryptionByDefault ?? {};
    return algorithm?.startsWith('aws:kms') ? (key ?? null) : 'none';
  } catch (error) {
    return readError(error).code === 'ServerSideEncryptionConfigurationNotFoundError' ? 'none' : null;
  }
};

const objectLockOf = async (s3: S3Client, Bucket: string): Promise<boolean | null> => {
  try {
    const { ObjectLockConfiguration: lock } = await s3.send(
      new GetObjectLockConfigurationCommand({ Bucket }),
    );
    return lock?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    return readError(error).code === 'ObjectLockConfigurationNotFoundError' ? false : null;
  }
};

const orNull = <Answer>(answer: Promise<Answer>): Promise<Answer | null> => answer.catch(() => null);

/** Begins a multipart upload with the headers of the rule's replicas, and aborts it. This proves that S3 accepts the headers. */
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandOutput,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { ProbedBucket } from '../../../inspect/probed-place.ts';
import type { ProbeStep } from '../../../model/probe-step.ts';
import type { Destination, ReplicationRule } from '../../../model/rule.ts';
import { encryptionFields } from '../write/write-fields.ts';
import { answerOf } from './probe-answer.ts';

interface Place {
  client: S3Client;
  rule: ReplicationRule;
  destination: Destination;
  key: string;
  bucket: Pick<ProbedBucket, 'defaultRetention' | 'hasObjectLock'>;
  now: number;
  /** The object that S3 copies into the upload; null: none. */
  copySource: { CopySource: string; ExpectedSourceBucketOwner: string | undefined } | null;
}

interface Probed {
  steps: ProbeStep[];
  copied: ProbeStep | null;
  abortRule?: string | null;
}

export const probeUpload = async (place: Place): Promise<Probed> => {
  const { client, destination, key } = place;
  const named = { Bucket: destination.bucket, Key: key };
  let begun: CreateMultipartUploadCommandOutput | null = null;
  const creation = await answerOf('s3:PutObject', async () => {
    begun = await client.send(new CreateMultipartUploadCommand({ ...named, ...headersOf(place) }));
  });
  const upload = uploadOf(begun);
  if (upload === null) return { steps: [creation], copied: null };
  const part = { ...named, UploadId: upload.id };
  try {
    const sent = await answerOf('s3:PutObject (UploadPart)', () =>
      client.send(
        new UploadPartCommand({ ...part, PartNumber: 1, Body: Buffer.from('x'), ChecksumAlgorithm: 'CRC32' }),
      ),
    );
    const { copySource } = place;
    const copied =
      copySource === null
        ? null
        : await answerOf('s3:GetObject of the source (UploadPartCopy)', () =>
            client.send(new UploadPartCopyCommand({ ...part, PartNumber: 2, ...copySource })),
          );
    return { steps: [creation, sent], copied, abortRule: upload.abortRule };
  } finally {
    await client.send(new AbortMultipartUploadCommand(part)).catch(() => undefined);
  }
};

const uploadOf = (
  begun: CreateMultipartUploadCommandOutput | null,
): { id: string; abortRule: string | null } | null =>
  begun?.UploadId === undefined ? null : { id: begun.UploadId, abortRule: begun.AbortRuleId ?? null };

const DAY_MS = 24 * 3_600_000;

/** Returns the fields that S3 could refuse: encryption, storage class, tags and lock. Metadata is never refused. */
const headersOf = ({ rule, destination, bucket, now }: Place) => {
  const storageClass = destination.storageClass ?? destination.minimumStorageClass;
  const isLocked = destination.objectLock !== 'ignore' && bucket.hasObjectLock === true;
  const days = (bucket.defaultRetention?.days ?? 0) + 1;
  return {
    ...encryptionFields(destination),
    ChecksumAlgorithm: 'CRC32' as const,
    ...(storageClass === null ? {} : { StorageClass: storageClass as 'STANDARD' }),
    ...(rule.tags === 'replicate' ? { Tagging: 's3-replicator=probe' } : {}),
    ...(isLocked
      ? {
          ObjectLockMode: (bucket.defaultRetention?.mode ?? 'GOVERNANCE') as 'GOVERNANCE',
          ObjectLockRetainUntilDate: new Date(now + days * DAY_MS),
        }
      : {}),
  };
};

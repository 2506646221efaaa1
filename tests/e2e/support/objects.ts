/** Reads objects with the rights of the source account and replicas with the rights of the destination account. */
import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListMultipartUploadsCommand,
  NoSuchKey,
  type S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type ReplicaPlace, replicaPlaces } from '../../../demo/replica-places.ts';
import { withHeaders } from '../../../src/lib/aws/s3/client/command-hooks.ts';
import { STAMP } from '../../../demo/stamp.ts';
import { settled, type Stage } from './stages/stage.ts';

/** An object as GET returns it, with the SHA-256 of its bytes. */
export type Seen = Omit<GetObjectCommandOutput, 'Body' | '$metadata'> & { sha256: string };

/** Reads the current version, or the given one. Resolves to null if the version does not exist. */
export const seen = async (
  client: S3Client,
  bucket: string,
  key: string,
  versionId?: string,
): Promise<Seen | null> => {
  try {
    const {
      Body: body,
      $metadata: _metadata,
      ...description
    } = await client.send(
      // With the field ChecksumMode, the SDK would compute the checksum, which it cannot do for every algorithm.
      withHeaders(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }), {
        'x-amz-checksum-mode': 'ENABLED',
      }),
    );
    const bytes = (await body?.transformToByteArray()) ?? new Uint8Array();
    return { ...description, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    if (error instanceof NoSuchKey) return null;
    throw error;
  }
};

export const replicaAt = (stage: Stage, place: ReplicaPlace): Promise<Seen | null> =>
  seen(stage.destination.s3(place.destination.region), place.bucket, place.key);

/**
 * Expects that every destination holds the current state of the source object: bytes, headers, metadata and checksum. The ETag is
 * compared as well, unless the encryption of the replica makes it differ. Returns the replicas.
 */
export const expectReplicas = async (stage: Stage, bucket: string, key: string): Promise<Seen[]> => {
  const source = await seen(stage.source.s3(), bucket, key);
  expect(source, `${bucket}/${key}`).not.toBeNull();
  const places = replicaPlaces(stage.configuration, { bucket, key });
  expect(places, `places of ${bucket}/${key}`).not.toEqual([]);
  const replicas: Seen[] = [];
  for (const place of places) {
    const replica = await replicaAt(stage, place);
    expect(replica && comparable(replica), `${place.bucket}/${place.key}`).toEqual(
      source && { ...comparable(source), ...wantedDifference(place, source, replica) },
    );
    if (replica !== null) replicas.push(replica);
  }
  return replicas;
};

/** Waits until the live queue is empty, and then expects the replicas of these objects. */
export const expectReplicated = async (stage: Stage, bucket: string, ...keys: string[]): Promise<void> => {
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, bucket, key);
};

/** Returns the fields that are equal at the source and the destination. The stamp is left out. */
export const comparable = ({ Metadata: metadata = {}, ...object }: Seen) => {
  const {
    LastModified: _when,
    VersionId: _version,
    SSEKMSKeyId: _key,
    BucketKeyEnabled: _bucketKey,
    ...same
  } = object;
  const { [STAMP]: _stamp, ...others } = metadata;
  return { ...same, Metadata: others };
};

/** Returns the fields in which the rule or the encryption makes the replica differ from its source. */
export const wantedDifference = (
  { destination }: ReplicaPlace,
  source: Seen,
  replica: Seen | null,
): Partial<Seen> => ({
  ...(destination.storageClass === null ? {} : { StorageClass: destination.storageClass as 'STANDARD_IA' }),
  ...(destination.kmsKeyArn === null ? {} : { ServerSideEncryption: 'aws:kms' }),
  ...(destination.kmsKeyArn === null && source.ServerSideEncryption === 'AES256'
    ? {}
    : { ETag: replica?.ETag }),
});

/** Lists the keys of multipart uploads that are neither completed nor aborted. */
export const openUploads = async (stage: Stage, bucket: string, region?: string): Promise<string[]> => {
  const { Uploads: uploads = [] } = await stage.destination
    .s3(region)
    .send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return uploads.map((upload) => upload.Key ?? '');
};

/** Objects and their replicas, as their owners see them. */
import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListMultipartUploadsCommand,
  NoSuchKey,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type ReplicaPlace, replicaPlaces } from '../../../demo/replica-places.ts';
import { STAMP } from '../../../demo/stamp.ts';
import type { Stage } from './stage.ts';

type PutOptions = Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'>;

/** PutObject as the owner of the source account. `headers` for what the SDK has no field for. */
export const put = (
  stage: Stage,
  bucket: string,
  key: string,
  body: Uint8Array | string,
  options: PutOptions = {},
  headers: Record<string, string> = {},
): Promise<PutObjectCommandOutput> => {
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: body,
    ContentLength: Buffer.byteLength(body),
    ...options,
  });
  command.middlewareStack.add(
    (next) => async (args) => {
      if (typeof args.request === 'object' && args.request !== null && 'headers' in args.request) {
        Object.assign(args.request.headers ?? {}, headers);
      }
      return next(args);
    },
    { step: 'build' },
  );
  return stage.source.s3().send(command);
};

/** An object as GET shows it, its bytes as their SHA-256. */
export type Seen = Omit<GetObjectCommandOutput, 'Body' | '$metadata'> & { sha256: string };

/** The current version, or the one named; null where there is none. */
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
      new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, ChecksumMode: 'ENABLED' }),
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
 * Every destination of the object holds what the source bucket holds now: bytes, headers, metadata, checksum, and the ETag
 * where encryption lets it be compared. Answers the replicas.
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

/** What source and replica have in common, the stamp aside. */
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

/** What the rule or the encryption makes different. */
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

/** Multipart uploads that nobody finished or aborted. */
export const openUploads = async (stage: Stage, bucket: string, region?: string): Promise<string[]> => {
  const { Uploads: uploads = [] } = await stage.destination
    .s3(region)
    .send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return uploads.map((upload) => upload.Key ?? '');
};

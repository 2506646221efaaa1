/** The stamp that docs/guarantees.md describes, implemented a second time so that a change of it is noticed. */
import { createHash } from 'node:crypto';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';

/** `x-amz-meta-s3r`. */
export const STAMP = 's3r';

type SourceObject = Pick<HeadObjectCommandOutput, 'VersionId' | 'ETag' | 'LastModified'>;

/** The stamp of a replica of this object in this place: version or ETag, modification time and place. */
export const stampOf = (
  { VersionId: version = 'null', ETag: etag = '', LastModified: modified }: SourceObject,
  { bucket, key }: { bucket: string; key: string },
): string => {
  const identity = version === 'null' ? `e/${etag.replaceAll('"', '')}` : `v/${version}`;
  const seconds = Math.floor((modified?.getTime() ?? 0) / 1_000).toString(36);
  const place = createHash('sha256').update(`${bucket}/${key}`).digest('hex').slice(0, 8);
  return `${identity}/${seconds}@${place}`;
};

/**
 * Computes the stamp that docs/fidelity.md describes. This second implementation does not depend on the replicator's, so the demo fails
 * if the format of the stamp changes.
 */
import { createHash } from 'node:crypto';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';

/** The metadata key of the stamp. Its header is `x-amz-meta-s3r`. */
export const STAMP = 's3r';

type SourceObject = Pick<HeadObjectCommandOutput, 'VersionId' | 'ETag' | 'LastModified'>;

interface Place {
  bucket: string;
  key: string;
}

/**
 * Returns the stamp of a replica of this object in this place. The stamp consists of the version or the ETag, the modification time, the
 * place and the origin.
 */
export const stampOf = (
  { VersionId: version = 'null', ETag: etag = '', LastModified: modified }: SourceObject,
  place: Place & { source: Place },
): string => {
  const identity = version === 'null' ? `e/${etag.replaceAll('"', '')}` : `v/${version}`;
  const seconds = Math.floor((modified?.getTime() ?? 0) / 1_000).toString(36);
  return `${identity}/${seconds}@${tag(place)}${tag(place.source)}`;
};

/** Returns the stamp of a replica without its signature, which only the stack can make. */
export const stampIn = ({
  Metadata: metadata,
}: Pick<HeadObjectCommandOutput, 'Metadata'>): string | undefined =>
  metadata?.[STAMP]?.replace(/\.[0-9a-f]{8}[\w-]{86}$/, '');

const tag = ({ bucket, key }: Place): string =>
  createHash('sha256').update(`${bucket}/${key}`).digest('hex').slice(0, 8);

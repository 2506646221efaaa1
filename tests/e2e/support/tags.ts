import { GetObjectTaggingCommand, PutObjectTaggingCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Stage } from './stages/stage.ts';

export const tagsOf = async (
  client: S3Client,
  bucket: string,
  key: string,
  versionId?: string,
): Promise<Record<string, string>> => {
  const { TagSet: tags = [] } = await client.send(
    new GetObjectTaggingCommand({ Bucket: bucket, Key: key, VersionId: versionId }),
  );
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
};

/** Replaces the tags of a source object's current version, or of the given version. */
export const setTags = async (
  stage: Stage,
  { bucket, key, versionId }: { bucket: string; key: string; versionId?: string | undefined },
  tags: Record<string, string>,
): Promise<void> => {
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await stage.source
    .s3()
    .send(
      new PutObjectTaggingCommand({ Bucket: bucket, Key: key, VersionId: versionId, Tagging: { TagSet } }),
    );
};

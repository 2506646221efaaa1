/** Reads and writes the tags of one version. Tags can change without a new version. */
import { GetObjectTaggingCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import type { Tags } from '../../../model/ports.ts';
import { call, type Target } from '../client/call.ts';
import { unlessGone } from '../../errors.ts';

/** Names a version of an object. If `versionId` is null, it names the current version. */
export interface ObjectName {
  bucket: string;
  key: string;
  versionId: string | null;
}

/** Reads the tags. Resolves to null when the version is gone or is a delete marker. */
export const readTags = async (target: Target, name: ObjectName): Promise<Tags | null> => {
  const command = new GetObjectTaggingCommand(named(name));
  const answer = await unlessGone(
    call(target, 'GetObjectTagging', (client, options) => client.send(command, options)),
  );
  return (
    answer && Object.fromEntries((answer.TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']))
  );
};

/**
 * Replaces all tags. If `tags` is empty, an empty set is written. Unlike deleting the tags, writing an empty set needs no additional
 * permission.
 */
export const writeTags = async (target: Target, name: ObjectName, tags: Tags): Promise<void> => {
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const command = new PutObjectTaggingCommand({ ...named(name), Tagging: { TagSet } });
  await call(target, 'PutObjectTagging', (client, options) => client.send(command, options));
};

/** Returns the fields of a request that name the version. */
export const named = ({ bucket, key, versionId }: ObjectName) => ({
  Bucket: bucket,
  Key: key,
  ...(versionId === null ? {} : { VersionId: versionId }),
});

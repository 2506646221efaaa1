/** Reads the source as the function does, and finds an object that S3 can copy. */
import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ProbeStep } from '../../../model/probe-step.ts';
import type { ReplicationRule } from '../../../model/rule.ts';
import { answerOf } from './probe-answer.ts';

export interface ProbedSource {
  steps: ProbeStep[];
  /** A small object under the prefix of the rule; null: there is none among the first keys. */
  sample: string | null;
}

/** S3 copies a range only from larger objects, so a smaller object is copied whole. */
const LARGEST_SAMPLE_BYTES = 5 * 1024 * 1024;

export const probeSource = async (
  client: S3Client,
  { source, tags, versions: kept, deletes }: ReplicationRule,
): Promise<ProbedSource> => {
  const { bucket: Bucket, prefix: Prefix } = source;
  // The function may list the versions only for rules that need them.
  const listsVersions = kept === 'all' || deletes === 'replicate';
  let listed: ListObjectsV2CommandOutput | null = null;
  const listings = await Promise.all([
    answerOf('s3:ListBucket', async () => {
      listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 100 }));
    }),
    ...(listsVersions
      ? [
          answerOf('s3:ListBucketVersions', () =>
            client.send(new ListObjectVersionsCommand({ Bucket, Prefix, MaxKeys: 1 })),
          ),
        ]
      : []),
  ]);
  const sample = sampleIn(listed);
  const first = firstIn(listed);
  const objects =
    first === null ? [] : await probeObject(client, { Bucket, Key: first }, tags === 'replicate');
  return { steps: [...listings, ...objects], sample };
};

/** Reads an object, and then the version that S3 has shown: events are about versions, which have permissions of their own. */
const probeObject = async (
  client: S3Client,
  object: { Bucket: string; Key: string },
  hasTags: boolean,
): Promise<ProbeStep[]> => {
  let version: { VersionId?: string } = {};
  const read = (permission: string): Promise<ProbeStep> =>
    answerOf(permission, async () => {
      const { Body: body, VersionId } = await client.send(
        new GetObjectCommand({ ...object, ...version, Range: 'bytes=0-0' }),
      );
      await body?.transformToByteArray();
      if (VersionId !== undefined) version = { VersionId };
    }, ['InvalidRange', 'InvalidObjectState']);
  const readTags = (permission: string): Promise<ProbeStep> =>
    answerOf(permission, () => client.send(new GetObjectTaggingCommand({ ...object, ...version })));
  const plain = [await read('s3:GetObject'), ...(hasTags ? [await readTags('s3:GetObjectTagging')] : [])];
  if (version.VersionId === undefined || version.VersionId === 'null') return plain;
  return [
    ...plain,
    await read('s3:GetObjectVersion'),
    ...(hasTags ? [await readTags('s3:GetObjectVersionTagging')] : []),
  ];
};

const firstIn = (listed: ListObjectsV2CommandOutput | null): string | null =>
  listed?.Contents?.[0]?.Key ?? null;

const sampleIn = (listed: ListObjectsV2CommandOutput | null): string | null =>
  listed?.Contents?.find(({ Size: size = 0 }) => size > 0 && size <= LARGEST_SAMPLE_BYTES)?.Key ?? null;

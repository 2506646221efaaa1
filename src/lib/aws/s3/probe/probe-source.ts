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
    first === null
      ? []
      : await Promise.all([
          answerOf(
            's3:GetObject',
            async () => {
              const { Body: body } = await client.send(
                new GetObjectCommand({ Bucket, Key: first, Range: 'bytes=0-0' }),
              );
              await body?.transformToByteArray();
            },
            ['InvalidRange', 'InvalidObjectState'],
          ),
          ...(tags === 'replicate'
            ? [
                answerOf('s3:GetObjectTagging', () =>
                  client.send(new GetObjectTaggingCommand({ Bucket, Key: first })),
                ),
              ]
            : []),
        ]);
  return { steps: [...listings, ...objects], sample };
};

const firstIn = (listed: ListObjectsV2CommandOutput | null): string | null =>
  listed?.Contents?.[0]?.Key ?? null;

const sampleIn = (listed: ListObjectsV2CommandOutput | null): string | null =>
  listed?.Contents?.find(({ Size: size = 0 }) => size > 0 && size <= LARGEST_SAMPLE_BYTES)?.Key ?? null;

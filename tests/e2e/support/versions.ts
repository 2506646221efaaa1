/** The history of a key on both sides, as its owners see it. */
import {
  GetObjectTaggingCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type ReplicaPlace, replicaPlaces } from '../../../demo/replica-places.ts';
import { comparable, type Seen, seen, wantedDifference } from './objects.ts';
import type { Stage } from './stage.ts';

type Entry = { kind: 'marker'; versionId: string } | { kind: 'version'; versionId: string; seen: Seen };

/** Every version and marker of exactly this key, oldest first. */
export const historyOf = async (client: S3Client, bucket: string, key: string): Promise<Entry[]> => {
  const entries: Entry[] = [];
  for await (const { kind, versionId } of listed(client, bucket, key)) {
    const object = kind === 'version' ? await seen(client, bucket, key, versionId) : null;
    entries.push(
      object === null ? { kind: 'marker', versionId } : { kind: 'version', versionId, seen: object },
    );
  }
  return entries.toReversed();
};

/** Newest first. One at a time: the SDK's answer has versions and markers apart, and so not in their common order. */
async function* listed(client: S3Client, Bucket: string, Key: string) {
  let next: Pick<ListObjectVersionsCommandInput, 'KeyMarker' | 'VersionIdMarker'> = {};
  for (;;) {
    const page = await client.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: Key, MaxKeys: 1, ...next }),
    );
    for (const { Key: key, VersionId = 'null' } of page.Versions ?? [])
      if (key === Key) yield { kind: 'version' as const, versionId: VersionId };
    for (const { Key: key, VersionId = 'null' } of page.DeleteMarkers ?? [])
      if (key === Key) yield { kind: 'marker' as const, versionId: VersionId };
    if (page.IsTruncated !== true) return;
    next = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

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

interface Options {
  /** Replica versions that somebody else wrote. */
  foreign?: string[];
  deletes?: 'replicate' | 'ignore';
}

/**
 * Each destination went through the states that the source went through: the same bytes, headers, metadata and tags, in the same
 * order. Delete markers in a row are one there, and where nothing was there is none.
 */
export const expectSameHistory = async (
  stage: Stage,
  bucket: string,
  key: string,
  { foreign = [], deletes = 'replicate' }: Options = {},
): Promise<void> => {
  const source = await historyOf(stage.source.s3(), bucket, key);
  const wanted = source.filter(
    ({ kind }, index) =>
      kind === 'version' || (deletes === 'replicate' && index > 0 && source[index - 1]?.kind === 'version'),
  );
  const places = replicaPlaces(stage.configuration, { bucket, key });
  expect(places, `places of ${bucket}/${key}`).not.toEqual([]);
  for (const place of places) {
    const client = stage.destination.s3(place.destination.region);
    const history = await historyOf(client, place.bucket, place.key);
    const replicas = history.filter(({ versionId }) => !foreign.includes(versionId));
    expect(
      await Promise.all(replicas.map((entry) => described(client, place.bucket, place.key, entry, null))),
      `history of ${place.bucket}/${place.key}`,
    ).toEqual(
      await Promise.all(
        wanted.map((entry, index) =>
          described(stage.source.s3(), bucket, key, entry, { place, replica: replicas[index] }),
        ),
      ),
    );
  }
};

const described = async (
  client: S3Client,
  bucket: string,
  key: string,
  entry: Entry,
  other: { place: ReplicaPlace; replica: Entry | undefined } | null,
) => {
  if (entry.kind === 'marker') return 'delete marker';
  const replica = other?.replica?.kind === 'version' ? other.replica.seen : null;
  return {
    ...comparable(entry.seen),
    ...(other !== null && wantedDifference(other.place, entry.seen, replica)),
    tags: await tagsOf(client, bucket, key, entry.versionId),
  };
};

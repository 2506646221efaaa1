/** Reads the versions of a key at the source and at the destination, and compares them. */
import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type ObjectName, type ReplicaPlace, replicaPlaces } from '../../../demo/replica-places.ts';
import { comparable, type Seen, seen, wantedDifference } from './objects.ts';
import type { Stage } from './stages/stage.ts';
import { tagsOf } from './tags.ts';

type Entry = { kind: 'marker'; versionId: string } | { kind: 'version'; versionId: string; seen: Seen };

/** Lists every version and delete marker of exactly this key, oldest first. */
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

/**
 * Lists versions and delete markers, newest first. The SDK returns versions and markers in separate lists, without their common
 * order. Therefore each page has a single entry.
 */
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

interface Options {
  /** Version ids of replicas that somebody else wrote. */
  foreign?: string[];
  deletes?: 'replicate' | 'ignore';
}

/**
 * Expects that each destination went through the states of the source in the same order, with the same bytes, headers, metadata and
 * tags. Several delete markers in a row become one at the destination. A marker before the first version is not replicated.
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
      await Promise.all(replicas.map((entry) => described(client, place, entry))),
      `history of ${place.bucket}/${place.key}`,
    ).toEqual(
      await Promise.all(
        wanted.map(async (entry, index) =>
          asReplicaOf(await described(stage.source.s3(), { bucket, key }, entry), entry, {
            place,
            replica: replicas[index],
          }),
        ),
      ),
    );
  }
};

const described = async (client: S3Client, { bucket, key }: ObjectName, entry: Entry) =>
  entry.kind === 'marker'
    ? ('delete marker' as const)
    : { ...comparable(entry.seen), tags: await tagsOf(client, bucket, key, entry.versionId) };

/** Returns the description that the replica of this source entry should have. */
const asReplicaOf = (
  source: Awaited<ReturnType<typeof described>>,
  entry: Entry,
  { place, replica }: { place: ReplicaPlace; replica: Entry | undefined },
) =>
  source === 'delete marker' || entry.kind === 'marker'
    ? source
    : {
        ...source,
        ...wantedDifference(place, entry.seen, replica?.kind === 'version' ? replica.seen : null),
      };

/** Reads pages of a bucket's listing. No call is retried here, because the caller decides how long to wait before a retry. */
import {
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import type { ListedVersion, ListPage, Marker, Page, PageRequest } from '../../listing/page.ts';
import type { Listings } from '../../runs/ports.ts';
import { destinationTarget, sourceTarget } from './buckets.ts';
import { brokenAnswer } from './client/broken-answer.ts';
import { call, type Target } from './client/call.ts';
import type { S3Clients } from './client/clients.ts';
import { withBodyText } from './client/command-hooks.ts';
import { listedKinds } from './listing/listed-kinds.ts';
import { checkListing, isLastPage, keyOf } from './listing/listing-answers.ts';
import { type Listed, versionsInOrder } from './listing/object-history.ts';

export const createListings = (clients: S3Clients, signal: AbortSignal): Listings => ({
  source: ({ source }, versions) => listing(sourceTarget(source, clients, signal), source.bucket, versions),
  destination: (destination, versions) =>
    listing(destinationTarget(destination, clients, signal), destination.bucket, versions),
});

const listing = (target: Target, bucket: string, versions: 'all' | 'latest'): ListPage<ListedVersion> =>
  versions === 'all' ? versionsOf(target, bucket) : objectsOf(target, bucket);

/** Requests one page of objects. The SDK does not retry SlowDown here, because the caller slows down when it sees this error. */
const objectsOf =
  (target: Target, bucket: string): ListPage<ListedVersion> =>
  async ({ prefix, after, maxKeys }) => {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      ...(prefix === '' ? {} : { Prefix: prefix }),
      ...(after.key === '' ? {} : { StartAfter: after.key }),
      MaxKeys: maxKeys,
      EncodingType: 'url',
    });
    const answer: ListObjectsV2CommandOutput = await call(
      target,
      'ListObjectsV2',
      (client, options) => client.send(command, options),
      { single: true },
    );
    const entries = (answer.Contents ?? []).map((entry) => currentObject(entry, answer));
    checkListing('ListObjectsV2', entries, { prefix, after });
    const last = entries.at(-1);
    return page(
      'ListObjectsV2',
      entries,
      answer,
      last === undefined ? null : { key: last.key, versionId: null },
    );
  };

type ListedObject = NonNullable<ListObjectsV2CommandOutput['Contents']>[number];

const currentObject = (entry: ListedObject, answer: ListObjectsV2CommandOutput): ListedVersion => {
  const key = keyOf(entry, answer);
  if (key === undefined || entry.ETag === undefined || entry.Size === undefined)
    throw brokenAnswer('ListObjectsV2', 'an object has no key, ETag or size');
  return {
    key,
    kind: 'object',
    versionId: null,
    isLatest: true,
    etag: entry.ETag,
    sizeBytes: entry.Size,
    lastModifiedMs: entry.LastModified?.getTime() ?? 0,
    storageClass: entry.StorageClass ?? 'STANDARD',
  };
};

const versionsOf =
  (target: Target, bucket: string): ListPage<ListedVersion> =>
  async (request) => {
    const texts: string[] = [];
    const command = new ListObjectVersionsCommand({
      Bucket: bucket,
      EncodingType: 'url',
      ...versionsFields(request),
    });
    withBodyText(command, (text) => texts.push(text));
    const answer: ListObjectVersionsCommandOutput = await call(
      target,
      'ListObjectVersions',
      (client, options) => client.send(command, options),
      { single: true },
    );
    const listed = versionsInOrder(answer, listedKinds(texts.at(-1) ?? ''));
    const entries = listed.map((each) => versionOf(each, answer));
    checkListing('ListObjectVersions', entries, request);
    const last = entries.at(-1);
    // The next page begins after the last entry, as in `object-history.ts`. NextKeyMarker is not used because some servers put other text
    // into it.
    const next = last === undefined ? null : { key: last.key, versionId: last.versionId };
    return page('ListObjectVersions', entries, answer, next);
  };

const versionsFields = ({ prefix, after, maxKeys }: PageRequest) => ({
  ...(prefix === '' ? {} : { Prefix: prefix }),
  ...(after.key === '' ? {} : { KeyMarker: after.key }),
  ...(after.versionId === null ? {} : { VersionIdMarker: after.versionId }),
  MaxKeys: maxKeys,
});

const versionOf = (listed: Listed, answer: ListObjectVersionsCommandOutput): ListedVersion => {
  const { entry } = listed;
  const key = keyOf(entry, answer);
  if (key === undefined) throw brokenAnswer('ListObjectVersions', 'an entry has no key');
  const common = {
    key,
    versionId: entry.VersionId ?? 'null',
    isLatest: entry.IsLatest === true,
    lastModifiedMs: entry.LastModified?.getTime() ?? 0,
  };
  if (listed.kind === 'marker')
    return { ...common, kind: 'delete-marker', etag: '', sizeBytes: 0, storageClass: '' };
  const { ETag: etag, Size: sizeBytes, StorageClass: storageClass = 'STANDARD' } = listed.entry;
  if (etag === undefined || sizeBytes === undefined)
    throw brokenAnswer('ListObjectVersions', 'a version has no ETag or no size');
  return { ...common, kind: 'object', etag, sizeBytes, storageClass };
};

const page = (
  operation: string,
  entries: ListedVersion[],
  answer: { IsTruncated?: boolean | undefined },
  next: Marker | null,
): Page<ListedVersion> => {
  if (isLastPage(operation, answer)) return { entries, next: null };
  if (next === null) throw brokenAnswer(operation, 'the answer of S3 has no entries and is not complete');
  return { entries, next };
};

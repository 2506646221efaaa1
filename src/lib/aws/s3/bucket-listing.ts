/** Pages of a bucket's listing. Nothing is tried again here but by the SDK: who lists knows how to wait. */
import {
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { ListedVersion, ListPage, Marker, Page, PageRequest } from '../../listing/page.ts';
import type { Listings } from '../../runs/ports.ts';
import { call, type Target } from './call.ts';
import type { S3Clients } from './clients.ts';
import { withBodyText } from './command-hooks.ts';
import { listedKinds } from './listed-kinds.ts';
import { inOrder, keyOf, type Listed } from './object-history.ts';

export const createListings = (clients: S3Clients, signal: AbortSignal): Listings => ({
  source: ({ source }, versions) =>
    listing(
      { clients, pair: () => clients.source(source), signal, name: `source bucket ${source.bucket}` },
      source.bucket,
      versions,
    ),
  destination: (destination, versions) =>
    listing(
      {
        clients,
        pair: () => clients.destination(destination),
        signal,
        name: `destination bucket ${destination.bucket}`,
      },
      destination.bucket,
      versions,
    ),
});

const listing = (target: Target, bucket: string, versions: 'all' | 'latest'): ListPage<ListedVersion> =>
  versions === 'all' ? versionsOf(target, bucket) : objectsOf(target, bucket);

/** SlowDown is an answer to act on, not to hide: the SDK does not repeat it. */
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
    const entries = (answer.Contents ?? []).map((entry) => {
      const key = keyOf({ entry }, answer);
      if (key === undefined || entry.ETag === undefined || entry.Size === undefined)
        throw broken('ListObjectsV2', 'an object has no key, ETag or size');
      return {
        key,
        kind: 'object' as const,
        versionId: null,
        isLatest: true,
        etag: entry.ETag,
        sizeBytes: entry.Size,
        lastModifiedMs: entry.LastModified?.getTime() ?? 0,
        storageClass: entry.StorageClass ?? 'STANDARD',
      };
    });
    const last = entries.at(-1)?.key;
    return page('ListObjectsV2', entries, answer.IsTruncated, last === undefined ? null : behind(last));
  };

const behind = (key: string): Marker => ({ key, versionId: null });

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
    const entries = inOrder(answer, listedKinds(texts.at(-1) ?? '')).map((listed) =>
      versionOf(listed, answer),
    );
    const last = entries.at(-1);
    // Behind the last entry, as in `object-history.ts`: some servers write notes of their own into NextKeyMarker.
    const next = last === undefined ? null : { key: last.key, versionId: last.versionId };
    return page('ListObjectVersions', entries, answer.IsTruncated, next);
  };

const versionsFields = ({ prefix, after, maxKeys }: PageRequest) => ({
  ...(prefix === '' ? {} : { Prefix: prefix }),
  ...(after.key === '' ? {} : { KeyMarker: after.key }),
  ...(after.versionId === null ? {} : { VersionIdMarker: after.versionId }),
  MaxKeys: maxKeys,
});

const versionOf = (listed: Listed, answer: ListObjectVersionsCommandOutput): ListedVersion => {
  const key = keyOf(listed, answer);
  if (key === undefined) throw broken('ListObjectVersions', 'an entry has no key');
  const { entry } = listed;
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
    throw broken('ListObjectVersions', 'a version has no ETag or no size');
  return { ...common, kind: 'object', etag, sizeBytes, storageClass };
};

const page = (
  operation: string,
  entries: ListedVersion[],
  isTruncated: boolean | undefined,
  next: Marker | null,
): Page<ListedVersion> => {
  if (isTruncated === undefined) throw broken(operation, 'the answer of S3 does not say whether it is all');
  if (!isTruncated) return { entries, next: null };
  if (next === null) throw broken(operation, 'the answer of S3 has no entries, and is not all');
  return { entries, next };
};

const broken = (operation: string, what: string): ReplicationError =>
  new ReplicationError('service-error', `${operation}: ${what}`);

/** Lists all versions and delete markers of one key, in S3's order. */
import {
  type DeleteMarkerEntry,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type { HistoryEntry } from '../../../model/ports.ts';
import { brokenAnswer } from '../client/broken-answer.ts';
import { call, type Target } from '../client/call.ts';
import { withBodyText } from '../client/command-hooks.ts';
import { listedKinds } from './listed-kinds.ts';
import { decodedKey, isLastPage, keyOf, noNextPage, PAGE_ENTRIES } from './listing-answers.ts';

export const LIST_VERSIONS = 'ListObjectVersions';

/**
 * How many entries the first page has. Most keys have few versions, so the rest of a larger page would contain only entries of other keys.
 */
const FIRST_PAGE_ENTRIES = 50;

/** Yields the newest entry first. Each page is fetched only when the caller has read the page before it. */
export async function* objectHistory(
  target: Target,
  bucket: string,
  key: string,
): AsyncGenerator<HistoryEntry, void> {
  let marker: HistoryMarker | null = null;
  do {
    const page: HistoryPage = await listPage(target, bucket, key, marker);
    yield* page.entries;
    marker = page.next;
  } while (marker !== null);
}

interface HistoryMarker {
  KeyMarker: string;
  VersionIdMarker: string | undefined;
}

interface HistoryPage {
  entries: HistoryEntry[];
  /** The position of the next page; null: the key has no more versions. */
  next: HistoryMarker | null;
}

const listPage = async (
  target: Target,
  bucket: string,
  key: string,
  marker: HistoryMarker | null,
): Promise<HistoryPage> => {
  const texts: string[] = [];
  const command = new ListObjectVersionsCommand({
    Bucket: bucket,
    Prefix: key,
    // A key can contain characters that XML cannot represent.
    EncodingType: 'url',
    MaxKeys: marker === null ? FIRST_PAGE_ENTRIES : PAGE_ENTRIES,
    ...marker,
  });
  withBodyText(command, (text) => texts.push(text));
  const answer = await call(target, LIST_VERSIONS, (client, options) => client.send(command, options));
  const isLast = isLastPage(LIST_VERSIONS, answer);
  const listed = versionsInOrder(answer, listedKinds(texts.at(-1) ?? ''));
  const own = listed.filter(({ entry }) => keyOf(entry, answer) === key);
  // The listing has all keys that begin with `key`, and `key` itself sorts first. Therefore an entry of another key means that all entries
  // of `key` have been listed.
  const isEnd = isLast || own.length < listed.length;
  if (marker === null) checkNewestFirst(own);
  return { entries: own.map(historyEntry), next: isEnd ? null : nextMarker(answer, own, marker, key) };
};

export type Listed = { kind: 'version'; entry: ObjectVersion } | { kind: 'marker'; entry: DeleteMarkerEntry };

/**
 * Merges versions and delete markers in the order of S3's document. The SDK splits S3's one list into two lists and loses the order between
 * their entries. The order cannot be derived from the times of the entries. The times are whole seconds, and a version that was uploaded in
 * parts has the time at which its upload began.
 */
export const versionsInOrder = (
  answer: ListObjectVersionsCommandOutput,
  listed: ReturnType<typeof listedKinds>,
): Listed[] => {
  const versions = answer.Versions ?? [];
  const markers = answer.DeleteMarkers ?? [];
  if (versions.length > 0 && markers.length > 0 && !listed.isOneList) {
    throw new ReplicationError(
      'invalid-request',
      'ListObjectVersions: this server lists delete markers apart from versions, so that their order cannot be known',
    );
  }
  const [version, marker] = [versions.values(), markers.values()];
  const merged = listed.kinds.flatMap((kind): Listed[] => {
    const entry = (kind === 'version' ? version : marker).next().value;
    return entry === undefined ? [] : [{ kind, entry }];
  });
  if (merged.length === listed.kinds.length && merged.length === versions.length + markers.length) {
    return merged;
  }
  throw brokenAnswer(LIST_VERSIONS, 'the answer of S3 was not understood');
};

/**
 * Throws if the current version is not listed first. S3 marks the current version, and a server that does not list it first uses another
 * order.
 */
const checkNewestFirst = (own: Listed[]): void => {
  if (own.findIndex(({ entry }) => entry.IsLatest === true) > 0)
    throw brokenAnswer(LIST_VERSIONS, 'the newest version is not first');
};

export const historyEntry = ({ kind, entry }: Listed): HistoryEntry => {
  const versionId = entry.VersionId ?? 'null';
  const lastModifiedMs = entry.LastModified?.getTime() ?? 0;
  if (kind === 'marker') return { kind, versionId, lastModifiedMs };
  if (entry.ETag === undefined || entry.Size === undefined)
    throw brokenAnswer(LIST_VERSIONS, 'a version has no ETag or no size');
  return { kind, versionId, etag: entry.ETag, sizeBytes: entry.Size, lastModifiedMs };
};

/**
 * Returns the marker of the next page, which begins after the last entry of this page. NextKeyMarker is used only if the page is
 * empty, because some servers put other text into it.
 */
const nextMarker = (
  answer: ListObjectVersionsCommandOutput,
  own: Listed[],
  marker: HistoryMarker | null,
  key: string,
): HistoryMarker => {
  const last = own.at(-1)?.entry.VersionId;
  const next: HistoryMarker =
    last === undefined
      ? // The page has no entry of this key.
        { KeyMarker: decodedKey(answer.NextKeyMarker ?? ''), VersionIdMarker: answer.NextVersionIdMarker }
      : { KeyMarker: key, VersionIdMarker: answer.NextVersionIdMarker || last };
  const isSame = next.KeyMarker === marker?.KeyMarker && next.VersionIdMarker === marker.VersionIdMarker;
  if (next.KeyMarker === '' || isSame) throw noNextPage(LIST_VERSIONS);
  return next;
};

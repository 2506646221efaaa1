/** All versions and delete markers of one key, in S3's own order. */
import {
  type DeleteMarkerEntry,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { HistoryEntry } from '../../model/ports.ts';
import { brokenAnswer } from './broken-answer.ts';
import { call, type Target } from './call.ts';
import { withBodyText } from './command-hooks.ts';
import { listedKinds } from './listed-kinds.ts';
import { decodedKey, isLastPage, keyOf, noNextPage, PAGE_ENTRIES } from './listing-answers.ts';

const LIST_VERSIONS = 'ListObjectVersions';

/** How many entries the first page has. Most keys have few versions, and the other keys that follow in the listing are of no use. */
const FIRST_PAGE_ENTRIES = 50;

/** Newest first. A page is fetched when the reader has used up the page before. */
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
  /** Null: the key has no more versions. */
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
    // XML cannot hold every character that a key can.
    EncodingType: 'url',
    MaxKeys: marker === null ? FIRST_PAGE_ENTRIES : PAGE_ENTRIES,
    ...marker,
  });
  withBodyText(command, (text) => texts.push(text));
  const answer = await call(target, LIST_VERSIONS, (client, options) => client.send(command, options));
  const isLast = isLastPage(LIST_VERSIONS, answer);
  const listed = versionsInOrder(answer, listedKinds(texts.at(-1) ?? ''));
  const own = listed.filter(({ entry }) => keyOf(entry, answer) === key);
  // The key itself sorts first among all keys that begin with it.
  const isEnd = isLast || own.length < listed.length;
  if (marker === null) checkNewestFirst(own);
  return { entries: own.map(historyEntry), next: isEnd ? null : nextMarker(answer, own, marker, key) };
};

export type Listed = { kind: 'version'; entry: ObjectVersion } | { kind: 'marker'; entry: DeleteMarkerEntry };

/**
 * Merges versions and delete markers in the order of S3's document. The SDK splits S3's one list in two and loses the order between
 * them. Times do not tell the order: they are whole seconds, and the time of a multipart upload is that of its beginning.
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

/** S3 says which entry of a key is the current one. A server that does not list that entry first has another order. */
const checkNewestFirst = (own: Listed[]): void => {
  if (own.findIndex(({ entry }) => entry.IsLatest === true) > 0)
    throw brokenAnswer(LIST_VERSIONS, 'the newest version is not first');
};

const historyEntry = ({ kind, entry }: Listed): HistoryEntry => {
  const versionId = entry.VersionId ?? 'null';
  const lastModifiedMs = entry.LastModified?.getTime() ?? 0;
  if (kind === 'marker') return { kind, versionId, lastModifiedMs };
  if (entry.ETag === undefined || entry.Size === undefined)
    throw brokenAnswer(LIST_VERSIONS, 'a version has no ETag or no size');
  return { kind, versionId, etag: entry.ETag, sizeBytes: entry.Size, lastModifiedMs };
};

/**
 * The next page begins after the last entry of this page. NextKeyMarker is not needed for that, and some servers write notes of their
 * own into it.
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
      ? // The page is empty.
        { KeyMarker: decodedKey(answer.NextKeyMarker ?? ''), VersionIdMarker: answer.NextVersionIdMarker }
      : { KeyMarker: key, VersionIdMarker: answer.NextVersionIdMarker || last };
  const isSame = next.KeyMarker === marker?.KeyMarker && next.VersionIdMarker === marker.VersionIdMarker;
  if (next.KeyMarker === '' || isSame) throw noNextPage(LIST_VERSIONS);
  return next;
};

/** All versions and delete markers of one key, in S3's own order. */
import {
  type DeleteMarkerEntry,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { HistoryEntry } from '../../model/ports.ts';
import { call, type Target } from './call.ts';
import { withBodyText } from './command-hooks.ts';
import { listedKinds } from './listed-kinds.ts';

/** Most keys have few versions, and behind them come their neighbours with the same prefix, which are of no use. */
const FIRST_PAGE_ENTRIES = 50;
/** The most that S3 gives. */
const PAGE_ENTRIES = 1_000;

/** Newest first. Whoever has seen enough stops asking: a page is fetched when the one before it is used up. */
export async function* objectHistory(
  target: Target,
  bucket: string,
  key: string,
): AsyncGenerator<HistoryEntry, void> {
  let marker: Marker | null = null;
  do {
    const page: Page = await listPage(target, bucket, key, marker);
    yield* page.entries;
    marker = page.next;
  } while (marker !== null);
}

interface Marker {
  KeyMarker: string;
  VersionIdMarker: string | undefined;
}

interface Page {
  entries: HistoryEntry[];
  /** Null: there is no more of this key. */
  next: Marker | null;
}

const listPage = async (
  target: Target,
  bucket: string,
  key: string,
  marker: Marker | null,
): Promise<Page> => {
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
  const answer = await call(target, 'ListObjectVersions', (client, options) => client.send(command, options));
  if (answer.IsTruncated === undefined) throw broken('the answer of S3 does not say whether it is all');
  const listed = inOrder(answer, listedKinds(texts.at(-1) ?? ''));
  const own = listed.filter((entry) => keyOf(entry, answer) === key);
  // The key itself sorts first among all that begin with it.
  const isEnd = !answer.IsTruncated || own.length < listed.length;
  if (marker === null) checkNewestFirst(own);
  return { entries: own.map(historyEntry), next: isEnd ? null : nextMarker(answer, own, marker, key) };
};

export type Listed = { kind: 'version'; entry: ObjectVersion } | { kind: 'marker'; entry: DeleteMarkerEntry };

/**
 * The SDK makes two lists of S3's one, and the order between them is lost; times are in whole seconds, and those of
 * multipart uploads are from their beginning, so only the document itself can tell.
 */
export const inOrder = (
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
  throw broken('the answer of S3 was not understood');
};

/** S3 says which entry of a key is its current one. A server that lists it further down has another order. */
const checkNewestFirst = (own: Listed[]): void => {
  if (own.findIndex(({ entry }) => entry.IsLatest === true) > 0)
    throw broken('the newest version is not first');
};

/** A server that did not encode the keys does not say `url`. The SDK decodes nothing. */
export const keyOf = (
  { entry }: { entry: { Key?: string | undefined } },
  { EncodingType }: { EncodingType?: string | undefined },
): string | undefined => (EncodingType === 'url' && entry.Key !== undefined ? decoded(entry.Key) : entry.Key);

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // Not encoded after all; or not UTF-8, then it is not a key of S3.
    return text;
  }
};

const historyEntry = ({ kind, entry }: Listed): HistoryEntry => {
  const versionId = entry.VersionId ?? 'null';
  const lastModifiedMs = entry.LastModified?.getTime() ?? 0;
  if (kind === 'marker') return { kind, versionId, lastModifiedMs };
  if (entry.ETag === undefined || entry.Size === undefined) throw broken('a version has no ETag or no size');
  return { kind, versionId, etag: entry.ETag, sizeBytes: entry.Size, lastModifiedMs };
};

/**
 * Where the next page begins: behind the last entry of this one. NextKeyMarker is not needed for that, and some servers
 * write notes of their own into it.
 */
const nextMarker = (
  answer: ListObjectVersionsCommandOutput,
  own: Listed[],
  marker: Marker | null,
  key: string,
): Marker => {
  const last = own.at(-1)?.entry.VersionId;
  const next: Marker =
    last === undefined
      ? // An empty page.
        { KeyMarker: decoded(answer.NextKeyMarker ?? ''), VersionIdMarker: answer.NextVersionIdMarker }
      : { KeyMarker: key, VersionIdMarker: answer.NextVersionIdMarker || last };
  const isSame = next.KeyMarker === marker?.KeyMarker && next.VersionIdMarker === marker.VersionIdMarker;
  if (next.KeyMarker === '' || isSame) throw broken('the answer of S3 does not say where it goes on');
  return next;
};

const broken = (what: string): ReplicationError =>
  new ReplicationError('service-error', `ListObjectVersions: ${what}`);

/**
 * The order of entries in a ListVersionsResult document. S3 writes `<Version>` and `<DeleteMarker>` in one list, newest first
 * within a key (ListObjectVersions, S3 API reference, example); the SDK makes two lists of it.
 */
import { ReplicationError } from '../../model/errors.ts';

export interface ListedKinds {
  /** One for each entry, in the order of the document. */
  kinds: ('version' | 'marker')[];
  /** False: something else stands between the entries, as where a server writes one list behind the other. */
  isOneList: boolean;
}

/** Throws `service-error` for a document that breaks off. Of the document only the names of its elements are read. */
export const listedKinds = (xml: string): ListedKinds => {
  const names = childrenOfRoot(xml);
  const kinds = names.flatMap((name) => KINDS[name] ?? []);
  const first = names.findIndex((name) => name in KINDS);
  const last = names.findLastIndex((name) => name in KINDS);
  return { kinds, isOneList: kinds.length === 0 || last - first + 1 === kinds.length };
};

const KINDS: Record<string, 'version' | 'marker'> = { Version: 'version', DeleteMarker: 'marker' };

/** Tags alone: in text `<` is always written as `&lt;`. Declarations and comments begin with `?` or `!`. */
const TAG = /<(\/?)([^\s/>!?]+)[^>]*?(\/?)>/g;

const childrenOfRoot = (xml: string): string[] => {
  const names: string[] = [];
  let depth = 0;
  for (const [, closes, name, isEmpty] of xml.matchAll(TAG)) {
    if (closes === '/') {
      depth--;
      continue;
    }
    if (depth === 1 && name !== undefined) names.push(name);
    if (isEmpty !== '/') depth++;
  }
  if (depth === 0) return names;
  throw new ReplicationError('service-error', 'ListObjectVersions: the answer of S3 breaks off');
};

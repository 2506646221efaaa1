/**
 * Finds the order of the entries in a ListVersionsResult document. S3 writes `<Version>` and `<DeleteMarker>` in one list, newest first
 * within a key (ListObjectVersions, S3 API reference, example). The SDK splits this list into two lists, so the order must be read from the
 * document.
 */
import { brokenAnswer } from '../client/broken-answer.ts';

export interface ListedKinds {
  /** The kind of each entry, in the order of the document. */
  kinds: ('version' | 'marker')[];
  /** False if there is another element between the entries, for example when a server writes two separate lists. */
  isOneList: boolean;
}

/** Reads the kinds of the entries. Looks only at the names of the elements. Throws `service-error` for a document that is cut off. */
export const listedKinds = (xml: string): ListedKinds => {
  const names = childrenOfRoot(xml);
  const kinds = names.flatMap((name) => KINDS.get(name) ?? []);
  const first = names.findIndex((name) => KINDS.has(name));
  const last = names.findLastIndex((name) => KINDS.has(name));
  return { kinds, isOneList: kinds.length === 0 || last - first + 1 === kinds.length };
};

const KINDS: ReadonlyMap<string, 'version' | 'marker'> = new Map([
  ['Version', 'version'],
  ['DeleteMarker', 'marker'],
]);

/** Matches only tags. In text, `<` is written as `&lt;`. Declarations and comments do not match because `?` or `!` follows their `<`. */
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
  throw brokenAnswer('ListObjectVersions', 'the answer of S3 is cut off');
};

/** Parts that all listings of S3 share: the size of a page, the encoding of keys, and the check for the last page. */
import { compareKeys } from '../../../listing/key-order.ts';
import type { ListedVersion, PageRequest } from '../../../listing/page.ts';
import { ReplicationError } from '../../../model/errors.ts';
import { brokenAnswer } from '../client/broken-answer.ts';

/** Maximum entries that S3 puts on a page. */
export const PAGE_ENTRIES = 1_000;

/**
 * Returns the key of an entry, decoded if necessary, because the SDK does not decode keys. The response of a server that does not encode
 * keys lacks the EncodingType `url`.
 */
export const keyOf = (
  { Key: key }: { Key?: string | undefined },
  { EncodingType }: { EncodingType?: string | undefined },
): string | undefined => (EncodingType === 'url' && key !== undefined ? decodedKey(key) : key);

export const decodedKey = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // Either the text is not encoded, or it is not UTF-8 and therefore not a key of S3.
    return text;
  }
};

/** Returns true if the page is the last one. Throws `service-error` when the response does not declare whether it is. */
export const isLastPage = (
  operation: string,
  { IsTruncated: isTruncated }: { IsTruncated?: boolean | undefined },
): boolean => {
  if (isTruncated === undefined)
    throw brokenAnswer(operation, 'the answer of S3 does not say whether it is complete');
  return !isTruncated;
};

/**
 * Checks that the entries of a page were requested and are in the order of S3. Otherwise throws `invalid-request`. Without this
 * check, objects would seem to be missing or left over. A server that ignores where a page has to begin would answer the same
 * page without end.
 */
export const checkListing = (
  operation: string,
  entries: readonly ListedVersion[],
  { prefix, after }: Pick<PageRequest, 'after' | 'prefix'>,
): void => {
  let [before, mayRepeat] = [after.key, after.versionId !== null || after.key === ''];
  for (const { key, versionId } of entries) {
    const order = compareKeys(before, key);
    if (order > 0 || (order === 0 && !mayRepeat))
      throw misleading(operation, `it lists ${JSON.stringify(key)} after ${JSON.stringify(before)}`);
    if (!key.startsWith(prefix))
      throw misleading(operation, `it lists ${JSON.stringify(key)} below ${JSON.stringify(prefix)}`);
    [before, mayRepeat] = [key, versionId !== null];
  }
};

const misleading = (operation: string, what: string): ReplicationError =>
  new ReplicationError(
    'invalid-request',
    `${operation}: this server does not list the requested keys in the order of their UTF-8 bytes, so buckets cannot be compared: ${what}`,
  );

/** The error for a response that does not declare where the next page begins. */
export const noNextPage = (operation: string): ReplicationError =>
  brokenAnswer(operation, 'the answer of S3 does not say where the next page begins');

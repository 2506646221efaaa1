/** What all listings of S3 have in common: the size of a page, the encoding of keys, and the end of a page. */
import type { ReplicationError } from '../../model/errors.ts';
import { brokenAnswer } from './broken-answer.ts';

/** Maximum entries that S3 puts on a page. */
export const PAGE_ENTRIES = 1_000;

/** The key of an entry. The SDK does not decode it. A server that did not encode the keys does not say `url` in its answer. */
export const keyOf = (
  { Key: key }: { Key?: string | undefined },
  { EncodingType }: { EncodingType?: string | undefined },
): string | undefined => (EncodingType === 'url' && key !== undefined ? decodedKey(key) : key);

export const decodedKey = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // The text is not encoded after all, or it is not UTF-8 and therefore not a key of S3.
    return text;
  }
};

/** Throws `service-error` when the answer does not say whether it is the last page. */
export const isLastPage = (
  operation: string,
  { IsTruncated: isTruncated }: { IsTruncated?: boolean | undefined },
): boolean => {
  if (isTruncated === undefined)
    throw brokenAnswer(operation, 'the answer of S3 does not say whether it is complete');
  return !isTruncated;
};

/** The answer does not say where the next page begins. */
export const noNextPage = (operation: string): ReplicationError =>
  brokenAnswer(operation, 'the answer of S3 does not say where the next page begins');

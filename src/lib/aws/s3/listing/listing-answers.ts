/** Parts that all listings of S3 share: the size of a page, the encoding of keys, and the check for the last page. */
import type { ReplicationError } from '../../../model/errors.ts';
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

/** Throws `service-error` when the response does not declare whether it is the last page. */
export const isLastPage = (
  operation: string,
  { IsTruncated: isTruncated }: { IsTruncated?: boolean | undefined },
): boolean => {
  if (isTruncated === undefined)
    throw brokenAnswer(operation, 'the answer of S3 does not say whether it is complete');
  return !isTruncated;
};

/** The error for a response that does not declare where the next page begins. */
export const noNextPage = (operation: string): ReplicationError =>
  brokenAnswer(operation, 'the answer of S3 does not say where the next page begins');

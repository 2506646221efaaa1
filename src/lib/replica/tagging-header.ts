/** The header that sends tags together with the bytes, and the check whether the tags fit into the headers. */
import type { ReplicaAttributes, Tags } from '../model/ports.ts';

/**
 * Maximum length of all attribute headers together. S3 accepts 8 KB of headers ("Working with object metadata", S3 User Guide).
 * Half of the 8 KB is left for the signature, the session token and the rest of the request. Ten tags of letters beyond ASCII can
 * take 34 KB.
 */
const MAX_ATTRIBUTE_CHARACTERS = 4_096;

/**
 * Returns the `x-amz-tagging` header, or null if there are no tags. The header is form-encoded like the query of a URL
 * ("PutObject", S3 API reference).
 */
export const taggingHeader = (tags: Tags): string | null => {
  const pairs = Object.entries(tags).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return pairs.length === 0 ? null : pairs.join('&');
};

export const tagsFitHeader = ({ tags, lock: _lock, metadata, ...headers }: ReplicaAttributes): boolean => {
  const texts = [taggingHeader(tags), ...Object.values(headers), ...Object.entries(metadata).flat()];
  const characters = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
  return characters <= MAX_ATTRIBUTE_CHARACTERS;
};

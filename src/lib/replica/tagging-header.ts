/** The header that sends tags together with the bytes, and the check that it has room. */
import type { ReplicaAttributes, Tags } from '../model/ports.ts';

/**
 * Maximum length of all attribute headers. S3 accepts 8 KB of headers ("Working with object metadata", S3 User Guide); half of it
 * is left for the signature, the session token and the rest of the request. Ten tags of letters beyond ASCII can take 34 KB.
 */
const MAX_ATTRIBUTE_CHARACTERS = 4_096;

/** The `x-amz-tagging` header: form-encoded as a URL's query ("PutObject", S3 API reference). Null: no tags. */
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

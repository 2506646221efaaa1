/** Walks a bucket in key order for all listings of objects and versions. */
import { keyOfOrderKey, orderKeyOf } from '../model/key-index.ts';
import type { Bucket } from '../model/bucket.ts';
import type { KeyEntry } from '../model/key.ts';

interface WalkRequest {
  prefix: string;
  /** The delimiter of the listing; '' if there is none. */
  delimiter: string;
  /** The walk starts after this key or common prefix; '' starts at the first key. */
  after: string;
  /** True if the walk starts with the key `after` itself. */
  inclusive?: boolean;
}

type WalkItem = { kind: 'key'; entry: KeyEntry } | { kind: 'prefix'; prefix: string };

/**
 * Yields keys and common prefixes. Yields each common prefix once and skips the keys inside it. If `after` begins with a common
 * prefix, or is a common prefix itself, that prefix is omitted, because an earlier page listed it.
 */
export function* walk(
  bucket: Bucket,
  asked: WalkRequest,
  isListed: (entry: KeyEntry) => boolean,
): Iterable<WalkItem> {
  const prefix = orderKeyOf(asked.prefix);
  const delimiter = orderKeyOf(asked.delimiter);
  const after = orderKeyOf(asked.after);
  let start: string | null = after > prefix ? after : prefix;
  while (start !== null) {
    const from: string = start;
    start = null;
    for (const { orderKey, value } of bucket.keys.from(from)) {
      if (!orderKey.startsWith(prefix)) return;
      const at = delimiter === '' ? -1 : orderKey.indexOf(delimiter, prefix.length);
      const group = at === -1 ? null : orderKey.slice(0, at + delimiter.length);
      const isBehind = asked.inclusive === true ? orderKey >= after : orderKey > after;
      if (!isBehind || !isListed(value)) continue;
      if (group === null) {
        yield { kind: 'key', entry: value };
        continue;
      }
      if (group > after) yield { kind: 'prefix', prefix: keyOfOrderKey(group) };
      start = afterGroup(group);
      break;
    }
  }
}

/**
 * Returns the first order key after all keys that begin with `group`. Incrementing the last character is possible, because UTF-8 never
 * contains the byte 0xff.
 */
const afterGroup = (group: string): string =>
  group.slice(0, -1) + String.fromCharCode(group.charCodeAt(group.length - 1) + 1);

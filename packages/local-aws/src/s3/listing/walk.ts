/**
 * The walk behind all object listings: in key order, with common prefixes rolled up and skipped over.
 */
import { keyOfOrderKey, orderKeyOf } from '../model/key-index.ts';
import type { Bucket } from '../model/bucket.ts';
import type { KeyEntry } from '../model/key.ts';

interface WalkRequest {
  prefix: string;
  /** '' for none. */
  delimiter: string;
  /** Start strictly after this key (or common prefix); '' for the beginning. */
  after: string;
  /** Start at `after` itself, not behind it. */
  inclusive?: boolean;
}

type WalkItem = { kind: 'key'; entry: KeyEntry } | { kind: 'prefix'; prefix: string };

/** Yields keys and common prefixes. A common prefix that `after` is or lies in has been passed already. */
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

/** The least order key that does not begin with the group. Its last character is a byte below 0xff: no UTF-8 has that one. */
const afterGroup = (group: string): string =>
  group.slice(0, -1) + String.fromCharCode(group.charCodeAt(group.length - 1) + 1);

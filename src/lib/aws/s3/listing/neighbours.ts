/** Lists the versions of several keys that follow each other, in one request. */
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { MAX_KEY_BYTES } from '../../../model/rule.ts';
import type { HistoryEntry, Neighbours, NeighboursRequest } from '../../../model/ports.ts';
import { call, type Target } from '../client/call.ts';
import { withBodyText } from '../client/command-hooks.ts';
import { listedKinds } from './listed-kinds.ts';
import { isLastPage, keyOf } from './listing-answers.ts';
import { historyEntry, LIST_VERSIONS, versionsInOrder } from './object-history.ts';

/**
 * Requests one page. A key counts as listed only if S3 marks its first entry as the current one, and if another key follows on the page
 * or the listing ends.
 */
export const listNeighbours = async (
  target: Target,
  bucket: string,
  { prefix, first, maxEntries }: NeighboursRequest,
): Promise<Neighbours> => {
  const texts: string[] = [];
  const after = justBefore(first);
  const command = new ListObjectVersionsCommand({
    Bucket: bucket,
    ...(prefix === '' ? {} : { Prefix: prefix }),
    ...(after === '' ? {} : { KeyMarker: after }),
    EncodingType: 'url',
    MaxKeys: maxEntries,
  });
  withBodyText(command, (text) => texts.push(text));
  const answer = await call(target, LIST_VERSIONS, (client, options) => client.send(command, options));
  const isWhole = isLastPage(LIST_VERSIONS, answer);
  const histories = new Map<string, HistoryEntry[]>();
  let last: string | undefined;
  for (const listed of versionsInOrder(answer, listedKinds(texts.at(-1) ?? ''))) {
    const key = keyOf(listed.entry, answer);
    if (key === undefined) continue;
    if (key !== last && listed.entry.IsLatest === true && !histories.has(key)) histories.set(key, []);
    else if (key !== last) histories.delete(key);
    histories.get(key)?.push(historyEntry(listed));
    last = key;
  }
  // More versions of the last key may be on the next page.
  if (!isWhole && last !== undefined) histories.delete(last);
  return { histories, isWhole };
};

/**
 * Returns a text that sorts before the key, with few keys in between. A listing starts after its marker, so the marker must come before
 * the first key. For `k57` the result is `k56~`. A marker without the last character would work too, but many more keys follow `k5`
 * before `k57`: from `k50` to `k56999`.
 */
export const justBefore = (key: string): string => {
  const start = key.slice(0, -1);
  const code = key.charCodeAt(key.length - 1);
  const isAscii = code > FIRST_PRINTABLE && code <= LAST_PRINTABLE;
  const before = `${start}${String.fromCharCode(code - 1)}~`;
  if (isAscii && Buffer.byteLength(before) <= MAX_KEY_BYTES) return before;
  // If the start ends with half of a surrogate pair, it is not valid text.
  return start.isWellFormed() ? start : start.slice(0, -1);
};

const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;

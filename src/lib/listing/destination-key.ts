/** Keys at the destination. A rule may replace the source's prefix by another prefix; the order of the keys stays the same. */
import { MAX_KEY_BYTES } from '../model/rule.ts';
import { byteLength } from './key-order.ts';
import { BEGINNING, type Marker } from './page.ts';

export interface KeyMapping {
  sourcePrefix: string;
  /** The prefix that replaces `sourcePrefix`. */
  destinationPrefix: string;
}

export const mapKey = ({ sourcePrefix, destinationPrefix }: KeyMapping, key: string): string =>
  destinationPrefix + key.slice(sourcePrefix.length);

/** Returns the key that a key of the destination has at the source. */
export const unmapKey = ({ sourcePrefix, destinationPrefix }: KeyMapping, key: string): string =>
  sourcePrefix + key.slice(destinationPrefix.length);

/**
 * Returns a marker for the destination's listing. The replicas of all source keys behind `key` lie behind this marker. The
 * marker's key may be too long for S3: see {@link markerWithin}.
 */
export const mapMarker = (mapping: KeyMapping, key: string): Marker =>
  key.length < mapping.sourcePrefix.length ? BEGINNING : { key: mapKey(mapping, key), versionId: null };

/**
 * Shortens a marker that is too long for S3. The shortened marker lies before the original one, so the caller must skip the
 * entries between the two.
 */
export const markerWithin = (marker: Marker): Marker =>
  byteLength(marker.key) <= MAX_KEY_BYTES ? marker : { key: cutToLimit(marker.key), versionId: null };

const cutToLimit = (key: string): string => {
  let text = '';
  let bytes = 0;
  for (const character of key) {
    bytes += byteLength(character);
    if (bytes > MAX_KEY_BYTES) break;
    text += character;
  }
  return text;
};

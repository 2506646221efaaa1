/** Keys at the destination: the rule may replace the source's prefix by another one. The order of keys stays the same. */
import { MAX_KEY_BYTES } from '../model/rule.ts';
import { byteLength } from './key-order.ts';
import { BEGINNING, type Marker } from './page.ts';

export interface KeyMapping {
  sourcePrefix: string;
  /** Takes the place of `sourcePrefix`. */
  destinationPrefix: string;
}

export const mapKey = ({ sourcePrefix, destinationPrefix }: KeyMapping, key: string): string =>
  destinationPrefix + key.slice(sourcePrefix.length);

/** The destination's marker for the source's keys behind `key`. It may be too long for S3: see {@link markerWithin}. */
export const mapMarker = (mapping: KeyMapping, key: string): Marker =>
  key.length <= mapping.sourcePrefix.length ? BEGINNING : { key: mapKey(mapping, key), versionId: null };

/** Cuts a marker that is too long for S3. The cut marker lies before the intended one, so the entries between both must be skipped. */
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

/** Keys at the destination, where the rule may put another prefix in the place of the source's. The order stays the same. */
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

/** The marker behind which the replicas of what is behind `key` begin; it may be too long: see {@link markerWithin}. */
export const mapMarker = (mapping: KeyMapping, key: string): Marker =>
  key.length <= mapping.sourcePrefix.length ? BEGINNING : { key: mapKey(mapping, key), versionId: null };

/** A text too long for S3 is cut: it then lies before the one meant, and what is listed too much must be passed over. */
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

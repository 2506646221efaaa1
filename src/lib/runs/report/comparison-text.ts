/** The result of a comparison in words. The terminal and the report use the same words. */
import { countOf, countText } from '../../text/amounts.ts';
import type { CompareCounters } from '../run.ts';

/** The text for each count, in order of severity. */
export const FINDINGS: readonly (readonly [keyof CompareCounters, string])[] = [
  ['same', 'the same on both sides'],
  ['missing', 'missing at the destination'],
  ['different', 'different at the destination'],
  ['attributes', 'same content, other attributes'],
  ['historyShorter', 'versions missing at the destination'],
  ['extra', 'only at the destination'],
];

/**
 * The number of source keys that are missing or different at the destination. Keys that only the destination has do not count.
 */
export const differing = ({ missing, different, attributes, historyShorter }: CompareCounters): number =>
  missing + different + attributes + historyShorter;

/** The result in one or two sentences. */
export const verdictOf = (look: CompareCounters): string => {
  const count = differing(look);
  const verdict =
    count === 0
      ? `The destination holds all ${countOf(look.keys, 'key')} of the source.`
      : `${countText(count)} of ${countOf(look.keys, 'key')} of the source ${count === 1 ? 'is' : 'are'} missing or different at the destination.`;
  return look.extra === 0
    ? verdict
    : `${verdict} ${countOf(look.extra, 'key')} ${look.extra === 1 ? 'is' : 'are'} only at the destination.`;
};

/** The result of a comparison in words. The terminal and the report use the same words. */
import { countOf, countText } from '../../text/amounts.ts';
import type { CompareCounters, RunSpec } from '../run.ts';

/** The text for each count, in order of severity. The texts that begin with `by` name the grounds for the line above. */
const FINDINGS: readonly (readonly [keyof CompareCounters, string])[] = [
  ['same', 'the same on both sides'],
  ['byBytes', 'by reading both'],
  ['byReceipt', 'by the receipt of the write'],
  ['bySha', 'by SHA checksums'],
  ['byMd5', 'by MD5 (ETags)'],
  ['byCrc', 'by CRC checksums'],
  ['presumed', 'presumed the same, not proven'],
  ['missing', 'missing at the destination'],
  ['different', 'different at the destination'],
  ['attributes', 'same content, other attributes'],
  ['historyShorter', 'versions missing at the destination'],
  ['extra', 'only at the destination'],
  ['leftOut', 'left out: replicas that another deployment signed'],
  ['kept', 'kept: left out by filter or exclude'],
  ['locksCapped', 'locked up to the maximum only (lock-capped)'],
  ['holdsKept', 'under a legal hold at the destination only (hold-kept)'],
];

/** Returns the counts to show, with their texts. A rare count is left out if it is 0 in all of `looks`. */
export const findingsIn = (looks: readonly CompareCounters[]): typeof FINDINGS =>
  FINDINGS.filter(([name]) => !isRare(name) || looks.some((look) => look[name] > 0));

const isRare = (name: string): boolean =>
  name.startsWith('by') || ['presumed', 'leftOut', 'kept'].includes(name);

/**
 * Returns true if the destination holds everything that the source has. Keys that the rule leaves out prevent this, unless the run
 * accepts them.
 */
export const agrees = ({ acceptLeftOut }: Pick<RunSpec, 'acceptLeftOut'>, look: CompareCounters): boolean =>
  differing(look) === 0 && (look.leftOut === 0 || acceptLeftOut);

/** Returns the grounds for the keys that are the same, in one sentence; '' if nothing had to be proven. */
export const basesText = (look: CompareCounters): string => {
  const parts = FINDINGS.filter(([name]) => name.startsWith('by') && look[name] > 0).map(
    ([name, words]) => `${countText(look[name])} ${words}`,
  );
  return parts.length === 0 ? '' : `The same: ${parts.join(', ')}.`;
};

/**
 * Returns the number of source keys that are missing or different at the destination. Keys that only the destination has do not
 * count.
 */
export const differing = ({ missing, different, attributes, historyShorter }: CompareCounters): number =>
  missing + different + attributes + historyShorter;

/** Returns the result in one or two sentences. */
export const verdictOf = (look: CompareCounters): string => {
  const count = differing(look);
  const { presumed } = look;
  const unproven =
    presumed === 0
      ? ''
      : ` Nothing proves the bytes of ${countText(presumed)} of them, which ${presumed === 1 ? 'is' : 'are'} presumed.`;
  const verdict =
    count === 0
      ? `The destination holds ${look.keys === 1 ? 'the only key' : `all ${countOf(look.keys, 'key')}`} of the source.${unproven}`
      : `${countText(count)} of ${countOf(look.keys, 'key')} of the source ${count === 1 ? 'is' : 'are'} missing or different at the destination.`;
  return [verdict, ...leftOutText(look), ...extraText(look), ...keptText(look)].join(' ');
};

const leftOutText = ({ leftOut }: CompareCounters): string[] =>
  leftOut === 0
    ? []
    : [
        `It lacks ${countOf(leftOut, 'key')} that the rule leaves out, because another deployment has signed ${leftOut === 1 ? 'it as its replica' : 'them as its replicas'}.`,
      ];

const extraText = ({ extra }: CompareCounters): string[] =>
  extra === 0 ? [] : [`${countOf(extra, 'key')} ${extra === 1 ? 'is' : 'are'} only at the destination.`];

const keptText = ({ kept }: CompareCounters): string[] =>
  kept === 0
    ? []
    : [
        `The destination keeps ${countOf(kept, 'key')} that the filter or the exclude of the rule leaves out now.`,
      ];

/** The observations of runs that lack a permission. */
import { announcing, ATTRIBUTES_ARE_WELL, ending, VERIFY_IS_WELL } from './run-battery.ts';

/**
 * The run makes no progress and reports nothing. SQS finally moves the run's messages to the dead-letter queue of ranges, which has
 * an alarm.
 */
export const STUCK = { runs: ending('checking'), differences: [], reports: [], announced: [] };
export const UNBORN = { ...STUCK, runs: {} };
/** Returns the observation of runs that fail with this reason and announce their failure. */
export const failedWith = (reason: string) => ({
  ...STUCK,
  runs: ending(`failed: ${reason}`),
  announced: announcing('failed'),
});
/**
 * Returns the differences that a verify with all permissions finds, but with these keys only reported as `different`. A verify reports
 * keys like this if it may read nothing but their listings.
 */
export const unclear = (...names: string[]): { differences: string[] } => ({
  differences: differentAmong(VERIFY_IS_WELL.differences, names),
});
export const differentAmong = (lines: string[], names: string[]): string[] =>
  [
    ...lines.filter((line) => !names.includes(line.split(':')[0] ?? '')),
    ...names.map((name) => `${name}: different`),
  ].toSorted();

/** Returns the observation of a verify of all attributes if the runs of these rules fail without a report. */
export const blind = (rules: string[]) => {
  // `rules` contains either both of the rules `notified` and `tagged`, or neither.
  const isBlind = (line: string): boolean =>
    rules.includes(line.includes('bridged') ? 'bridged' : 'notified');
  const others = Object.keys(VERIFY_IS_WELL.runs).filter((rule) => !rules.includes(rule));
  return {
    runs: {
      ...VERIFY_IS_WELL.runs,
      ...Object.fromEntries(rules.map((rule) => [rule, 'failed: access-denied'])),
    },
    differences: ATTRIBUTES_ARE_WELL.differences.filter((line) => !isBlind(line)),
    reports: others,
    announced: VERIFY_IS_WELL.announced.map((line) =>
      others.includes(line.split(':')[0] ?? '') ? line : line.replace('finished', 'failed'),
    ),
  };
};
export const WITHOUT_LISTING_BRIDGED = {
  runs: { ...VERIFY_IS_WELL.runs, bridged: 'failed: access-denied' },
  differences: VERIFY_IS_WELL.differences.filter((line) => !line.startsWith('bridged')),
  reports: ['notified', 'tagged'],
  announced: ['bridged: failed', 'notified: finished', 'tagged: finished'],
};
export const WITHOUT_LISTING_VERSIONS = {
  runs: { ...ending('failed: access-denied'), bridged: 'finished' },
  differences: ['bridged: missing'],
  reports: ['bridged'],
  announced: ['bridged: finished', 'notified: failed', 'tagged: failed'],
};
export const unseen = (name: string): { differences: string[] } => ({
  differences: ATTRIBUTES_ARE_WELL.differences.filter((line) => !line.startsWith(`${name}:`)),
});

/**
 * A run of a rule with tags reads the tags of a key first. If it cannot read them, it does not know whether the rule includes the key, so
 * the key counts as different.
 */
export const WITHOUT_TAGS_OF_VERSIONS = {
  announced: ['bridged: finished', 'notified: failed', 'tagged: finished'],
  differences: [
    'bridged: missing',
    'grantedbridged: attributes',
    'kept: different',
    'retaggedbridged: attributes',
    'tagged: different',
    'unwanted: different',
  ],
  reports: ['bridged', 'tagged'],
  runs: { bridged: 'finished', notified: 'failed: access-denied', tagged: 'finished' },
};

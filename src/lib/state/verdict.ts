/** Says whether the rules of a deployment keep up. */
import { isReadable, type RuleState } from './deployment-state.ts';

/** How old the oldest pending work may be, in seconds, before a rule counts as behind. */
const BEHIND_SECONDS = 300;

/** Returns true if the oldest pending work is too old. */
export const isLate = ({ pending }: RuleState): boolean =>
  isReadable(pending) && (pending.oldestSeconds ?? 0) >= BEHIND_SECONDS;

/**
 * Returns true if a rule is behind. A rule is behind if its oldest pending work is too old, if it needs a person, or if it waits
 * for the end of an outage.
 */
export const isBehind = (rule: RuleState): boolean =>
  isLate(rule) ||
  (isReadable(rule.avoided) && rule.avoided !== null) ||
  (isReadable(rule.brake) && rule.brake.state === 'closed') ||
  (isReadable(rule.failedLastHour) && rule.failedLastHour > 0);

export const headline = (behind: number): string =>
  behind === 0 ? 'every rule keeps up' : behind === 1 ? 'one rule behind' : `${behind} rules behind`;

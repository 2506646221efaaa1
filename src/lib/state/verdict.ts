/** Says whether the rules of a deployment keep up. */
import { isReadable, type RuleState } from './deployment-state.ts';

/** How old the oldest pending work may be, in seconds, before a rule counts as behind. */
const BEHIND_SECONDS = 300;

/** A rule is behind if its oldest pending work is too old, if it needs a person, or if it waits for the end of an outage. */
export const isBehind = ({ pending, avoided, brake, failedLastHour }: RuleState): boolean =>
  (isReadable(pending) && (pending.oldestSeconds ?? 0) >= BEHIND_SECONDS) ||
  (isReadable(avoided) && avoided !== null) ||
  (isReadable(brake) && brake.state === 'closed') ||
  (isReadable(failedLastHour) && failedLastHour > 0);

export const headline = (behind: number): string =>
  behind === 0 ? 'every rule keeps up' : behind === 1 ? 'one rule behind' : `${behind} rules behind`;

/** The keys that a run covers on both sides. */
import type { KeyMapping } from '../../listing/destination-key.ts';
import { ReplicationError } from '../../model/errors.ts';
import {
  type Destination,
  destinationKey,
  type ReplicationConfiguration,
  type ReplicationRule,
} from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';

export interface Scope {
  rule: ReplicationRule;
  destination: Destination;
  /** S3's Prefix for the listing of the source, and the prefix that replaces it at the destination. */
  mapping: KeyMapping;
}

/** Returns the scope of a run. Throws `unknown-rule` if the rule or destination is no longer configured. */
export const scopeOf = (configuration: ReplicationConfiguration, spec: RunSpec): Scope => {
  const rule = configuration.rules.find(({ id }) => id === spec.rule);
  const destination = rule?.destinations.find(({ id }) => id === spec.destination);
  if (rule === undefined || destination === undefined) {
    throw new ReplicationError(
      'unknown-rule',
      `no rule "${spec.rule}" with destination "${spec.destination}" is configured any more`,
    );
  }
  const { prefix } = rule.source;
  const sourcePrefix = spec.prefix.startsWith(prefix) ? spec.prefix : prefix;
  const destinationPrefix = destinationKey(rule, destination, sourcePrefix);
  return { rule, destination, mapping: { sourcePrefix, destinationPrefix } };
};

/** Returns whether a key can begin with both prefixes. */
export const prefixesOverlap = (one: string, other: string): boolean =>
  one.startsWith(other) || other.startsWith(one);

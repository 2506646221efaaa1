/** Which keys a run is about, on both sides. */
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
  /** S3's Prefix of the source's listing, and what takes its place at the destination. */
  mapping: KeyMapping;
}

/** Throws `unknown-rule` where rule or destination is not configured any more. */
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

/** May some keys begin with both? */
export const prefixesOverlap = (one: string, other: string): boolean =>
  one.startsWith(other) || other.startsWith(one);

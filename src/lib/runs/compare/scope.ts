/** The keys that a run covers on both sides. */
import type { KeyMapping } from '../../listing/destination-key.ts';
import { ReplicationError } from '../../model/errors.ts';
import {
  type Destination,
  destinationKey,
  type ReplicationConfiguration,
  type ReplicationRule,
} from '../../model/rule.ts';
import type { Run, RunSpec } from '../run.ts';

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

/**
 * Returns a text of all settings that decide what a run compares and writes. A run keeps the text from its start. If the settings
 * give another text later, continuing the run would not do what the operator asked for.
 */
export const scopeText = (configuration: ReplicationConfiguration, spec: RunSpec): string => {
  const { rule, destination, mapping } = scopeOf(configuration, spec);
  const { source, filter, exclude, versions, deletes } = rule;
  const excluded = exclude.length === 0 ? '' : `, exclude: ${JSON.stringify(exclude)}`;
  const from = `s3://${source.bucket}/${mapping.sourcePrefix}*${source.suffix}`;
  const to = `s3://${destination.bucket}/${mapping.destinationPrefix}*${source.suffix}`;
  return `${from} to ${to} (versions: ${versions}, deletes: ${deletes}, filter: ${JSON.stringify(filter)}${excluded})`;
};

/** Throws `rule-changed` if the rule or the destination has changed since the run was started. */
export const assertSameScope = (
  configuration: ReplicationConfiguration,
  { spec, scope }: Pick<Run, 'spec' | 'scope'>,
): void => {
  const now = scopeText(configuration, spec);
  if (now === scope) return;
  throw new ReplicationError(
    'rule-changed',
    `the run was started for ${scope}, but the deployed rule is ${now}`,
  );
};

/** Returns whether a key can begin with both prefixes. */
export const prefixesOverlap = (one: string, other: string): boolean =>
  one.startsWith(other) || other.startsWith(one);

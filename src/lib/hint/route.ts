/**
 * From a message to the work it asks for: which keys, for which rules, to which destinations.
 */
import { ReplicationError } from '../model/errors.ts';
import type { Hint } from './hint.ts';
import {
  type Destination,
  type ReplicationConfiguration,
  type ReplicationRule,
  ruleWants,
} from '../model/rule.ts';

/** One hint for one destination of one rule: what succeeds or fails on its own. */
export interface Assignment {
  hint: Hint;
  rule: ReplicationRule;
  destination: Destination;
}

/**
 * All assignments of a hint; none where no rule wants the key. A hint that names its rule and destination (one that
 * failed before) is for those alone. Throws `unknown-rule` where they are not configured any more.
 */
export const assign = (configuration: ReplicationConfiguration, hint: Hint): Assignment[] => {
  const all = configuration.rules
    .filter((rule) => ruleWants(rule, hint.bucket, hint.key))
    .flatMap((rule) => rule.destinations.map((destination) => ({ hint, rule, destination })));
  if (hint.rule === null) return all;
  const named = all.filter(
    ({ rule, destination }) =>
      rule.id === hint.rule && (hint.destination === null || destination.id === hint.destination),
  );
  if (named.length === 0) {
    throw new ReplicationError(
      'unknown-rule',
      `no rule "${hint.rule}" with destination "${hint.destination ?? '(any)'}" wants this key`,
    );
  }
  return named;
};

/**
 * What makes two assignments the same piece of work. `messageId` stands in where the event carries nothing that tells two
 * events apart: then only re-deliveries of the same message count as duplicates.
 */
export const identityOf = ({ hint, rule, destination }: Assignment, messageId: string): string =>
  JSON.stringify([
    rule.id,
    destination.id,
    destination.bucket,
    hint.bucket,
    hint.key,
    hint.versionId,
    hint.identity ?? messageId,
    hint.kind,
  ]);

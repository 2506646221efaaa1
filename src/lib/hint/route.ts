/** Finds the rules and destinations of a hint, and creates a task for each of them. */
import { ReplicationError } from '../model/errors.ts';
import { ruleCovers, ruleWants } from '../model/filter.ts';
import { type Destination, type ReplicationConfiguration, type ReplicationRule } from '../model/rule.ts';
import { createTask, type Task } from '../model/task.ts';
import { absenceIsDeletion, concernOf, type Hint, isExpiration, isExtra } from './hint.ts';
import { isReplicator } from './session-name.ts';

/** One hint for one destination of one rule. Each assignment succeeds or fails independently of the others. */
export interface Assignment {
  hint: Hint;
  rule: ReplicationRule;
  destination: Destination;
}

/**
 * Returns all assignments of a hint, or an empty list if no rule wants the key. A hint that names its rule and destination (for
 * example because it failed before) has only that assignment. Throws `unknown-rule` if the named rule or destination is no longer
 * configured.
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
    // If the rule now leaves the key out, the hint has no assignment. This is not a failure.
    const isLeftOut = configuration.rules.some(
      (rule) =>
        rule.id === hint.rule &&
        ruleCovers(rule, hint.bucket, hint.key) &&
        !ruleWants(rule, hint.bucket, hint.key),
    );
    if (isLeftOut) return [];
    throw new ReplicationError(
      'unknown-rule',
      `no rule "${hint.rule}" with destination "${hint.destination ?? '(any)'}" wants this key`,
    );
  }
  return named;
};

export const taskOf = ({ hint, rule, destination }: Assignment): Task =>
  createTask(
    { rule, destination, key: hint.key },
    {
      versionId: hint.versionId,
      expectedBytes: hint.sizeBytes,
      concern: concernOf(hint),
      absenceIsDeletion: absenceIsDeletion(hint),
      byReplicator: isReplicator(hint.principalId),
      onlyStamped: isExtra(hint),
      expired: isExpiration(hint),
      released: hint.released ?? false,
      run: hint.run,
      chain: hint.chain ?? null,
    },
  );

/**
 * Returns the key of the idempotency record. Assignments that request the same work have the same key. If the event has no
 * identity, `messageId` is used instead. In that case only repeated deliveries of the same message count as duplicates.
 */
export const idempotencyKey = ({ hint, rule, destination }: Assignment, messageId: string): string =>
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

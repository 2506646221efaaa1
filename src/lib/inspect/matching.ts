/** Says why a rule wants a key or leaves it out. What it wants is decided by the functions that live replication uses. */
import { sizeIsWanted, tagsAreWanted } from '../model/filter.ts';
import type { ObjectState, Tags } from '../model/ports.ts';
import { destinationKey, type Filter, type ReplicationRule, ruleWants } from '../model/rule.ts';

export interface RuleVerdict {
  rule: string;
  /** Why the rule leaves the key out; null: it wants the key. */
  why: string | null;
}

/** Returns a verdict for each rule of the bucket. */
export const judgeRules = (rules: readonly ReplicationRule[], bucket: string, key: string): RuleVerdict[] =>
  rules
    .filter(({ source }) => source.bucket === bucket)
    .map((rule) => ({ rule: rule.id, why: ruleWants(rule, bucket, key) ? null : keyProblem(rule, key) }));

const keyProblem = ({ source: { prefix, suffix } }: ReplicationRule, key: string): string =>
  key.startsWith(prefix)
    ? `its keys end with ${JSON.stringify(suffix)}`
    : `its keys begin with ${JSON.stringify(prefix)}`;

/** Returns why the filter leaves the object out, or null if it does not. */
export const filterProblem = (filter: Filter, state: ObjectState, tags: Tags): string | null => {
  if (!sizeIsWanted(filter, state)) {
    const { minimumBytes, maximumBytes } = filter;
    return minimumBytes !== null && state.sizeBytes < minimumBytes
      ? `its ${state.sizeBytes} bytes are fewer than the ${minimumBytes} that the rule asks for`
      : `its ${state.sizeBytes} bytes are more than the ${maximumBytes} that the rule allows`;
  }
  if (tagsAreWanted(filter, tags)) return null;
  const [name = '', wanted = ''] =
    Object.entries(filter.tags).find(([tag, value]) => tags[tag] !== value) ?? [];
  const has = tags[name];
  return `the rule asks for the tag ${name}=${wanted}, and the object ${has === undefined ? 'has no such tag' : `has ${name}=${has}`}`;
};

/** Returns the source of a replica by the name of the replica, or null if no rule writes there. */
export const sourceKeyOf = (
  rules: readonly ReplicationRule[],
  bucket: string,
  replicaKey: string,
): { bucket: string; key: string } | null => {
  for (const rule of rules)
    for (const destination of rule.destinations) {
      const { source } = rule;
      const prefix = destination.prefix ?? source.prefix;
      if (destination.bucket !== bucket || !replicaKey.startsWith(prefix)) continue;
      const key = source.prefix + replicaKey.slice(prefix.length);
      if (ruleWants(rule, source.bucket, key) && destinationKey(rule, destination, key) === replicaKey)
        return { bucket: source.bucket, key };
    }
  return null;
};

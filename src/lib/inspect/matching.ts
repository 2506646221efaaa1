/** Finds out why a rule wants a key or leaves it out. The decision is made by the functions that live replication uses. */
import { exclusionFits, keyFits, type SeenObject, sizeFits, ruleWants, tagsFit } from '../model/filter.ts';
import type { Tags } from '../model/ports.ts';
import { destinationKey, type Exclusion, type ReplicationRule } from '../model/rule.ts';

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

const keyProblem = ({ source, exclude }: ReplicationRule, key: string): string => {
  if (!key.startsWith(source.prefix)) return `its keys begin with ${JSON.stringify(source.prefix)}`;
  if (!key.endsWith(source.suffix)) return `its keys end with ${JSON.stringify(source.suffix)}`;
  const line = exclude.find((each) => keyFits(each, key));
  return `it excludes ${line === undefined ? 'this key' : exclusionText(line)}`;
};

/** Describes the objects that a line of `exclude` leaves out. */
const exclusionText = ({ prefix, suffix, tags, minimumBytes, maximumBytes }: Exclusion): string =>
  `objects with ${[
    ...(prefix === '' ? [] : [`the prefix ${JSON.stringify(prefix)}`]),
    ...(suffix === '' ? [] : [`the suffix ${JSON.stringify(suffix)}`]),
    ...Object.entries(tags).map(([name, value]) => `the tag ${name}=${value}`),
    ...(minimumBytes === null ? [] : [`at least ${minimumBytes} bytes`]),
    ...(maximumBytes === null ? [] : [`at most ${maximumBytes} bytes`]),
  ].join(' and ')}`;

/** Returns why the filter or a line of `exclude` leaves the object out, or null if neither does. */
export const filterProblem = (
  { filter, exclude }: ReplicationRule,
  object: SeenObject,
  tags: Tags,
): string | null => {
  if (!sizeFits(filter, object)) {
    const { minimumBytes, maximumBytes } = filter;
    return minimumBytes !== null && object.sizeBytes < minimumBytes
      ? `its ${object.sizeBytes} bytes are fewer than the ${minimumBytes} that the rule asks for`
      : `its ${object.sizeBytes} bytes are more than the ${maximumBytes} that the rule allows`;
  }
  if (tagsFit(filter, tags)) {
    const line = exclude.find((each) => exclusionFits(each, object, tags));
    return line === undefined ? null : `the rule excludes ${exclusionText(line)}`;
  }
  const [name = '', wanted = ''] =
    Object.entries(filter.tags).find(([tag, value]) => tags[tag] !== value) ?? [];
  const has = tags[name];
  return `the rule asks for the tag ${name}=${wanted}, and the object ${has === undefined ? 'has no such tag' : `has ${name}=${has}`}`;
};

/** Returns the source object of the replica with this key, or null if no rule writes there. */
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

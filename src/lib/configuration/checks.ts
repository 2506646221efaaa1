/**
 * Checks well-formed rules for contradictions within a rule, conflicts between rules, and conflicts with the region or partition
 * of the stack.
 */
import { partitionOfArn, partitionOfRegion, regionOfArn } from './aws-syntax.ts';
import type { DestinationShape } from './destination-schema.ts';
import { type PlacedDestination, placedDestinations, type PlacedRule } from './placed.ts';
import type { RuleShape } from './rule-schema.ts';
import { checkFilters } from './filter-checks.ts';
import { checkOwners } from './owner-checks.ts';
import { checkServiceDestination, checkServiceSource, placeOf } from './service-checks.ts';
import { checkSourceKeys } from './source-keys.ts';
import type { Finding } from './problem.ts';
import { filtersOverlap } from '../subscription/key-filter.ts';
import type { KeyFilter } from '../subscription/key-filter.ts';

/** Checks all rules. `region` is the region of the stack and the source buckets. */
export const checkRules = (rules: PlacedRule[], region: string): Finding[] => [
  ...checkIds(rules),
  ...rules.flatMap((placed) => checkSource(placed, region)),
  ...rules.flatMap(checkFilters),
  ...rules.flatMap(checkAnnounce),
  ...checkEventModes(rules),
  ...placedDestinations(rules).flatMap((placed) => checkDestination(placed, region)),
  ...checkLoops(rules),
  ...checkCollisions(rules),
  ...checkOwners(rules),
];

/** Returns the id of a destination. A destination without an id has the name of its bucket as id. */
export const destinationId = (destination: DestinationShape): string => destination.id ?? destination.bucket;

function checkIds(rules: PlacedRule[]): Finding[] {
  const ruleIds = rules.map(({ index, rule }) => ({ path: ['rules', index, 'id'], id: rule.id }));
  const findings = repeated(ruleIds).map(({ path, id }): Finding => ({
    path,
    found: `the id "${id}" for a second time`,
    fix: 'give every rule an id of its own: messages and receipts name their rule by it',
  }));
  return findings.concat(rules.flatMap(checkDestinationIds));
}

function checkDestinationIds({ index, rule }: PlacedRule): Finding[] {
  const ids = rule.destinations.map((destination, position) => ({
    path: ['rules', index, 'destinations', position, 'id'],
    id: destinationId(destination),
  }));
  return repeated(ids).map(({ path, id }) => ({
    path,
    found: `the id "${id}" for a second time in this rule`,
    fix: "give the destinations of a rule different ids; without `id:` the bucket's name is the id",
  }));
}

const repeated = <T extends { id: string }>(items: T[]): T[] =>
  items.filter((item, position) => items.findIndex(({ id }) => id === item.id) < position);

function checkSource({ index, rule: { source } }: PlacedRule, region: string): Finding[] {
  const findings: Finding[] = [];
  const path = ['rules', index, 'source'];
  if (source.externalId !== undefined && source.roleArn === undefined) {
    findings.push({
      path: [...path, 'externalId'],
      found: 'an external id without a role',
      fix: 'add `roleArn:` beside it, or remove the line: the function then reads with its own role',
    });
  }
  if (source.roleArn !== undefined && partitionOfArn(source.roleArn) !== partitionOfRegion(region)) {
    findings.push({ path: [...path, 'roleArn'], ...otherPartition(source.roleArn, region) });
  }
  return findings.concat(checkSourceKeys(path, source, region), checkServiceSource(path, source, region));
}

/**
 * Reports a rule that announces replicas without stamps. If an invocation dies between writing a replica and sending its event,
 * only the stamp shows later that the replica is ours.
 */
function checkAnnounce({ index, rule }: PlacedRule): Finding[] {
  if (rule.announce === 'none' || rule.stamp) return [];
  return [
    {
      path: ['rules', index, 'announce'],
      found: `\`${rule.announce}\` beside \`stamp: false\``,
      fix: 'remove one of the two lines: without stamps an event could be lost',
    },
  ];
}

function checkEventModes(rules: PlacedRule[]): Finding[] {
  return rules.flatMap(({ index, rule: { source } }) => {
    const first = rules.find(({ rule }) => placeOf(rule.source) === placeOf(source));
    if (!first || first.rule.source.events === source.events) return [];
    return {
      path: ['rules', index, 'source', 'events'],
      found: `\`${source.events}\`, while rule "${first.rule.id}" has \`${first.rule.source.events}\` for the same bucket`,
      fix: `write \`events: ${first.rule.source.events}\` here or \`events: ${source.events}\` there: with both, every change would arrive twice`,
    };
  });
}

function checkDestination({ path, rule, destination }: PlacedDestination, region: string): Finding[] {
  const findings: Finding[] = checkServiceDestination(path, { rule, destination }, region);
  const { roleArn, encryption, kmsKeyArn, storageClass, minimumStorageClass } = destination;
  if (roleArn === undefined) {
    // The access key of another service is not bound to a partition.
  } else if (partitionOfArn(roleArn) !== partitionOfRegion(region)) {
    findings.push({ path: [...path, 'roleArn'], ...otherPartition(roleArn, region) });
  } else if (partitionOfRegion(destination.region) !== partitionOfArn(roleArn)) {
    findings.push({
      path: [...path, 'region'],
      found: `a region of ${partitionOfRegion(destination.region)}, while the role is in ${partitionOfArn(roleArn)}`,
      fix: 'the bucket must be in the same AWS partition as the role that writes it: correct one of them',
    });
  }
  if (kmsKeyArn !== undefined && regionOfArn(kmsKeyArn) !== destination.region) {
    findings.push({
      path: [...path, 'kmsKeyArn'],
      found: `a key in ${regionOfArn(kmsKeyArn)}, while the bucket is in ${destination.region}`,
      fix: `S3 uses keys of the bucket's own region only: give the ARN of the key in ${destination.region}`,
    });
  }
  if (storageClass !== undefined && minimumStorageClass !== undefined) {
    findings.push({
      path: [...path, 'minimumStorageClass'],
      found: 'a least durable storage class beside `storageClass:`',
      fix: 'remove one of the two lines: with `storageClass:` every replica has that class',
    });
  }
  if (encryption === 'AES256' && kmsKeyArn !== undefined) {
    findings.push({
      path: [...path, 'encryption'],
      found: '`AES256` beside a KMS key',
      fix: 'S3 encrypts with its own keys under `AES256`: write `aws:kms` or `aws:kms:dsse`, or remove `kmsKeyArn:`',
    });
  }
  return findings;
}

const otherPartition = (roleArn: string, region: string): { found: string; fix: string } => ({
  found: `a role in ${partitionOfArn(roleArn)}, while the stack is in ${region} (${partitionOfRegion(region)})`,
  fix: 'credentials are not valid in another AWS partition, so no role there can be assumed: give a role of the same partition, or a `secretArn:` (docs/other-s3.md)',
});

/**
 * Reports loops. In a loop, rules would replicate the replicas of each other forever, or a rule its own replicas. One rule in the
 * loop that ignores replicas is enough to prevent this.
 */
function checkLoops(rules: PlacedRule[]): Finding[] {
  return rules.flatMap((start) =>
    start.rule.destinations.flatMap((destination, position) => {
      // Each loop is reported once, at its first rule.
      const way = wayBack(
        rules.filter(({ index }) => index >= start.index),
        start,
        destination,
      );
      if (!way) return [];
      return {
        path: ['rules', start.index, 'destinations', position],
        found: `a loop: ${[start, ...way].map(({ rule }) => `"${rule.id}"`).join(' feeds ')}`,
        fix: way.some(({ rule }) => rule.replicas === 'ignore')
          ? 'remove `stamp: false`: only a signed stamp proves that an object is a replica, because the writer in an event can have any session name'
          : 'write `replicas: ignore` in one of these rules, or send the replicas to a place from which none of these rules replicates',
      };
    }),
  );
}

/**
 * Returns the shortest sequence of rules through which replicas written to `destination` reach the rule `start` again, or null if
 * there is no such sequence.
 */
function wayBack(rules: PlacedRule[], start: PlacedRule, destination: DestinationShape): PlacedRule[] | null {
  const ways = fedBy(rules, start.rule, destination).map((next) => [next]);
  const seen = new Set<PlacedRule>();
  for (let way = ways.shift(); way; way = ways.shift()) {
    const last = way.at(-1);
    if (last === start) return way;
    if (!last || seen.has(last)) continue;
    seen.add(last);
    for (const onward of last.rule.destinations) {
      for (const next of fedBy(rules, last.rule, onward)) ways.push([...way, next]);
    }
  }
  return null;
}

const fedBy = (rules: PlacedRule[], rule: RuleShape, destination: DestinationShape): PlacedRule[] =>
  rules.filter(
    (other) =>
      placeOf(other.rule.source) === placeOf(destination) &&
      filtersOverlap(replicaKeys(rule, destination), other.rule.source) &&
      !ignoresReplicasOf(other.rule, rule),
  );

/** Returns whether `reader` ignores the replicas that `writer` makes. Only a stamp proves that an object is such a replica. */
const ignoresReplicasOf = (reader: RuleShape, writer: RuleShape): boolean =>
  reader.replicas === 'ignore' && writer.stamp;

/** Reports two destinations that can hold the same key. Such destinations would overwrite each other's replicas. */
function checkCollisions(rules: PlacedRule[]): Finding[] {
  const all = placedDestinations(rules);
  return all.flatMap((placed, position) => {
    const other = all
      .slice(0, position)
      .find(
        ({ rule, destination }) =>
          placeOf(destination) === placeOf(placed.destination) &&
          filtersOverlap(replicaKeys(rule, destination), replicaKeys(placed.rule, placed.destination)),
      );
    if (!other) return [];
    return {
      path: placed.path,
      found: `replicas under the same keys of ${placed.destination.bucket} as those of rule "${other.rule.id}"`,
      fix: 'give one of the two another bucket or a `prefix:` of its own: they would overwrite each other',
    };
  });
}

const replicaKeys = ({ source }: RuleShape, destination: DestinationShape): KeyFilter => ({
  prefix: destination.prefix ?? source.prefix,
  suffix: source.suffix,
});

/**
 * Replication rules as the domain sees them: validated, defaults filled in. The file a user edits is described in
 * `configuration.ts`; nothing below this file knows about YAML.
 */

/** The whole of `replication.yml` after validation. */
export interface ReplicationConfiguration {
  /** Prefix of every resource in the stack. */
  name: string;
  rules: ReplicationRule[];
}

export interface ReplicationRule {
  id: string;
  source: Source;
  filter: Filter;
  destinations: Destination[];
  /** `all`: each version in the source's order, where both buckets are versioned. `latest`: the current state only. */
  versions: 'all' | 'latest';
  /** Whether delete markers, and deletes in unversioned buckets, travel. Deletes of a version never do. */
  deletes: 'replicate' | 'ignore';
  /** Who moves the bytes: the function, S3 itself, or S3 where the destination's role may read the source. */
  copy: 'stream' | 'server-side' | 'auto';
  /** Whether replicas carry the stamp (see `stamp.ts`). */
  stamp: boolean;
  /** What is done with source objects that a replicator wrote: nothing, so that two of them do not go round, or a chain. */
  replicas: 'ignore' | 'replicate';
  /** Whether grants are read from the source object and given to the replica. */
  acl: 'ignore' | 'replicate';
  /** How archived source objects are asked for; null: they are left to a person. */
  restore: Restore | null;
}

/** Which objects a rule is for, besides their keys. */
export interface Filter {
  /** Tags an object must have, all of them; empty: any. */
  tags: Record<string, string>;
  /** Both ends included; null: no limit. */
  minimumBytes: number | null;
  maximumBytes: number | null;
}

export interface Restore {
  /** How long the restored copy stays. */
  days: number;
  tier: 'Bulk' | 'Expedited' | 'Standard';
}

export interface Source {
  bucket: string;
  /** Empty string: no filter. */
  prefix: string;
  /** Empty string: no filter. */
  suffix: string;
  events: 's3' | 'eventbridge';
  /** Role assumed to read the source; null: the function's own role. */
  roleArn: string | null;
  /** External id for `roleArn`. */
  externalId: string | null;
}

export interface Destination {
  /** Unique within the rule; the bucket's name unless given. */
  id: string;
  bucket: string;
  region: string;
  roleArn: string;
  externalId: string;
  /** What takes the place of the rule's source prefix in the replica's key; null: the key stays as it is. */
  prefix: string | null;
  /** S3 storage class of replicas; null: the source object's. */
  storageClass: string | null;
  /** Server-side encryption of replicas; null: `aws:kms` with a key, the destination bucket's default without one. */
  encryption: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | null;
  /** KMS key replicas are encrypted with; null: the destination bucket's default encryption. */
  kmsKeyArn: string | null;
  /** Retention and legal hold of the source: kept, kept with compliance weakened to governance, or left out. */
  objectLock: 'replicate' | 'governance' | 'ignore';
}

/** Does the rule want this key? Filters are plain string prefix and suffix, as in S3 event notifications. */
export const ruleWants = (rule: ReplicationRule, bucket: string, key: string): boolean =>
  rule.source.bucket === bucket && key.startsWith(rule.source.prefix) && key.endsWith(rule.source.suffix);

/** The key a replica has at a destination. */
export const destinationKey = (rule: ReplicationRule, destination: Destination, key: string): string =>
  destination.prefix === null ? key : destination.prefix + key.slice(rule.source.prefix.length);

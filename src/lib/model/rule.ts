/**
 * Replication rules as the domain sees them: validated, with the defaults filled in. `src/lib/configuration` describes the file
 * that a user edits; nothing else knows about YAML.
 */

/** `replication.yml` after validation. */
export interface ReplicationConfiguration {
  /** The prefix of every resource in the stack. */
  name: string;
  rules: ReplicationRule[];
}

export interface ReplicationRule {
  id: string;
  source: Source;
  filter: Filter;
  destinations: Destination[];
  /** `all`: each version in the source's order, if both buckets are versioned. `latest`: the current state only. */
  versions: 'all' | 'latest';
  /** Whether delete markers, and deletes in unversioned buckets, are replicated. Deletes of a version never are. */
  deletes: 'replicate' | 'ignore';
  /** The bytes are moved by the function, by S3 itself, or by S3 if the destination's role may read the source. */
  copy: 'stream' | 'server-side' | 'auto';
  /** Whether replicas carry the stamp (see `stamp.ts`). */
  stamp: boolean;
  /**
   * Whether source objects that a replicator wrote are replicated. `ignore` keeps two replicators from sending an object round and
   * round; `replicate` allows chains.
   */
  replicas: 'ignore' | 'replicate';
  /** Whether the replica gets the grants of the source object. */
  acl: 'ignore' | 'replicate';
  /** How archived source objects are restored; null: a person must restore them. */
  restore: Restore | null;
}

/** Selects the objects of a rule by other properties than their keys. */
export interface Filter {
  /** Tags that an object must have, all of them; empty: any object. */
  tags: Record<string, string>;
  /** Both limits are included; null: no limit. */
  minimumBytes: number | null;
  maximumBytes: number | null;
}

export interface Restore {
  /** How many days the restored copy stays. */
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
  /** The role that is assumed to read the source; null: the function's own role. */
  roleArn: string | null;
  /** The external id for `roleArn`. */
  externalId: string | null;
}

export interface Destination {
  /** Unique within the rule; the bucket's name unless given. */
  id: string;
  bucket: string;
  region: string;
  roleArn: string;
  externalId: string;
  /** Replaces the rule's source prefix in the replica's key; null: the key stays as it is. */
  prefix: string | null;
  /** The S3 storage class of replicas; null: the source object's. */
  storageClass: string | null;
  /** The server-side encryption of replicas; null: `aws:kms` with a key, the destination bucket's default without one. */
  encryption: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | null;
  /** The KMS key of replicas; null: the destination bucket's default encryption. */
  kmsKeyArn: string | null;
  /** Retention and legal hold of the source are kept, kept with compliance weakened to governance, or left out. */
  objectLock: 'replicate' | 'governance' | 'ignore';
}

/** Prefix and suffix are plain strings, as in S3 event notifications. */
export const ruleWants = (rule: ReplicationRule, bucket: string, key: string): boolean =>
  rule.source.bucket === bucket && key.startsWith(rule.source.prefix) && key.endsWith(rule.source.suffix);

/** Maximum length of a key, a marker or a prefix, in bytes of UTF-8 ("Creating object key names", S3 User Guide). */
export const MAX_KEY_BYTES = 1_024;

/** The key of the replica at a destination. */
export const destinationKey = (rule: ReplicationRule, destination: Destination, key: string): string =>
  destination.prefix === null ? key : destination.prefix + key.slice(rule.source.prefix.length);

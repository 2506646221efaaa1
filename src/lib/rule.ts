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
  destinations: Destination[];
  versions: 'latest';
  deletes: 'ignore';
  copy: 'stream';
  /** Whether replicas carry the stamp (see `stamp.ts`). */
  stamp: boolean;
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
  /** KMS key replicas are encrypted with; null: the destination bucket's default encryption. */
  kmsKeyArn: string | null;
}

/** Does the rule want this key? Filters are plain string prefix and suffix, as in S3 event notifications. */
export const ruleWants = (rule: ReplicationRule, bucket: string, key: string): boolean =>
  rule.source.bucket === bucket && key.startsWith(rule.source.prefix) && key.endsWith(rule.source.suffix);

/** The key a replica has at a destination. */
export const destinationKey = (rule: ReplicationRule, destination: Destination, key: string): string =>
  destination.prefix === null ? key : destination.prefix + key.slice(rule.source.prefix.length);

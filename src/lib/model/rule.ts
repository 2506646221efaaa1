/**
 * Replication rules after validation, with the defaults filled in. `src/lib/configuration` describes the file that a user edits.
 * No other directory deals with YAML.
 */
import { createHash } from 'node:crypto';
import type { RunLimits } from './run-limits.ts';

/** `replication.yml` after validation. */
export interface ReplicationConfiguration {
  /** The prefix of the name of every resource in the CloudFormation stack. */
  name: string;
  rules: ReplicationRule[];
}

export interface ReplicationRule {
  id: string;
  source: Source;
  filter: Filter;
  /** An object that one of these lines describes is not replicated, whatever `filter` says. */
  exclude: Exclusion[];
  destinations: Destination[];
  /**
   * `all` replicates each version in the source's order, if both buckets are versioned. `latest` replicates only the current
   * state.
   */
  versions: 'all' | 'latest';
  /**
   * Whether delete markers, and deletes in unversioned buckets, are replicated. A delete of a single version is never replicated.
   */
  deletes: 'replicate' | 'ignore';
  /**
   * How the bytes are moved: through the function (`stream`), or by S3 itself (`server-side`). With `auto`, S3 itself moves the
   * bytes if the destination's role is allowed to read the source. Otherwise the function moves them.
   */
  copy: 'stream' | 'server-side' | 'auto';
  /** Whether replicas carry the stamp (see `stamp.ts`). */
  stamp: boolean;
  /**
   * Whether source objects that are proven to be replicas (see `Source.replicators`) are replicated. `replicate` allows chains of
   * buckets. A replica never returns to the destination that it came from.
   */
  replicas: 'ignore' | 'replicate';
  /** Whether the replica gets the tags of the source object. With `ignore` it keeps those that it has at the destination. */
  tags: 'ignore' | 'replicate';
  /** Whether the replica gets the grants of the source object. */
  acl: 'ignore' | 'replicate';
  /** Whether each proven replica is an event on the default event bus of the stack's account and region. */
  announce: 'none' | 'eventbridge';
  /** How archived source objects are restored; null: a person must restore them. */
  restore: Restore | null;
  /** The number of deletes and overwrites after which deletes are paused; null: deletes are never paused. */
  brake: BrakeSettings | null;
  /** The schedule on which both sides are compared; null: only a person starts a comparison. */
  verify: VerifySchedule | null;
  /** The maximum rate and the hours of the rule's runs. A run may be started with other limits. */
  limits: RunLimits;
}

/** The time at which a verify of each destination begins, and the limits of that verify. */
export interface VerifySchedule {
  everyDays: number;
  /** Minutes since midnight in `timeZone`. */
  atMinutes: number;
  /** A time zone of IANA. */
  timeZone: string;
  /** As in `RunSpec`. */
  attributes: 'all' | 'listed';
  /** Maximum number of requests to S3 of one verify; null: no limit. */
  maxRequests: number | null;
  /** Maximum cost of one verify in US$. */
  maxDollars: number;
}

/** The limits of the brake. Each is the number of changes within the window that still pass. */
export interface BrakeSettings {
  windowMinutes: number;
  deletes: number;
  /** A second limit of deletes, as a percentage of the keys that the last backfill or verify of the whole rule counted. */
  deletesPercent: number;
  /** Deletes that S3 Lifecycle caused. */
  expirations: number;
  overwrites: number;
}

/** Describes objects by properties other than their keys. */
export interface Filter {
  /** The tags that an object has, each with this value; empty: any object. */
  tags: Record<string, string>;
  /** The smallest and the largest size; null: no limit. */
  minimumBytes: number | null;
  maximumBytes: number | null;
}

/** Describes objects that are not replicated. All conditions of one line have to hold. */
export interface Exclusion extends Filter {
  /** The text with which the key begins; empty: any key. */
  prefix: string;
  /** The text with which the key ends; empty: any key. */
  suffix: string;
}

export interface Restore {
  /** How many days S3 keeps the restored copy. */
  days: number;
  tier: 'Bulk' | 'Expedited' | 'Standard';
}

export interface Source {
  bucket: string;
  /** The text with which a key must begin; empty: any key. */
  prefix: string;
  /** The text with which a key must end; empty: any key. */
  suffix: string;
  /** How changes are announced. `none`: only runs read the bucket. */
  events: 's3' | 'eventbridge' | 'none';
  /** The region of a bucket with a `service`; null: the region of the stack. */
  region: string | null;
  /** Another S3 service, or S3 of another partition; null: S3 of this partition. */
  service: S3Service | null;
  /** The role that the function assumes to read the source; null: the function reads with its own role. */
  roleArn: string | null;
  /** The external id with which `roleArn` is assumed; null: none. */
  externalId: string | null;
  /**
   * The public keys of the other deployments whose signed replicas count as replicas, at the source and at the destination. The stamps of
   * all other deployments are only claims, because anybody may have written them.
   */
  replicators: string[];
  /** The account that owns the bucket; null: the account of this deployment. */
  account: string | null;
}

/** The id of the item that holds the key of stamps, in the table of idempotency records. */
export const STAMP_KEY_ID = 'stamp-key';

/** The id of the item that holds the record of the circuits, in the same table. */
export const CIRCUITS_ID = 'circuits';

/** The beginning of the ids of the items that count received messages, in the same table. */
export const ARRIVALS_ID = 'arrivals';

/** How to reach a bucket that no role of this partition can access. */
export interface S3Service {
  /** The URL of the service; null: the endpoint of AWS for the region. */
  endpoint: string | null;
  /** Whether requests name the bucket in the path of the URL or in the host name. */
  addressing: 'path' | 'virtual';
  /** The secret in Secrets Manager that holds the access key. */
  secretArn: string;
}

/** A bucket of this partition, written with a role. */
export interface RoleDestination extends DestinationSettings {
  roleArn: string;
  externalId: string;
  /** The account that owns the bucket. The default is the account of the role. */
  account: string;
  service: null;
}

/** A bucket of another S3 service, or of another partition. */
export interface ServiceDestination extends DestinationSettings {
  roleArn: null;
  externalId: null;
  /** The account that owns the bucket; null: requests name no owner, because most services have none. */
  account: string | null;
  service: S3Service;
  /**
   * `required`: the service must check the conditions of writes. `none`: the service does not check them, so the replica is looked at
   * before and after each write.
   */
  conditionalWrites: 'none' | 'required';
}

export type Destination = RoleDestination | ServiceDestination;

interface DestinationSettings {
  /** The id, unique within the rule. The default is the name of the bucket. */
  id: string;
  bucket: string;
  region: string;
  /** Replaces the rule's source prefix in the replica's key; null: the key stays unchanged. */
  prefix: string | null;
  /** The S3 storage class of replicas; null: the storage class of the source object. */
  storageClass: string | null;
  /** Replicas of objects whose own class is less durable than this one are written with this class; null: they keep their class. */
  minimumStorageClass: string | null;
  /**
   * The server-side encryption of replicas. Null means `aws:kms` if `kmsKeyArn` is set, and otherwise the default of the
   * destination bucket.
   */
  encryption: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | null;
  /** The KMS key of replicas; null: requests name no key. */
  kmsKeyArn: string | null;
  /**
   * `replicate` gives the replica the retention and legal hold of the source version. `governance` does the same, but turns
   * compliance mode into governance mode. `ignore` leaves both out.
   */
  objectLock: 'replicate' | 'governance' | 'ignore';
  /** The longest retention that the replica gets, in days from the time at which it is set. */
  maxRetentionDays: number;
  /**
   * What happens to a version whose retention is longer than `maxRetentionDays`: `cap` gives the replica the maximum, `refuse` sends
   * the version to the dead-letter queue.
   */
  overMaxRetention: 'cap' | 'refuse';
}

/** Maximum length of a key, a marker or a prefix, in bytes of UTF-8 ("Creating object key names", S3 User Guide). */
export const MAX_KEY_BYTES = 1_024;

/** Returns the key of the replica at a destination. */
export const destinationKey = (rule: ReplicationRule, destination: Destination, key: string): string =>
  destination.prefix === null ? key : destination.prefix + key.slice(rule.source.prefix.length);

/** Returns the role that may only compare. `destination/template.yml` creates it beside the role that writes. */
export const compareRoleArn = (roleArn: string): string => `${roleArn}-compare`;

/**
 * Returns whether S3 itself copies objects of the rule to the destination, unless S3 refuses. One S3 service cannot read from another
 * one.
 */
export const copiesInsideS3 = (
  { copy, source }: Pick<ReplicationRule, 'copy' | 'source'>,
  { service }: Pick<Destination, 'service'>,
): boolean =>
  service === null &&
  source.service === null &&
  (copy === 'server-side' || (copy === 'auto' && source.roleArn === null));

/** One destination of one rule. It is the unit for which messages wait. */
export interface RuleDestination {
  rule: ReplicationRule;
  destination: Destination;
}

export const ruleDestinations = ({ rules }: ReplicationConfiguration): RuleDestination[] =>
  rules.flatMap((rule) => rule.destinations.map((destination) => ({ rule, destination })));

/**
 * Returns the name of the circuit of a destination. Rules with the same bucket and role share a circuit. A corrected destination has
 * another name, so its circuit is closed.
 */
export const circuitName = (destination: Destination): string => {
  const known = circuitNames.get(destination);
  if (known !== undefined) return known;
  const { bucket, region, roleArn, externalId, account, service } = destination;
  const name = shortHash([
    bucket,
    region,
    roleArn,
    externalId,
    account,
    ...(service === null ? [] : [service]),
  ]);
  circuitNames.set(destination, name);
  return name;
};

/** The names that were already made. Every object asks for its name several times, and a digest each time was 3 % of its CPU time. */
const circuitNames = new WeakMap<Destination, string>();

/**
 * Returns the last part of the name of a destination's waiting queue. It depends only on the ids, so that messages still wait in
 * the same queue after a wrong role or bucket was corrected.
 */
export const waitingQueueSuffix = (rule: { id: string }, destination: { id: string }): string =>
  shortHash([rule.id, destination.id]);

const shortHash = (parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);

/** Returns the account in the ARN of a role. */
export const accountOfArn = (arn: string): string => arn.split(':')[4] ?? '';

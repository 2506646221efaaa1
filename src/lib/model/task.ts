/** A task: the work that a hint requests for one key of one rule at one destination. */
import type { TransferChain } from './chain.ts';
import type { BothBuckets, Buckets, CopySource, Pin } from './ports.ts';
import { type Destination, destinationKey, MAX_KEY_BYTES, type ReplicationRule } from './rule.ts';

/**
 * What may have changed. `attributes` means everything that a verify compares and that can be repaired. `bytes` means that both sides
 * were read and differ, so the stamp and a CRC of the replica prove nothing.
 */
export type Concern = 'content' | 'bytes' | 'tags' | 'acl' | 'lock' | 'attributes';

export interface Task {
  rule: ReplicationRule;
  destination: Destination;
  /** The key at the source. */
  key: string;
  /** The key at the destination. */
  replicaKey: string;
  /** The version that the event named; null: none. */
  versionId: string | null;
  /** The size that the event gave, which only serves to save requests; null: none. */
  expectedBytes: number | null;
  concern: Concern;
  /** Whether a key with neither an object nor a delete marker at the source counts as deleted. */
  absenceIsDeletion: boolean;
  /** Whether the writer of the change claims to be a replicator. False is certain, but true is only a claim; null: unknown. */
  byReplicator: boolean | null;
  /** Whether only a replica with our stamp may be deleted, even if the destination bucket is versioned. */
  onlyStamped: boolean;
  /** Whether S3 Lifecycle made the change at the source. */
  expired: boolean;
  /**
   * Whether an operator has released the key, which the brake had held (see `brake.ts`). The record of the brake shows whether this is
   * true.
   */
  released: boolean;
  /** The run that sent the hint; null: none. */
  run: string | null;
  /** The chain of transfers of the key; null: no transfer sent the hint. */
  chain: TransferChain | null;
}

/** Creates a task. All tasks are created here. `known` holds the fields that the hint gives besides the key. */
export const createTask = (
  { rule, destination, key }: Pick<Task, 'rule' | 'destination' | 'key'>,
  known: Partial<Omit<Task, 'rule' | 'destination' | 'key' | 'replicaKey'>> = {},
): Task => ({
  rule,
  destination,
  key,
  replicaKey: destinationKey(rule, destination, key),
  versionId: null,
  expectedBytes: null,
  concern: 'content',
  absenceIsDeletion: false,
  byReplicator: null,
  onlyStamped: false,
  expired: false,
  released: false,
  run: null,
  chain: null,
  ...known,
});

/**
 * Returns the reason why S3 cannot have an object with the key of the replica, or null if it can. A request with an empty key would
 * be a request about the bucket itself.
 */
export const problemOfKey = ({
  replicaKey,
}: Pick<Task, 'replicaKey'>): 'key-too-long' | 'empty-key' | null => {
  if (replicaKey === '') return 'empty-key';
  return Buffer.byteLength(replicaKey) <= MAX_KEY_BYTES ? null : 'key-too-long';
};

export const bucketsOf = (
  { rule, destination }: Pick<Task, 'rule' | 'destination'>,
  buckets: Buckets,
): BothBuckets => ({ source: buckets.source(rule), destination: buckets.destination(destination) });

/** Returns the pinned version as the source of a copy inside S3. */
export const copySourceOf = ({ rule: { source }, key }: Task, pin: Pin): CopySource => ({
  bucket: source.bucket,
  account: source.account,
  key,
  pin,
});

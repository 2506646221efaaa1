/** The state of the local S3, and the services that it depends on. */
import type { PolicyKeeper } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import type { EventBus, QueueSender } from '../../core/delivery.ts';
import { type Faults, NO_FAULTS } from '../../core/fault.ts';
import { createPropagating, type Propagating } from '../../core/propagation.ts';
import { createKmsKeys, type KeyDirectory } from '../../kms/kms.ts';
import { createBlobStore, type BlobStore } from '../storage/blobs.ts';
import type { Generator } from '../storage/sparse/generator.ts';
import type { SparseReplica } from '../storage/sparse/sparse-replica.ts';
import type { Bucket } from './bucket.ts';
import type { StoredObject } from './object.ts';

export interface S3Options {
  /** The directory that stores objects over 64 KiB. It is created if it does not exist. */
  directory: string;
  clock: Clock;
  authorizer: PolicyKeeper;
  queues: QueueSender;
  events: EventBus;
  faults?: Readonly<Faults>;
  partition?: string | undefined;
  /**
   * The KMS keys. If absent, every key that a request names exists, and only the IAM policies of the key's account control access to it.
   */
  kms?: KeyDirectory | undefined;
  /** Returns the secret of an access key, to verify chunk signatures. If absent, signed chunks fail with NotImplemented. */
  secretOf?: ((accessKeyId: string, sessionToken: string | undefined) => string | undefined) | undefined;
  /** Publishes notifications to topics. If absent, notifications for topics are dropped. */
  topics?: TopicPublisher | undefined;
  /** How many milliseconds a copy or completion may take before S3 sends the status 200. The result or error then follows in the body. */
  earlyAnswerAfterMs?: number | undefined;
  /**
   * If true, a checksum in the trailer is enough for an upload under object lock. `checkLockIntegrity` explains why it is unclear what AWS
   * does.
   */
  lockTakesTrailers?: boolean | undefined;
  /**
   * If true, CompleteMultipartUpload accepts the CRC64NVME of a part although the upload was created without an algorithm. AWS does not
   * document whether S3 accepts it.
   */
  takesUndeclaredChecksums?: boolean | undefined;
}

/** Sends notifications of S3 to SNS topics. {@link QueueSender} is the counterpart for queues. */
export interface TopicPublisher {
  publishAsService(message: {
    topicArn: string;
    subject: string;
    message: string;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'sent' | 'denied' | 'no-such-topic';
  mayPublish(message: {
    topicArn: string;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'allowed' | 'denied' | 'no-such-topic';
}

export interface S3State extends Omit<S3Options, 'directory' | 'partition' | 'kms' | 'faults'> {
  partition: string;
  kms: KeyDirectory;
  /** By bucket, the policy that is in effect. A change takes effect after a delay. */
  policies: Propagating<Bucket['policy']>;
  /** By bucket, whether events reach EventBridge. A change takes effect after a delay. */
  eventBridge: Propagating<boolean>;
  blobs: BlobStore;
  buckets: Map<string, Bucket>;
  /** By seed, the functions that generate the content of sparse objects. */
  generators: Map<number, Generator>;
  /** The keys at which copies of sparse objects are received. */
  sparseReplicas: SparseReplica[];
  pending: PendingWork;
  /** Returns a higher number with every call. The numbers order versions and uploads by their creation. */
  newOrder(): number;
  /** Returns the next `sequencer` of an event. As text, each sequencer is greater than all earlier ones. */
  newSequencer(): string;
}

/** Work that S3 does without a request, such as lifecycle rules and restores. */
export interface PendingWork {
  /** The earliest time at which work may be due; `Infinity` if there is none. */
  nextMs: number;
  /** Objects with a restored copy or a restore in progress. */
  restores: Set<ScheduledRestore>;
}

export interface ScheduledRestore {
  bucket: Bucket;
  key: string;
  object: StoredObject;
}

export const createState = (options: S3Options): S3State => {
  const { directory, partition = 'aws', faults = NO_FAULTS, ...outside } = options;
  const { clock, kms = createKmsKeys({ clock }) } = outside;
  let lastSequence = 0n;
  let lastOrder = 0;
  return {
    ...outside,
    partition,
    kms,
    policies: createPropagating(clock, () => faults.propagation?.policyMs),
    eventBridge: createPropagating(clock, () => faults.propagation?.eventBridgeMs),
    blobs: createBlobStore(directory),
    buckets: new Map(),
    generators: new Map(),
    sparseReplicas: [],
    pending: { nextMs: Number.POSITIVE_INFINITY, restores: new Set() },
    newOrder: () => {
      lastOrder += 1;
      return lastOrder;
    },
    newSequencer: () => {
      const now = BigInt(Math.max(0, Math.floor(options.clock.now()))) << 20n;
      lastSequence = now > lastSequence ? now : lastSequence + 1n;
      return lastSequence.toString(16).toUpperCase().padStart(18, '0');
    },
  };
};

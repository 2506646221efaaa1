/** All the local S3 holds, and what it needs from outside. */
import type { Authorizer } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import type { EventBus, QueueSender } from '../../core/delivery.ts';
import { createKmsKeys, type KeyDirectory } from '../../kms/kms.ts';
import { createBlobStore, type BlobStore } from '../storage/blobs.ts';
import type { Generator } from '../storage/sparse/generator.ts';
import type { SparseReplica } from '../storage/sparse/sparse-replica.ts';
import type { Bucket } from './bucket.ts';
import type { StoredObject } from './object.ts';

export interface S3Options {
  /** Where objects over 64 KiB are kept. Made if it is not there. */
  directory: string;
  clock: Clock;
  authorizer: Authorizer;
  queues: QueueSender;
  events: EventBus;
  partition?: string | undefined;
  /** Absent: keys are there as soon as they are named, and left to the IAM policies of their accounts. */
  kms?: KeyDirectory | undefined;
  /** The secret of an access key, to verify chunk signatures with. Absent: signed chunks are refused as not implemented. */
  secretOf?: ((accessKeyId: string, sessionToken: string | undefined) => string | undefined) | undefined;
  /** How S3 reaches topics. Absent: nothing is published to them. */
  topics?: TopicPublisher | undefined;
  /** A copy or completion that takes longer is answered with 200 at once, and with its result or its error later. */
  earlyAnswerAfterMs?: number | undefined;
}

/** How S3 reaches SNS topics, as {@link QueueSender} reaches queues. */
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

export interface S3State extends Omit<S3Options, 'directory' | 'partition' | 'kms'> {
  partition: string;
  kms: KeyDirectory;
  blobs: BlobStore;
  buckets: Map<string, Bucket>;
  /** Of sparse objects, by seed. */
  generators: Map<number, Generator>;
  /** Where copies of sparse objects are received. */
  sparseReplicas: SparseReplica[];
  schedule: Schedule;
  /** Grows with every call; orders versions and uploads. */
  newOrder(): number;
  /** Grows with every call: S3's `sequencer`, comparable as text within one key. */
  newSequencer(): string;
}

/** What S3 will do by itself. */
export interface Schedule {
  /** When something may be due next; `Infinity` while nothing is. */
  nextMs: number;
  /** Objects with a restored copy, or one under way. */
  restores: Set<ScheduledRestore>;
}

export interface ScheduledRestore {
  bucket: Bucket;
  key: string;
  object: StoredObject;
}

export const createState = (options: S3Options): S3State => {
  const { directory, partition = 'aws', kms = createKmsKeys(), ...outside } = options;
  let lastSequence = 0n;
  let lastOrder = 0;
  return {
    ...outside,
    partition,
    kms,
    blobs: createBlobStore(directory),
    buckets: new Map(),
    generators: new Map(),
    sparseReplicas: [],
    schedule: { nextMs: Number.POSITIVE_INFINITY, restores: new Set() },
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

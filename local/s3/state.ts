/** All the local S3 holds, and what it needs from outside. */
import { createHash } from 'node:crypto';
import type { Authorizer, Clock, EventBus, PolicyDocument, QueueSender } from '../core.ts';
import { createBlobStore, type BlobStore } from './blobs.ts';
import type { Bucket } from './model.ts';

export interface S3Options {
  /** Where objects over 64 KiB are kept. Made if it is not there. */
  directory: string;
  clock: Clock;
  authorizer: Authorizer;
  queues: QueueSender;
  events: EventBus;
  partition?: string | undefined;
  /** The policy of a KMS key, by ARN. Absent, or answering undefined: the default key policy, which leaves it to IAM in the key's account. */
  keyPolicy?: ((keyArn: string) => PolicyDocument | undefined) | undefined;
}

export interface S3State extends Omit<S3Options, 'directory' | 'partition'> {
  partition: string;
  blobs: BlobStore;
  buckets: Map<string, Bucket>;
  /** Grows with every call; orders versions and uploads. */
  newOrder(): number;
  /** Grows with every call: S3's `sequencer`, comparable as text within one key. */
  newSequencer(): string;
}

export const createState = (options: S3Options): S3State => {
  const { directory, partition = 'aws', ...outside } = options;
  let lastSequence = 0n;
  let lastOrder = 0;
  return {
    ...outside,
    partition,
    blobs: createBlobStore(directory),
    buckets: new Map(),
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

/** The canonical user id of an account: 64 hexadecimal digits. */
export const canonicalUserId = (accountId: string): string => {
  const known = CANONICAL_IDS.get(accountId);
  if (known !== undefined) return known;
  const id = createHash('sha256').update(`canonical user of ${accountId}`).digest('hex');
  CANONICAL_IDS.set(accountId, id);
  return id;
};

/** A pure function's memory: hashing an owner for each entry of a listing would be most of its cost. */
const CANONICAL_IDS = new Map<string, string>();

/**
 * The protocol: look at both sides, write conditionally, look again. An event only says which key to look at; what is
 * done depends on the two buckets alone. It may run twice, late, concurrently with itself, or die at any point.
 *
 * The destination is looked at before the source: whatever the destination held at that moment came from an older or the
 * same state of the source, so a write on condition that the destination is unchanged never puts an old state over a
 * newer one (`decisions/001-destination-first.md`).
 */
import { ReplicationError } from './errors.ts';
import { copyVersion, SMALL_OBJECT_BYTES } from './copy.ts';
import { holds, sameState } from './holds.ts';
import type {
  Clock,
  DestinationBucket,
  Invocation,
  ObjectAttributes,
  ObjectState,
  Precondition,
  SourceBucket,
} from './ports.ts';
import type { Copied } from './copy-request.ts';
import { inPairs } from './retry-pair.ts';
import { type Destination, destinationKey, type ReplicationRule } from './rule.ts';
import { stampedMetadata, withoutStamp } from './stamp.ts';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/** Rounds before a key that keeps changing is given back to the queue. */
const MAX_ROUNDS = 8;

const MAX_KEY_BYTES = 1_024;

/** One key of one rule for one destination. */
export interface Work {
  rule: ReplicationRule;
  destination: Destination;
  key: string;
  /** What the event said; only saves work. */
  expectedBytes: number | null;
}

export interface ConvergeContext {
  source: SourceBucket;
  destination: DestinationBucket;
  invocation: Invocation;
  clock: Clock;
}

/** How the look at one key ended. */
export type Convergence =
  | { outcome: 'replicated'; version: ObjectState; copied: Copied }
  /** The destination held it already. */
  | { outcome: 'unchanged'; version: ObjectState; replica: ObjectState }
  /** There is no current version at the source, and the rule does not replicate deletes. */
  | { outcome: 'source-gone' };

export const converge = async (work: Work, context: ConvergeContext): Promise<Convergence> => {
  const replicaKey = checkedReplicaKey(work);
  let earlier: SourceLook | null = null;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const step: Step = await oneRound(work, replicaKey, context, earlier);
    if (step.kind === 'done') return step.convergence;
    if (step.kind === 'written') {
      const now = await context.source.head(work.key);
      // Gone is final too: deletes do not travel, and what was written was current when it was read.
      if (now === null || sameState(now, step.look.version)) {
        return { outcome: 'replicated', version: step.look.version, copied: step.copied };
      }
    }
    earlier = step.look;
  }
  throw new ReplicationError('lost-race', `the object kept changing through ${MAX_ROUNDS} looks`);
};

type Step =
  | { kind: 'done'; convergence: Convergence }
  | { kind: 'written'; look: SourceLook; copied: Copied }
  | { kind: 'lost-race'; look: SourceLook };

const oneRound = async (
  work: Work,
  replicaKey: string,
  context: ConvergeContext,
  earlier: SourceLook | null,
): Promise<Step> => {
  // Fast path: a small object is tried as new, and S3 says if it was not.
  const assumeNew = earlier === null && (work.expectedBytes ?? 0) <= SMALL_OBJECT_BYTES;
  const replica = assumeNew ? null : await context.destination.head(replicaKey);
  const look = await lookAtSource(work, context, replica, earlier);
  if (look === null) return { kind: 'done', convergence: { outcome: 'source-gone' } };
  const { version, opened } = look;
  try {
    if (replica !== null && holds(replica, version)) {
      return { kind: 'done', convergence: { outcome: 'unchanged', version, replica } };
    }
    const copied = await copyVersion({
      ...context,
      sourceKey: work.key,
      replicaKey,
      version,
      opened,
      attributes: replicaAttributes(work, version),
      precondition: preconditionFor(replica),
    });
    return { kind: 'written', look, copied };
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return { kind: 'lost-race', look };
    throw error;
  } finally {
    if (opened !== null && !Buffer.isBuffer(opened)) opened.destroy();
  }
};

/**
 * The source's current version, with its body where it is likely to be needed: one call instead of two for most
 * objects. With a replica to compare, or for a large object, HEAD is enough for now.
 */
const lookAtSource = async (
  work: Work,
  context: ConvergeContext,
  replica: ObjectState | null,
  earlier: SourceLook | null,
): Promise<SourceLook | null> => {
  if (replica !== null || (work.expectedBytes ?? 0) > SMALL_OBJECT_BYTES) {
    const version = await context.source.head(work.key);
    if (version !== null) return { version, opened: bodyInMemory(earlier, version) };
    // Absent, or the bucket is: only GET can tell, and a bucket that is gone must not pass for one without the key.
  }
  return await inPairs(context, async () => {
    const found = await context.source.open(work.key);
    if (found === null) return null;
    const { state: version, body } = found;
    if (version.sizeBytes > SMALL_OBJECT_BYTES) return { version, opened: body };
    return { version, opened: await wholeBody(body, version.sizeBytes) };
  });
};

/** What the round before read, if it is still the same version. */
const bodyInMemory = (earlier: SourceLook | null, version: ObjectState): Buffer | null =>
  earlier !== null && Buffer.isBuffer(earlier.opened) && sameState(earlier.version, version)
    ? earlier.opened
    : null;

interface SourceLook {
  version: ObjectState;
  /** The body of this version: small ones whole, larger ones as they come; null when it was not asked for. */
  opened: Readable | Buffer | null;
}

const wholeBody = async (body: Readable, sizeBytes: number): Promise<Buffer> => {
  const bytes = await buffer(body).catch((cause: unknown) => {
    throw new ReplicationError('connection-lost', 'the source body broke off', { cause });
  });
  if (bytes.length === sizeBytes) return bytes;
  throw new ReplicationError('connection-lost', `the source body had ${bytes.length} of ${sizeBytes} bytes`);
};

const replicaAttributes = (work: Work, version: ObjectState): ObjectAttributes => ({
  ...version.attributes,
  storageClass: work.destination.storageClass ?? version.attributes.storageClass,
  metadata: work.rule.stamp ? stampedMetadata(version) : withoutStamp(version),
});

const preconditionFor = (replica: ObjectState | null): Precondition =>
  replica === null ? { kind: 'absent' } : { kind: 'unchanged', etag: replica.etag };

const checkedReplicaKey = ({ rule, destination, key }: Work): string => {
  const replicaKey = destinationKey(rule, destination, key);
  if (Buffer.byteLength(replicaKey) > MAX_KEY_BYTES) {
    throw new ReplicationError(
      'key-too-long',
      `the replica's key would have more than ${MAX_KEY_BYTES} bytes`,
    );
  }
  return replicaKey;
};

/**
 * Compares the attributes of a replica that holds the current source version: headers, metadata, tags, object lock, grants and
 * storage class. Each attribute is compared only as far as the rule replicates it. Listings show only the storage class.
 */
import { ReplicationError } from '../../model/errors.ts';
import { isWanted, type SeenObject } from '../../model/filter.ts';
import { grantText, tagsText } from '../../replica/attribute-texts.ts';
import { sameHeaders } from '../../replica/same-state.ts';
import { type LockNote, lockVerdict } from '../../replica/object-lock.ts';
import type { Acl, DestinationBucket, ObjectState, SourceBucket } from '../../model/ports.ts';
import type { Destination, ReplicationRule } from '../../model/rule.ts';
import { isStorageClassRight } from '../../replica/storage-class.ts';

export interface Pair {
  rule: ReplicationRule;
  destination: Destination;
  source: { bucket: SourceBucket; key: string; state: ObjectState };
  replica: { bucket: DestinationBucket; key: string; state: ObjectState };
  /** Milliseconds since the epoch. */
  nowMs: number;
}

/**
 * Whether tags were already read successfully. S3 reports the number of tags only to callers that may read tags. So the first
 * comparison reads the tags, whatever the numbers are.
 */
export type TagsProbe = { isDone: boolean };

/** The result of comparing the attributes of a pair. `lock-capped` and `hold-kept` do not count as differences, but are shown. */
export type AttributesVerdict = 'same' | 'attributes' | LockNote;

export const compareAttributes = async (pair: Pair, probe: TagsProbe): Promise<AttributesVerdict> => {
  const { rule, destination, source, replica, nowMs } = pair;
  const lock = lockVerdict(replica.state, source.state.lock, destination, nowMs);
  const isSame =
    isStorageClassRight(destination, replica.state.attributes.storageClass) &&
    sameHeaders(replica.state, source.state) &&
    lock !== 'weaker' &&
    (rule.tags === 'ignore' || (await sameTags(pair, probe))) &&
    (rule.acl === 'ignore' || (await sameGrants(pair)));
  if (!isSame) return 'attributes';
  return lock === 'right' ? 'same' : lock;
};

const seenAt = ({ key, state: { sizeBytes } }: Pair['source']): SeenObject => ({ key, sizeBytes });

const sameTags = async ({ rule, source, replica }: Pair, probe: TagsProbe): Promise<boolean> => {
  // The numbers of tags come from requests without a version id. Reading the tags of a specific version needs another permission,
  // so this test also names no version.
  if (!probe.isDone)
    await Promise.all([source.bucket.tags(source.key, null), replica.bucket.tags(replica.key, null)]).catch(
      refuseBlindness,
    );
  if (source.state.tagCount !== replica.state.tagCount && probe.isDone) {
    // If the rule excludes objects with these tags, the replica keeps its own tags, so the difference does not count.
    const tags = await source.bucket.tags(source.key, source.state.versionId);
    return tags === null || !isWanted(rule, seenAt(source), tags);
  }
  if (source.state.tagCount === 0 && probe.isDone) return true;
  const [wanted, held] = await Promise.all([
    source.bucket.tags(source.key, source.state.versionId),
    replica.bucket.tags(replica.key, replica.state.versionId),
  ]).catch(refuseBlindness);
  probe.isDone = true;
  // If an object was deleted in the meantime, the live queue receives the event of its deletion, so the key does not count as
  // different.
  if (wanted === null || held === null || !isWanted(rule, seenAt(source), wanted)) return true;
  return tagsText(wanted) === tagsText(held);
};

/**
 * Throws a {@link BlindError} if access to the attributes is denied. A run that cannot read tags must not report that the tags
 * agree. So the whole run fails, instead of reporting every key as different.
 */
const refuseBlindness = (error: unknown): never => {
  if (!(error instanceof ReplicationError) || error.reason !== 'access-denied') throw error;
  throw new BlindError(error);
};

/** Thrown if attributes cannot be read at all, so that the run cannot judge any key. */
export class BlindError extends ReplicationError {
  constructor(cause: ReplicationError) {
    super(cause.reason, cause.message, { cause: cause.cause, requestId: cause.requestId });
  }
}

const sameGrants = async ({ source, replica }: Pair): Promise<boolean> => {
  const [wanted, held] = await Promise.all([
    source.bucket.acl(source.key, source.state.versionId),
    replica.bucket.acl(replica.key, replica.state.versionId),
  ]).catch(refuseBlindness);
  if (wanted === null || held === null) return true;
  const lacking = without(wanted, held);
  if (without(held, wanted).length > 0) return false;
  // The owner of the replica has all permissions without a grant. So it is accepted if one grantee of the source has no grant on
  // the replica. This grantee is presumed to be the owner of the replica.
  const [lackingId, ...others] = new Set(
    lacking.map(({ grantee }) => (grantee.kind === 'user' ? grantee.id : '')),
  );
  return (
    lackingId === undefined ||
    (others.length === 0 && lackingId !== '' && !held.some(({ grantee }) => grantee.id === lackingId))
  );
};

const without = (acl: Acl, other: Acl): Acl => {
  const texts = new Set(other.map(grantText));
  return acl.filter((grant) => !texts.has(grantText(grant)));
};

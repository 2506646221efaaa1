/** Hints: "this key changed, look at it". */
import type { TransferChain } from '../model/chain.ts';
import { schemaField } from '../model/schemas.ts';
import type { Concern } from '../model/task.ts';
import { asciiJson } from './ascii-json.ts';

/** One key to look at. Only `bucket` and `key` are needed for correctness. Most of the other fields serve to save work. */
export interface Hint {
  bucket: string;
  /** The decoded key, exactly as S3 stores it. */
  key: string;
  versionId: string | null;
  sizeBytes: number | null;
  /**
   * S3's own name of the event, e.g. `ObjectCreated:Put`, even if EventBridge uses another name. Our own hints have the kind
   * `hint`. If a run has found a difference, the kind of its hint is `extra`, `repair` or `rewrite` (see `isExtra`, `concernOf`,
   * `REWRITE`). The hints of a transfer have the kind `transferred`.
   */
  kind: string;
  /**
   * Identifies the event. Two deliveries of the same event have the same identity. The identity is the sequencer, or S3's request
   * id if the event has no sequencer. If the event has neither, the identity is null, and the id of the SQS message is used
   * instead.
   */
  identity: string | null;
  /** The principal that changed the object (`userIdentity.principalId`); null: unknown. */
  principalId: string | null;
  /**
   * The rule and destination to which the hint is limited; null: all. After a failure at one destination, the hint is limited to
   * that destination, so that the work at the others is not repeated.
   */
  rule: string | null;
  destination: string | null;
  /** The id of the run that sent the hint; null: none. */
  run: string | null;
  /** The chain of transfers of the key, if a transfer sent the hint. */
  chain?: TransferChain;
  /** Whether an operator has released the key, which the brake held. */
  released?: true;
  /** The time before which a hint of a run may not be worked on, because of the rate of the run. Milliseconds since the epoch. */
  notBeforeMs?: number;
}

export const concernOf = ({ kind }: Pick<Hint, 'kind'>): Concern => {
  if (kind === REPAIR) return 'attributes';
  if (kind === REWRITE) return 'bytes';
  if (kind === TRANSFERRED || kind.startsWith('ObjectTagging:')) return 'tags';
  if (kind.startsWith('ObjectRetention:')) return 'lock';
  return kind.startsWith('ObjectAcl:') ? 'acl' : 'content';
};

/**
 * Returns true if the absence of the key means that the object was deleted. In a versioned bucket absence alone does not mean
 * this, because the versions may have expired or may have been deleted permanently. Only a delete marker proves a deletion there.
 * In a bucket without versions, the events have no version id, and any event proves that the key existed. If the key is absent
 * now, the object was therefore deleted.
 */
export const absenceIsDeletion = ({ kind, versionId }: Pick<Hint, 'kind' | 'versionId'>): boolean =>
  versionId === null && (/^(Object|LifecycleExpiration)/.test(kind) || isExtra({ kind }));

/** Returns true if S3 Lifecycle made the change. */
export const isExpiration = ({ kind }: Pick<Hint, 'kind'>): boolean => kind.startsWith('LifecycleExpiration');

/**
 * Returns true if a run found a replica without a source object. The operator of that run has confirmed that such replicas are to
 * be deleted.
 */
export const isExtra = ({ kind }: Pick<Hint, 'kind'>): boolean => kind === 'extra';

/** Returns true if only runs send hints of this kind. Such hints are accepted from the queue of runs alone. */
export const isOfRun = ({ kind }: Pick<Hint, 'kind'>): boolean =>
  isExtra({ kind }) || kind === REPAIR || kind === REWRITE;

/**
 * Returns the hint as it is accepted from this queue. Outside the queue of runs, a hint of a kind that only runs send becomes a
 * plain hint, which only causes a look at its key. Otherwise anyone who can put a message into another queue could delete a
 * replica without the confirmation of the run.
 */
export const acceptedFrom = (queue: string, hint: Hint): Hint =>
  queue !== 'backfill' && isOfRun(hint) ? { ...hint, kind: 'hint' } : hint;

/** The kind of a hint about a replica that has the content of its source version, but other attributes. */
export const REPAIR = 'repair';

/** The kind of a hint about a replica whose bytes were read and differ, although a digest or its stamp says that they do not. */
export const REWRITE = 'rewrite';

/**
 * The kind of a hint that a transfer sends. The transfer read the tags when it began, so they are compared once more. The number
 * of tags alone does not show that they have changed.
 */
export const TRANSFERRED = 'transferred';

/**
 * The kind of a hint about one version that was passed over. The run did not send this hint, so it does not count it as one of its
 * failed hints.
 */
export const PASSED_OVER_KIND = 'passed-over';

/**
 * Returns the SQS message body for one of our own hints. The body is pure ASCII, because SQS refuses some characters that keys
 * may contain.
 */
export const formatHint = (hint: Hint): string =>
  asciiJson({ 's3-replicator': 'hint', ...schemaField('hint'), ...hint });

/** Returns the SQS message body for several bodies, which are ASCII. Each of them is processed like a message of its own. */
export const formatSeveral = (bodies: readonly string[]): string =>
  asciiJson({ 's3-replicator': 'several', ...schemaField('several'), messages: bodies });

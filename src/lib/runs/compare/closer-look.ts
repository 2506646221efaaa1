/**
 * Looks at single keys. This is necessary if listings do not decide whether a key differs, or if a listing may be out of date.
 */
import { bucketsOf, createTask, problemOfKey, type Task } from '../../model/task.ts';
import { ReplicationError } from '../../model/errors.ts';
import type { Reason } from '../../model/reasons.ts';
import { asksForTags, isWanted, listedIsWanted } from '../../model/filter.ts';
import { holds, holdsClass } from '../../replica/same-state.ts';
import { isEcho } from '../../converge/loop-guard.ts';
import type { BothBuckets, Buckets, Clock, ObjectState } from '../../model/ports.ts';
import { contentProof } from '../../replica/proof.ts';
import { namesOneState, replicaPlace } from '../../replica/stamp.ts';
import type { ProvePair, Reading, VersionPair } from './basis.ts';
import {
  type AttributesVerdict,
  BlindError,
  compareAttributes,
  type TagsProbe,
} from './compare-attributes.ts';
import { lookAtHistory } from './look-at-history.ts';
import { type KeyFinding, type Looked, looked, lookedBy, type Looking } from './looked.ts';
import type { Scope } from './scope.ts';
import type { RunSpec } from '../run.ts';
import { asksForStorageClass, isStorageClassRight } from '../../replica/storage-class.ts';

/**
 * Looks at one key. The caller passes `attributes` if the listings show that the content of all versions is the same. In that case
 * it is sufficient to compare the current objects of both sides. The caller passes `extra` if the listing of the source shows no
 * object that the rule wants. The source may still show one that the rule leaves out by its size.
 */
export type CloserLook = (key: string, how: 'all' | 'attributes' | 'extra') => Promise<Looked>;

/**
 * Creates the closer look. It throws failures for which a retry may help. It throws a {@link BlindError} if attributes cannot be
 * read at all. Any other failure must be fixed by a person. After such a failure the key counts as different, and the hint for
 * the key reports the cause.
 */
export const createCloserLook = (
  { rule, destination }: Scope,
  { versions, attributes }: Pick<RunSpec, 'versions' | 'attributes'>,
  {
    buckets,
    clock,
    prove,
    reading = 'none',
  }: { buckets: Buckets; clock: Clock; prove: ProvePair; reading?: Reading },
): CloserLook => {
  const context = { ...bucketsOf({ rule, destination }, buckets), clock };
  const looking: Looking = { context, prove, reading };
  const lookAtAttributes = attributeLook(context, attributes, clock);
  const lookAtContent = versions === 'all' ? lookAtHistory : lookAtCurrent;

  return async (key, how) => {
    const task = createTask({ rule, destination, key });
    try {
      const problem = problemOfKey(task);
      if (problem !== null) return await lookAtSourceOnly(task, context, { versions, problem });
      if (how === 'attributes') {
        const seen = await lookAtAttributes(task);
        if (seen?.verdict === 'attributes') return await unlessKept(task, context, otherAttributes(seen));
        if (seen !== null) return withNote(lookedBy(await prove(task, seen.pair)), seen);
      }
      if (how === 'extra' && (await isLeftOut(task, context))) return looked('kept');
      const found = await lookAtContent(task, looking);
      const { finding } = found;
      if (finding === 'missing') return looked((await exclusionOf(task, context, versions)) ?? 'missing');
      const isRight = finding === 'same' || finding === 'presumed';
      if (!isRight || (attributes === 'listed' && !asksForStorageClass(destination)))
        return versions === 'latest' ? await unlessKept(task, context, found) : found;
      const seen = await lookAtAttributes(task);
      if (seen === null) return found;
      return seen.verdict === 'attributes'
        ? await unlessKept(task, context, otherAttributes(seen))
        : withNote(found, seen);
    } catch (error) {
      if (error instanceof BlindError) throw error;
      if (error instanceof ReplicationError && error.disposition === 'quarantine')
        return { ...looked('different'), reason: error.reason };
      throw error;
    }
  };
};

/**
 * Returns a function that compares the attributes of the current objects. It resolves to null if the replica does not hold the
 * current source version, or if one side has no current object.
 */
const attributeLook = (context: BothBuckets, attributes: RunSpec['attributes'], clock: Clock) => {
  const probe: TagsProbe = { isDone: false };
  return async (task: Task): Promise<SeenAttributes | null> => {
    const { rule, destination, replicaKey } = task;
    const replica = await context.destination.look(replicaKey);
    const source = await context.source.look(task.key);
    if (source.kind !== 'object' || replica.kind !== 'object') return null;
    if (!holds(replica.state, source.state, replicaPlace(task))) return null;
    const pair = { source: source.state, replica: replica.state };
    if (attributes !== 'all') {
      const isRight = isStorageClassRight(destination, replica.state.attributes.storageClass);
      return { pair, verdict: isRight ? 'same' : 'attributes' };
    }
    // The attributes of a source object that is a replica are not replicated, so they need not agree.
    if (await isEcho(task, { ...context, signer: NO_SIGNER }, source.state)) return { pair, verdict: 'same' };
    const sides = {
      source: { bucket: context.source, key: task.key, state: source.state },
      replica: { bucket: context.destination, key: replicaKey, state: replica.state },
    };
    const verdict = await compareAttributes({ rule, destination, ...sides, nowMs: clock.now() }, probe);
    return { pair, verdict };
  };
};

interface SeenAttributes {
  pair: VersionPair;
  verdict: AttributesVerdict;
}

const otherAttributes = ({ pair: { source } }: SeenAttributes): Looked => ({
  ...looked('attributes'),
  version: namesOneState(source) ? source.versionId : null,
});

/** Adds a note to the finding about the content if the replica's lock differs and is left unchanged. */
const withNote = (found: Looked, { verdict }: SeenAttributes): Looked =>
  found.finding === 'different' || verdict === 'same' || verdict === 'attributes'
    ? found
    : { ...found, note: verdict };

/** Looks at the source only. S3 does not accept the key that the replica would have, so the destination cannot have a replica. */
const lookAtSourceOnly = async (
  task: Task,
  context: BothBuckets,
  { versions, problem }: { versions: RunSpec['versions']; problem: Reason },
): Promise<Looked> => {
  if (versions === 'latest' && (await context.source.look(task.key)).kind !== 'object') return looked('same');
  const excluded = await exclusionOf(task, context, 'latest');
  return excluded === null ? { ...looked('different'), reason: problem } : looked(excluded);
};

/**
 * A signer without a key, because the backfill function may not read the signing key of this stack. Replicas are still recognised
 * by the public keys that the rule names, and by comparing the objects.
 */
const NO_SIGNER = async (): Promise<null> => null;

const lookAtCurrent = async (task: Task, { context, prove }: Looking): Promise<Looked> => {
  const { replicaKey } = task;
  const replica = await context.destination.look(replicaKey);
  const source = await context.source.look(task.key);
  if (source.kind !== 'object') return looked(replica.kind === 'object' ? 'extra' : 'same');
  if (replica.kind !== 'object') return looked('missing');
  const isRight =
    holds(replica.state, source.state, replicaPlace(task)) &&
    holdsClass(task, replica.state, source.state, context.clock.now());
  if (isRight) return lookedBy(await prove(task, { source: source.state, replica: replica.state }));
  const isSameContent =
    replica.state.sizeBytes === source.state.sizeBytes &&
    contentProof(replica.state, source.state) === 'same';
  return looked(isSameContent ? 'attributes' : 'different');
};

/**
 * Resolves to true if the source shows an object that the rule leaves out by its size. The listing of the source does not count
 * such an object.
 */
const isLeftOut = async ({ rule, key }: Task, { source }: BothBuckets): Promise<boolean> => {
  const now = await source.look(key);
  return now.kind === 'object' && !listedIsWanted(rule, { key, sizeBytes: now.state.sizeBytes });
};

/** Resolves to true if the rule leaves out the current object. An object that is gone since counts as left out. */
const isUnwanted = async (
  { rule, key }: Task,
  source: BothBuckets['source'],
  { sizeBytes }: ObjectState,
): Promise<boolean> => {
  const tags = await source.tags(key, null);
  return tags === null || !isWanted(rule, { key, sizeBytes }, tags);
};

/** Changes a difference to the finding `kept` if the rule leaves out the current source object by its tags. */
const unlessKept = async (task: Task, { source }: BothBuckets, found: Looked): Promise<Looked> => {
  const { rule, key } = task;
  if (!DIFFERS.has(found.finding) || !asksForTags(rule)) return found;
  const now = await source.look(key);
  return now.kind === 'object' && (await isUnwanted(task, source, now.state)) ? looked('kept') : found;
};

const DIFFERS: ReadonlySet<KeyFinding> = new Set(['different', 'attributes']);

/**
 * Resolves to the reason why the rule does not replicate the current source object, or to null if it replicates the object. If
 * all versions are compared, the look at the history has already found a version that the rule wants.
 */
const exclusionOf = async (
  task: Task,
  context: BothBuckets,
  versions: RunSpec['versions'],
): Promise<'unwanted' | 'left-out' | null> => {
  const { rule, key } = task;
  const { source } = context;
  const now = await source.look(key);
  if (now.kind !== 'object') return null;
  if (await isEcho(task, { ...context, signer: NO_SIGNER }, now.state)) return 'left-out';
  if (versions === 'all' || !asksForTags(rule)) return null;
  return (await isUnwanted(task, source, now.state)) ? 'unwanted' : null;
};

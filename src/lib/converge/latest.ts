/**
 * Implements `versions: latest`: the destination shows what the source shows.
 *
 * Each round looks at the destination before the source. The content that the round sees at the destination therefore came from
 * the state that it then sees at the source, or from an older state. A write on condition that the destination is unchanged never
 * replaces a newer state with an older one (`decisions/001-destination-first.md`).
 */
import { discardBody } from '../copy/request.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Current, ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { isForgeable } from '../replica/proof.ts';
import { holds, holdsClass, isInTime, sameHeaders, sameState } from '../replica/same-state.ts';
import { namesOneState, replicaPlace, stampOn } from '../replica/stamp.ts';
import { syncShown } from './attributes/sync.ts';
import type { ConvergeContext } from './context.ts';
import type { Convergence } from './convergence.ts';
import { hideReplica } from './hide-replica.ts';
import { coverOf, refuseOthers } from './loop-guard.ts';
import { type OpenedVersion, openVersion } from './open-version.ts';
import { type Deletion, mayHide } from './ownership.ts';
import { MAX_ROUNDS, restAfterRace, TRIED_AS_NEW_BYTES } from './protocol.ts';
import { writeVersion, type WrittenVersion } from './write-version.ts';

export const convergeLatest = async (task: Task, context: ConvergeContext): Promise<Convergence> => {
  let past: Past = { earlier: null, described: null, concluded: null };
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const result: RoundResult = await latestRound(task, context, round, past);
    if (result.kind === 'done')
      return result.convergence.outcome === 'unchanged'
        ? (past.concluded ?? result.convergence)
        : result.convergence;
    let concluded: Convergence | null = past.concluded;
    if (result.kind === 'written' || result.kind === 'removed') {
      concluded = await freshLook(task, context, result);
      if (concluded !== null && !isDescribedInPlace(result)) return concluded;
    }
    if (result.kind === 'lost-race') await restAfterRace(context, round);
    past = { earlier: 'read' in result ? result.read : null, described: describedBy(result), concluded };
  }
  throw new ReplicationError('lost-race', `the object kept changing through ${MAX_ROUNDS} rounds`);
};

/** The results of the previous rounds that a round uses. */
interface Past {
  /** The version that the previous round read from the source. */
  earlier: OpenedVersion | null;
  /** The source version whose tags and grants the previous round gave to the replica. */
  described: ObjectState | null;
  /** The outcome of the work so far, which counts if the last look shows no change; null: the work is not done. */
  concluded: Convergence | null;
}

/** The result of one round. `read` is the version that the round read from the source. */
type RoundResult =
  | { kind: 'done'; convergence: Convergence }
  | { kind: 'written'; read: OpenedVersion; copied: WrittenVersion }
  | { kind: 'removed'; versionId: string | null }
  /** Tags or grants of this version were written to a replica without a version id. */
  | { kind: 'described'; version: ObjectState }
  | { kind: 'look-again' }
  | { kind: 'lost-race'; read: OpenedVersion | null };

/**
 * Returns true if tags or grants were written in separate requests, to a replica without a version id. Another worker may have
 * replaced the replica before these requests, so that a newer replica got the tags or grants. Another round therefore looks at
 * both sides.
 */
const isDescribedInPlace = (result: RoundResult): boolean =>
  result.kind === 'written' && result.copied.isApart && !namesOneState(result.copied.written);

const describedBy = (result: RoundResult): ObjectState | null => {
  if (result.kind === 'described') return result.version;
  return result.kind === 'written' ? result.read.version : null;
};

const latestRound = async (
  task: Task,
  context: ConvergeContext,
  round: number,
  { earlier, described }: Past,
): Promise<RoundResult> => {
  // Fast path: a small object is written as if its key were new. S3 refuses the write if the destination already has an object.
  const isSmall = task.expectedBytes !== null && task.expectedBytes <= TRIED_AS_NEW_BYTES;
  const assumeNew = round === 1 && task.concern === 'content' && isSmall;
  const shown: Current = assumeNew ? { kind: 'absent' } : await context.destination.look(task.replicaKey);
  const replica = shown.kind === 'object' ? shown.state : null;
  let read: OpenedVersion | null = null;
  try {
    const found = await readSource(task, context, replica, earlier);
    if ('kind' in found) return await sourceGone(task, context, found, assumeNew ? null : shown);
    read = found;
    const { version } = read;
    if (replica !== null && isRight(task, replica, read, { context, described })) {
      const isDone = described !== null && sameState(described, version);
      const changed = !isDone && (await syncShown(task, context, version, replica));
      if (changed && !namesOneState(replica)) return { kind: 'described', version };
      return done({ outcome: 'unchanged', sourceVersion: version.versionId, replica });
    }
    refuseOthers(task, replica);
    if (replica !== null && !(await mayReplace(task, context, replica))) return done({ outcome: 'held' });
    const before = { shown: replica, cover: coverOf(task, replica) };
    const outcome = await writeVersion(task, context, read, before);
    return typeof outcome === 'string' ? done({ outcome }) : { kind: 'written', read, copied: outcome };
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return { kind: 'lost-race', read };
    throw error;
  } finally {
    if (read !== null) discardBody(read);
  }
};

const done = (convergence: Convergence): RoundResult => ({ kind: 'done', convergence });

/** Resolves to false if the brake holds the overwrite. If the destination keeps the earlier version, the overwrite is only counted. */
const mayReplace = async (task: Task, { brake }: ConvergeContext, replica: ObjectState): Promise<boolean> => {
  if (!namesOneState(replica)) return await brake.admit(task, 'overwrite');
  await brake.count(task, 'overwrite');
  return true;
};

/**
 * Reads the source. If there is a replica to compare, or if the object is large, HEAD is enough at first. If the source shows no
 * object, resolves to what the source shows instead.
 */
const readSource = async (
  { rule, destination, key, expectedBytes }: Task,
  context: ConvergeContext,
  replica: ObjectState | null,
  earlier: OpenedVersion | null,
): Promise<OpenedVersion | Current> => {
  if (replica !== null || (expectedBytes ?? 0) > TRIED_AS_NEW_BYTES) {
    const now = await context.source.look(key);
    if (now.kind === 'object') return { version: now.state, opened: bodyInMemory(earlier, now.state) };
    if (now.kind === 'marker') return now;
    // Either the key or the bucket is absent, and only GET shows which. A missing bucket must not be mistaken for a missing key.
  }
  const opened = await openVersion(context, key, null, context.serverSide.way(rule, destination));
  if (opened !== null) return opened;
  return rule.deletes === 'ignore' ? { kind: 'absent' } : await context.source.look(key);
};

/** Returns the body that the previous round read into memory, if the source still shows the same version. */
const bodyInMemory = (earlier: OpenedVersion | null, version: ObjectState): Buffer | null =>
  earlier !== null && Buffer.isBuffer(earlier.opened) && sameState(earlier.version, version)
    ? earlier.opened
    : null;

/**
 * Handles a key without an object at the source. `now` is the result of the last look at the source. If `now` is an object,
 * somebody has just written it. `shown` is the result of the look at the destination, or null if the round has not looked there.
 */
const sourceGone = async (
  task: Task,
  context: ConvergeContext,
  now: Current,
  shown: Current | null,
): Promise<RoundResult> => {
  const gone = done({ outcome: 'source-gone' });
  if (task.rule.deletes === 'ignore') return gone;
  if (now.kind === 'object') return { kind: 'look-again' };
  if (now.kind === 'absent' && !task.absenceIsDeletion) return gone;
  if (shown === null) return { kind: 'look-again' };
  if (shown.kind !== 'object') return gone;
  const deletion = await deletionOf(task, context, now, shown.state);
  if (deletion === null) return { kind: 'look-again' };
  if (!(await mayHide(task, context, shown.state, deletion))) return done({ outcome: 'not-ours' });
  if (!(await context.brake.admit(task, 'delete'))) return done({ outcome: 'held' });
  const { versionId } = await hideReplica(task, context, shown.state);
  return { kind: 'removed', versionId };
};

/**
 * Resolves to the delete that the source shows, or to null if the source has changed since. If the shown replica has our stamp,
 * the history of the source is not needed: the destination was looked at before the source, so the replica is older than the
 * delete.
 */
const deletionOf = async (
  task: Task,
  { source }: ConvergeContext,
  now: Exclude<Current, { kind: 'object' }>,
  shown: ObjectState,
): Promise<Deletion | null> => {
  if (now.kind === 'absent') return { before: [], markedMs: null };
  if (task.onlyStamped || stampOn(shown, replicaPlace(task)) !== null)
    return { before: [], markedMs: Number.POSITIVE_INFINITY };
  const [newest, ...before] = await source.history(task.key);
  if (newest?.kind !== 'marker' || newest.versionId !== now.versionId) return null;
  return { before, markedMs: newest.lastModifiedMs };
};

/**
 * Returns true if the replica does not have to be written again. For a repair the headers are compared too, because somebody may
 * have changed the headers at the destination but not the stamp. `described` is the version whose replica the previous round wrote.
 */
const isRight = (
  task: Task,
  replica: ObjectState,
  { version }: OpenedVersion,
  { context, described }: { context: ConvergeContext; described: ObjectState | null },
): boolean =>
  holds(replica, version, replicaPlace(task)) &&
  (task.concern !== 'bytes' || described !== null || !isForgeable(replica, version)) &&
  isInTime(replica, version, replicaPlace(task)) &&
  ((described !== null && sameState(described, version)) ||
    holdsClass(task, replica, version, context.clock.now())) &&
  (task.concern !== 'attributes' || sameHeaders(replica, version));

/** Looks at the source after a write or a delete. Resolves to null if the source has changed in the meantime. */
const freshLook = async (
  { rule, key }: Task,
  { source, stillShows }: ConvergeContext,
  result: Extract<RoundResult, { kind: 'written' | 'removed' }>,
): Promise<Convergence | null> => {
  if (result.kind === 'written' && (await stillShows?.(key, result.read.version))) return replicated(result);
  const now = await source.look(key);
  if (result.kind === 'removed')
    return now.kind === 'object' ? null : { outcome: 'deleted', replicaVersion: result.versionId };
  const { version } = result.read;
  // If the rule does not replicate deletes, the outcome remains the same even if the source object was deleted in the meantime.
  const isStillSo = now.kind === 'object' ? sameState(now.state, version) : rule.deletes === 'ignore';
  return isStillSo ? replicated(result) : null;
};

const replicated = ({
  read: { version },
  copied,
}: Extract<RoundResult, { kind: 'written' }>): Convergence => ({
  outcome: 'replicated',
  version,
  copied,
  copies: 1,
  bytes: version.sizeBytes,
  newer: null,
});

/**
 * `versions: latest`: the destination shows what the source shows.
 *
 * The destination is looked at before the source: whatever the destination held at that moment came from an older or the
 * same state of the source, so a write on condition that the destination is unchanged never puts an old state over a
 * newer one (`decisions/001-destination-first.md`).
 */
import type { Work } from '../model/work.ts';
import type { Copied } from '../copy/request.ts';
import { ReplicationError } from '../model/errors.ts';
import { holds, sameHeaders, sameState } from '../replica/same-state.ts';
import type { Current, ObjectState } from '../model/ports.ts';
import { close, openVersion, type SourceLook } from './source-look.ts';
import { syncShown } from './attributes/sync.ts';
import {
  type Convergence,
  type ConvergeContext,
  MAX_ROUNDS,
  mayRemove,
  placeOf,
  restAfterRace,
  TRIED_AS_NEW_BYTES,
} from './convergence.ts';
import { writeVersion } from './write-version.ts';

export const convergeLatest = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
): Promise<Convergence> => {
  const travels = work.rule.deletes === 'replicate';
  let earlier: SourceLook | null = null;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const step: Step = await oneRound(work, context, replicaKey, round, earlier);
    switch (step.kind) {
      case 'done':
        return step.convergence;
      case 'written': {
        const now = await context.source.look(work.key);
        // What was written was current when it was read; where deletes do not travel, gone is final too.
        const stillSo = now.kind === 'object' ? sameState(now.state, step.look.version) : !travels;
        if (stillSo) return replicated(step.look.version, step.copied);
        break;
      }
      case 'removed': {
        const now = await context.source.look(work.key);
        if (now.kind !== 'object') return { outcome: 'deleted', replicaVersion: step.versionId };
        break;
      }
      case 'look-again':
        break;
      case 'lost-race':
        await restAfterRace(context, round);
    }
    earlier = 'look' in step ? step.look : null;
  }
  throw new ReplicationError('lost-race', `the object kept changing through ${MAX_ROUNDS} looks`);
};

const replicated = (version: ObjectState, copied: Copied): Convergence => ({
  outcome: 'replicated',
  version,
  copied,
  copies: 1,
  bytes: version.sizeBytes,
  newer: null,
});

type Step =
  | { kind: 'done'; convergence: Convergence }
  | { kind: 'written'; look: SourceLook; copied: Copied }
  | { kind: 'removed'; versionId: string | null }
  | { kind: 'look-again' }
  | { kind: 'lost-race'; look: SourceLook | null };

const oneRound = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  round: number,
  earlier: SourceLook | null,
): Promise<Step> => {
  // Fast path: a small object that was written is tried as new, and S3 says if it was not.
  const { concern, expectedBytes } = work;
  const isSmall = expectedBytes !== null && expectedBytes <= TRIED_AS_NEW_BYTES;
  const assumeNew = round === 1 && concern === 'content' && isSmall;
  const shown: Current = assumeNew ? { kind: 'absent' } : await context.destination.look(replicaKey);
  const replica = shown.kind === 'object' ? shown.state : null;
  let look: SourceLook | null = null;
  try {
    const found = await lookAtSource(work, context, replica, earlier);
    if ('kind' in found) return await sourceGone(work, context, replicaKey, found, assumeNew ? null : shown);
    look = found;
    const { version } = look;
    if (replica !== null && isRight(work, replicaKey, replica, version)) {
      await syncShown(work, context, replicaKey, version, replica);
      return done({ outcome: 'unchanged', sourceVersion: version.versionId, replica });
    }
    const outcome = await writeVersion(work, context, replicaKey, look, replica);
    return typeof outcome === 'string' ? done({ outcome }) : { kind: 'written', look, copied: outcome };
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return { kind: 'lost-race', look };
    throw error;
  } finally {
    if (look !== null) close(look);
  }
};

/** Whoever compared both sides may have found headers that were changed at the destination, under a stamp that was not. */
const isRight = (work: Work, replicaKey: string, replica: ObjectState, version: ObjectState): boolean =>
  holds(replica, version, placeOf(work, replicaKey)) &&
  (work.concern !== 'attributes' || sameHeaders(replica, version));

const done = (convergence: Convergence): Step => ({ kind: 'done', convergence });

/** With a replica to compare, or for a large object, HEAD is enough for now. Where there is no object: what there is instead. */
const lookAtSource = async (
  { rule, destination, key, expectedBytes }: Work,
  context: ConvergeContext,
  replica: ObjectState | null,
  earlier: SourceLook | null,
): Promise<SourceLook | Current> => {
  if (replica !== null || (expectedBytes ?? 0) > TRIED_AS_NEW_BYTES) {
    const now = await context.source.look(key);
    if (now.kind === 'object') return { version: now.state, opened: bodyInMemory(earlier, now.state) };
    if (now.kind === 'marker') return now;
    // Absent, or the bucket is: only GET can tell, and a bucket that is gone must not pass for one without the key.
  }
  const opened = await openVersion(context, key, null, context.serverSide.way(rule, destination));
  if (opened !== null) return opened;
  return rule.deletes === 'ignore' ? { kind: 'absent' } : await context.source.look(key);
};

/** What the round before read, if it is still the same version. */
const bodyInMemory = (earlier: SourceLook | null, version: ObjectState): Buffer | null =>
  earlier !== null && Buffer.isBuffer(earlier.opened) && sameState(earlier.version, version)
    ? earlier.opened
    : null;

/** `now` is what the source shows instead of an object; `shown` null: the destination was not looked at yet. */
const sourceGone = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  now: Current,
  shown: Current | null,
): Promise<Step> => {
  const gone: Step = { kind: 'done', convergence: { outcome: 'source-gone' } };
  if (work.rule.deletes === 'ignore') return gone;
  if (now.kind === 'object') return { kind: 'look-again' };
  if (now.kind === 'absent' && !work.absenceIsDeletion) return gone;
  if (shown === null) return { kind: 'look-again' };
  if (shown.kind !== 'object' || !mayRemove(work, replicaKey, shown.state)) return gone;
  const { versionId } = await context.destination.remove({ key: replicaKey, etag: shown.state.etag });
  return { kind: 'removed', versionId };
};

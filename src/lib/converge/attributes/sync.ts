/**
 * Gives replicas the tags, grants and locks of their source versions, which can change without a new version. Decides when to
 * compare them, and which replica to change.
 */
import { isWanted } from '../../model/filter.ts';
import type { Acl, ObjectState, Tags } from '../../model/ports.ts';
import type { Task } from '../../model/task.ts';
import { grantText, tagsText } from '../../replica/attribute-texts.ts';
import { nextLock } from '../../replica/object-lock.ts';
import { holds, sameHeaders } from '../../replica/same-state.ts';
import { identityOf, replicaPlace, stampOn } from '../../replica/stamp.ts';
import type { ConvergeContext } from '../context.ts';
import type { Convergence } from '../convergence.ts';
import { isEcho } from '../loop-guard.ts';
import { type BothVersions, replacing, syncAttribute, bothVersions } from './sync-attribute.ts';
import { syncLock } from './sync-lock.ts';

/**
 * Gives the replica the attributes that the hint is about, after the content has converged. Resolves to null if the source
 * version or its replica does not exist, or if the source object is itself a replica.
 */
export const syncAttributes = async (task: Task, context: ConvergeContext): Promise<Convergence | null> => {
  const version = await sourceVersion(task, context);
  if (version === null) return null;
  const replica = await replicaOf(version, task, context);
  if (replica === null) return null;
  // The source object is itself a replica, and it is unknown who changed its attributes. Replicating them could give old
  // attributes back to the object from which the replica was copied.
  if (await isEcho(task, context, version)) return null;
  const versions = bothVersions(task, version, replica);
  return (await syncConcern(task, context, versions, replica))
    ? {
        outcome: 'updated',
        version,
        replicaVersion: versions.replica.versionId,
      }
    : { outcome: 'unchanged', sourceVersion: versions.source.versionId, replica };
};

/** Resolves to true if the replica had another value of an attribute that the hint is about. */
export const syncConcern = async (
  task: Task,
  context: ConvergeContext,
  versions: BothVersions,
  replica: ObjectState,
): Promise<boolean> => {
  if (task.concern === 'acl') return await syncAcl(context, versions);
  if (task.concern === 'lock') return await syncLock(task, context, versions, replica);
  const changed = await syncTags(task, context, versions);
  // With the concern `attributes`, the grants were already compared while the content converged.
  return (task.concern === 'attributes' && (await syncLock(task, context, versions, replica))) || changed;
};

/**
 * Gives tags and grants to a replica whose content is right. S3 does not accept grants together with the content, and tags may
 * change while the content is written. An invocation that died after it wrote the content may therefore have left other tags and
 * grants. Objects without tags need no request for tags. Resolves to true if something was written.
 */
export const syncShown = async (
  task: Task,
  context: ConvergeContext,
  version: ObjectState,
  replica: ObjectState,
): Promise<boolean> => {
  if (await isEcho(task, context, version)) return false;
  const versions = bothVersions(task, version, replica);
  const hasTags = version.tagCount > 0 || replica.tagCount > 0;
  const tagged = hasTags && (await syncTags(task, context, versions));
  const granted = task.rule.acl === 'replicate' && (await syncAcl(context, versions));
  const nowMs = context.clock.now();
  // Without a stamp it is unknown whether the replica has the lock of this version, because the same bytes may have been written
  // again with another lock.
  const isUnsure = stampOn(replica, replicaPlace(task)) === null;
  if (isUnsure && nextLock(replica, version.lock, task.destination, nowMs) !== null)
    await syncLock(task, context, versions, replica);
  return tagged || granted;
};

/**
 * Resolves to the version that the event names. With `versions: latest` only the current version counts. Resolves to null if the
 * version is gone, or is not the current one.
 */
const sourceVersion = async (
  { rule, key, versionId }: Task,
  { source }: ConvergeContext,
): Promise<ObjectState | null> => {
  if (versionId !== null && rule.versions === 'all') return await source.head(key, versionId);
  const now = await source.look(key);
  if (now.kind !== 'object') return null;
  return versionId === null || versionId === now.state.versionId ? now.state : null;
};

/**
 * Resolves to the replica of a version, or to null. Without a stamp, the same bytes may have been written more than once. In that
 * case the order of the replicas, counted from the newest, decides which of them belongs to the version.
 */
const replicaOf = async (
  version: ObjectState,
  task: Task,
  context: ConvergeContext,
): Promise<ObjectState | null> => {
  const place = replicaPlace(task);
  let skipped: number | null = null;
  for await (const state of replicasOf(version, task, context)) {
    if (stampOn(state, place)?.identity === identityOf(version)) return state;
    if (!holds(state, version, place)) continue;
    if (stampOn(state, place) !== null || task.rule.versions === 'latest') return state;
    skipped ??= await newerAlike(version, task, context);
    if (skipped === 0) return state;
    skipped -= 1;
  }
  return null;
};

/** Reads the shown object, and then with `versions: all` the others of the same size, newest first. */
async function* replicasOf(
  version: ObjectState,
  { rule, replicaKey }: Task,
  { destination }: ConvergeContext,
): AsyncGenerator<ObjectState> {
  const shown = await destination.look(replicaKey);
  if (shown.kind === 'object') yield shown.state;
  if (rule.versions === 'latest') return;
  const shownId = shown.kind === 'object' ? (shown.state.versionId ?? 'null') : null;
  for await (const entry of destination.history(replicaKey)) {
    if (entry.kind === 'marker' || entry.versionId === shownId || entry.sizeBytes !== version.sizeBytes)
      continue;
    const state = await destination.head(replicaKey, entry.versionId);
    if (state !== null) yield state;
  }
}

/**
 * Counts the newer source versions with the same content and headers. Their replicas look the same as the replica of this
 * version.
 */
const newerAlike = async (version: ObjectState, task: Task, { source }: ConvergeContext): Promise<number> => {
  let alike = 0;
  for (const entry of await source.history(task.key)) {
    if (entry.versionId === version.versionId) break;
    if (entry.kind === 'marker' || entry.etag !== version.etag) continue;
    const newer = await source.head(task.key, entry.versionId);
    if (newer !== null && sameHeaders(newer, version)) alike += 1;
  }
  return alike;
};

/** Gives the replica the tags of the source version. Resolves to true if the replica had other tags, and the rule does not ignore tags. */
export const syncTags = async (
  { rule }: Task,
  context: ConvergeContext,
  { source, replica }: BothVersions,
): Promise<boolean> =>
  rule.tags === 'replicate' &&
  (await syncAttribute<Tags>(context, {
    wanted: async () => {
      const tags = await context.source.tags(source.key, source.versionId);
      return tags !== null && isWanted(rule, source, tags) ? tags : null;
    },
    held: () => context.destination.tags(replica.key, replica.versionId),
    write: (tags) => context.destination.putTags(replica.key, replica.versionId, tags),
    next: replacing(tagsText),
  }));

/** Gives the replica the grants of the source version. Resolves to true if the replica had other grants. */
export const syncAcl = async (
  context: ConvergeContext,
  { source, replica }: BothVersions,
): Promise<boolean> =>
  await syncAttribute<Acl>(context, {
    wanted: () => context.source.acl(source.key, source.versionId),
    held: () => context.destination.acl(replica.key, replica.versionId),
    write: (acl) => context.destination.putAcl(replica.key, replica.versionId, acl),
    next: replacing((acl) => JSON.stringify(acl.map(grantText).toSorted())),
  });

/** Tags, grants and locks, which change without a new version: which replica has to be given them, and when. */
import type { Work } from '../../model/work.ts';
import { holds } from '../../replica/same-state.ts';
import type { Acl, ObjectState, Tags } from '../../model/ports.ts';
import { isEcho } from '../loop-guard.ts';
import { tagsAreWanted } from '../../model/filter.ts';
import { identityOf, namesOneState, stampOn } from '../../replica/stamp.ts';
import { type At, replacing, syncAttribute } from './sync-attribute.ts';
import { syncLock } from './sync-lock.ts';
import { type Convergence, type ConvergeContext, placeOf } from '../convergence.ts';

/** After the content has converged: what the hint is about. */
export const syncAttributes = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
): Promise<Convergence | null> => {
  const version = await sourceVersion(work, context);
  if (version === null) return null;
  const replica = await replicaOf(version, work, context, replicaKey);
  if (replica === null) return null;
  // Who changed it is not known: what it came from would get back what it had before.
  if (await isEcho(work, context, replicaKey, version, replica)) return null;
  const from = { key: work.key, versionId: version.versionId };
  const to = { key: replicaKey, versionId: replica.versionId };
  const changed =
    work.concern === 'acl' ? await syncAcl(context, from, to) : await syncTags(work, context, from, to);
  // Grants have come with the look at the content.
  const locked = work.concern === 'attributes' && (await syncLock(work, context, from, to, replica.lock));
  return changed || locked
    ? { outcome: 'updated', sourceVersion: from.versionId, replicaVersion: to.versionId }
    : { outcome: 'unchanged', sourceVersion: from.versionId, replica };
};

/**
 * For a replica that is there: grants, which S3 does not take with the content, so that whoever wrote it may have died before
 * giving them; and tags, where it takes more than the content to tell two versions apart.
 */
export const syncShown = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  version: ObjectState,
  replica: ObjectState,
): Promise<void> => {
  if (await isEcho(work, context, replicaKey, version, replica)) return;
  const from = { key: work.key, versionId: version.versionId };
  const to = { key: replicaKey, versionId: replica.versionId };
  const hasTags = version.tagCount > 0 || replica.tagCount > 0;
  const isNamed = namesOneState(version) && stampOn(replica, placeOf(work, replicaKey)) !== null;
  // Those that find no room beside the content come after it, too.
  const someAreMissing = version.tagCount !== replica.tagCount;
  if (someAreMissing || (!isNamed && hasTags)) await syncTags(work, context, from, to);
  if (work.rule.acl === 'replicate') await syncAcl(context, from, to);
};

/** The version the event names; where only the current one is replicated, no other. */
const sourceVersion = async (
  { rule, key, versionId }: Work,
  { source }: ConvergeContext,
): Promise<ObjectState | null> => {
  if (versionId !== null && rule.versions === 'all') return await source.head(key, versionId);
  const now = await source.look(key);
  if (now.kind !== 'object') return null;
  return versionId === null || versionId === now.state.versionId ? now.state : null;
};

const replicaOf = async (
  version: ObjectState,
  work: Work,
  { destination }: ConvergeContext,
  replicaKey: string,
): Promise<ObjectState | null> => {
  const place = placeOf(work, replicaKey);
  const isReplica = (state: ObjectState): boolean =>
    stampOn(state, place)?.identity === identityOf(version) || holds(state, version, place);
  const shown = await destination.look(replicaKey);
  if (shown.kind === 'object' && isReplica(shown.state)) return shown.state;
  if (work.rule.versions === 'latest') return null;
  for await (const entry of destination.history(replicaKey)) {
    if (entry.kind === 'marker' || entry.sizeBytes !== version.sizeBytes) continue;
    const state = await destination.head(replicaKey, entry.versionId);
    if (state !== null && isReplica(state)) return state;
  }
  return null;
};

/** Gives the replica the tags of the source version; true where it had others. */
export const syncTags = async (
  { rule }: Work,
  { source, destination, ...context }: ConvergeContext,
  from: At,
  to: At,
): Promise<boolean> =>
  await syncAttribute<Tags>(
    { source, destination, ...context },
    {
      wanted: async () => {
        const tags = await source.tags(from.key, from.versionId);
        return tags !== null && tagsAreWanted(rule.filter, tags) ? tags : null;
      },
      held: () => destination.tags(to.key, to.versionId),
      write: (tags) => destination.putTags(to.key, to.versionId, tags),
      next: replacing((tags) =>
        JSON.stringify(Object.entries(tags).toSorted(([one], [other]) => (one < other ? -1 : 1))),
      ),
    },
  );

/** Gives the replica the grants of the source version; true where it had others. */
export const syncAcl = async (context: ConvergeContext, from: At, to: At): Promise<boolean> =>
  await syncAttribute<Acl>(context, {
    wanted: () => context.source.acl(from.key, from.versionId),
    held: () => context.destination.acl(to.key, to.versionId),
    write: (acl) => context.destination.putAcl(to.key, to.versionId, acl),
    next: replacing((acl) =>
      JSON.stringify(
        acl.map(({ grantee, permission }) => [grantee.kind, grantee.id, permission].join()).toSorted(),
      ),
    ),
  });

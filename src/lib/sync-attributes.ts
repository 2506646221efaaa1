/**
 * Tags and grants, which change without a new version: brought to the replica without copying the object again. S3 knows no
 * condition on them, so after each write the source is read once more: whoever writes last has looked last.
 */
import { holds } from './holds.ts';
import { ReplicationError } from './errors.ts';
import type { Acl, ObjectState, Tags } from './ports.ts';
import { isEcho } from './echo.ts';
import { tagsAreWanted } from './filter.ts';
import { identityOf, namesOneState, stampOn } from './stamp.ts';
import {
  type Convergence,
  type ConvergeContext,
  MAX_ROUNDS,
  placeOf,
  restAfterRace,
  type Work,
} from './work.ts';

/** A version at one side; `versionId` null: in a bucket without versions. */
interface At {
  key: string;
  versionId: string | null;
}

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
  return changed
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
  await sync<Tags>(
    { source, destination, ...context },
    {
      wanted: async () => {
        const tags = await source.tags(from.key, from.versionId);
        return tags !== null && tagsAreWanted(rule.filter, tags) ? tags : null;
      },
      held: () => destination.tags(to.key, to.versionId),
      write: (tags) => destination.putTags(to.key, to.versionId, tags),
      text: (tags) =>
        JSON.stringify(Object.entries(tags).toSorted(([one], [other]) => (one < other ? -1 : 1))),
    },
  );

/** Gives the replica the grants of the source version; true where it had others. */
export const syncAcl = async (context: ConvergeContext, from: At, to: At): Promise<boolean> =>
  await sync<Acl>(context, {
    wanted: () => context.source.acl(from.key, from.versionId),
    held: () => context.destination.acl(to.key, to.versionId),
    write: (acl) => context.destination.putAcl(to.key, to.versionId, acl),
    text: (acl) =>
      JSON.stringify(
        acl.map(({ grantee, permission }) => [grantee.kind, grantee.id, permission].join()).toSorted(),
      ),
  });

interface Attribute<T> {
  /** Null: the version is gone, or the rule is not for it any more. */
  wanted(): Promise<T | null>;
  held(): Promise<T | null>;
  write(value: T): Promise<void>;
  text(value: T): string;
}

const sync = async <T>(context: ConvergeContext, attribute: Attribute<T>): Promise<boolean> => {
  const held = await attribute.held();
  if (held === null) return false;
  // What the replica reads back may be less than was written: its owner's grants are not told apart.
  let last = attribute.text(held);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (round > 1) await restAfterRace(context, round);
    const wanted = await attribute.wanted();
    if (wanted === null || attribute.text(wanted) === last) return round > 0;
    await attribute.write(wanted);
    last = attribute.text(wanted);
  }
  throw new ReplicationError('lost-race', `the attributes kept changing through ${MAX_ROUNDS} looks`);
};

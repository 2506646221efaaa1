/** Makes converge announce each proven replica. */
import type { ConvergeContext } from '../converge/context.ts';
import type { Copied } from '../copy/request.ts';
import type { ObjectState } from '../model/ports.ts';
import type { ReplicaEvent } from '../model/replica-event.ts';
import type { Task } from '../model/task.ts';
import { isFrom, replicaPlace, sourcePlace, type Stamp, stampOn } from '../replica/stamp.ts';
import type { Announce } from './announcer.ts';

/** How far the clock of S3 may be behind the clock of the queue. */
const CLOCKS_APART_MS = 60_000;

/** Maximum number of replicas that are announced again. Each costs a HEAD. */
const MOST_FOUND = 100;

/**
 * Resolves to a context that announces each proven replica. If an invocation dies between a replica and its event, the next attempt finds
 * the replica by its stamp in the history of the destination, and announces it. If the earlier attempt died only after its announcement,
 * the replica is announced twice. `sinceMs` is the time of the first attempt; null: this attempt is the first.
 */
export const announced = async (
  context: ConvergeContext,
  { task, announce, sinceMs }: { task: Task; announce: Announce | null; sinceMs: number | null },
): Promise<ConvergeContext> => {
  if (announce === null || task.rule.announce === 'none') return context;
  if (sinceMs !== null) await Promise.all((await foundSince(task, context, sinceMs)).map(announce));
  return {
    ...context,
    replicated: async (version, copied) =>
      await announce(writtenEvent(task, version, copied, context.clock.now())),
  };
};

/**
 * Finds the replicas that earlier attempts wrote. Finds at most one of them if the destination keeps no versions, or is another
 * S3 service, which may list no versions.
 */
const foundSince = async (
  task: Task,
  { destination }: ConvergeContext,
  sinceMs: number,
): Promise<ReplicaEvent[]> => {
  if (task.destination.service !== null) {
    const shown = await destination.look(task.replicaKey);
    const isYoung = shown.kind === 'object' && shown.state.lastModifiedMs >= sinceMs - CLOCKS_APART_MS;
    return isYoung ? eventsIn(task, shown.state) : [];
  }
  const found: ReplicaEvent[] = [];
  for await (const entry of destination.history(task.replicaKey)) {
    if (entry.lastModifiedMs < sinceMs - CLOCKS_APART_MS || found.length === MOST_FOUND) break;
    if (entry.kind === 'version')
      found.push(...eventsIn(task, await destination.head(task.replicaKey, entry.versionId)));
  }
  return found;
};

/** Returns a list with the event of `object` if it is a replica of this task. Returns an empty list for any other object. */
const eventsIn = (task: Task, object: ObjectState | null): ReplicaEvent[] => {
  const stamp = object === null ? null : stampOn(object, replicaPlace(task));
  return object !== null && stamp !== null && isFrom(stamp, sourcePlace(task))
    ? [foundEvent(task, object, stamp)]
    : [];
};

const writtenEvent = (
  task: Task,
  { versionId, etag, sizeBytes, lastModifiedMs }: ObjectState,
  { written, proof }: Copied,
  nowMs: number,
): ReplicaEvent => ({
  ...placesOf(task),
  object: {
    key: task.key,
    size: sizeBytes,
    etag: bare(etag),
    ...idOf(versionId),
    ...modifiedAt(lastModifiedMs),
  },
  replica: {
    key: task.replicaKey,
    etag: bare(written.etag),
    ...idOf(written.versionId),
    ...(written.checksum === null ? {} : { checksum: written.checksum }),
  },
  proof,
  'replicated-at': new Date(nowMs).toISOString(),
});

/**
 * Returns the event of a replica that an earlier attempt wrote. The stamp names either the version or the ETag of the source, so
 * the event has only one of them.
 */
const foundEvent = (
  task: Task,
  { versionId, etag, sizeBytes, lastModifiedMs, checksum }: ObjectState,
  { identity, modifiedMs }: Stamp,
): ReplicaEvent => ({
  ...placesOf(task),
  object: {
    key: task.key,
    size: sizeBytes,
    ...(identity.startsWith('v/') ? idOf(identity.slice(2)) : { etag: identity.slice(2) }),
    ...modifiedAt(modifiedMs),
  },
  replica: {
    key: task.replicaKey,
    etag: bare(etag),
    ...idOf(versionId),
    ...(checksum === null ? {} : { checksum }),
  },
  proof: 'found',
  'replicated-at': new Date(lastModifiedMs).toISOString(),
});

const placesOf = ({ rule, destination, run }: Task) => ({
  version: '1' as const,
  rule: rule.id,
  bucket: { name: rule.source.bucket },
  destination: {
    id: destination.id,
    bucket: { name: destination.bucket },
    region: destination.region,
  },
  ...(run === null ? {} : { run }),
});

const idOf = (versionId: string | null) => (versionId === null ? {} : { 'version-id': versionId });

const modifiedAt = (ms: number) => ({ 'last-modified': new Date(ms).toISOString() });

const bare = (etag: string): string => etag.replaceAll('"', '');

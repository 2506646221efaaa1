/** Adds to converge that each proven replica is announced. */
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
 * Resolves to the context with the announcements. If an invocation dies between a replica and its event, the next attempt finds the replica by
 * its stamp in the history of the destination, and announces it: again, if the earlier attempt died a little later. `sinceMs` is the time of
 * the first attempt; null: this is it.
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

/** Finds one replica at most in a destination that keeps no versions. */
const foundSince = async (
  task: Task,
  { destination }: ConvergeContext,
  sinceMs: number,
): Promise<ReplicaEvent[]> => {
  const found: ReplicaEvent[] = [];
  for await (const entry of destination.history(task.replicaKey)) {
    if (entry.lastModifiedMs < sinceMs - CLOCKS_APART_MS || found.length === MOST_FOUND) break;
    if (entry.kind === 'marker') continue;
    const replica = await destination.head(task.replicaKey, entry.versionId);
    const stamp = replica === null ? null : stampOn(replica, replicaPlace(task));
    if (replica !== null && stamp !== null && isFrom(stamp, sourcePlace(task)))
      found.push(foundEvent(task, replica, stamp));
  }
  return found;
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

/** The stamp names the version or the ETag of the source. */
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
